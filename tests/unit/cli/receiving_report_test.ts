import assert from "node:assert/strict";
import { Progress } from "../../../cli/progress.ts";
import { ReceivingReport } from "../../../cli/receiving_report.ts";
import { Output } from "../../../cli/terminal.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { entry } from "../files/tree.ts";
import { fakeStreams } from "./fake_streams.ts";

const FILE_COUNT = 40;
/** What each event costs where whoever reads them is slow. */
const EVENT_MS = 3;

/** An output that is read slowly. */
class SlowOutput extends Output {
  readonly names: string[] = [];

  override event(name: string): void {
    this.names.push(name);
    const untilMs = performance.now() + EVENT_MS;
    while (performance.now() < untilMs);
  }

  override info(): void {}
}

Deno.test("others have their turns while many files are told, and all are told before the end", async () => {
  const output = new SlowOutput({
    command: "recv",
    json: true,
    quiet: false,
    verbose: false,
    exit: () => assert.fail("the process was ended"),
    streams: fakeStreams(),
  });
  const report = new ReceivingReport(output, new Progress(output), "a sender");
  const entries = Array.from({ length: FILE_COUNT }, (_, index) => entry(`file ${index}`, 0));
  report.report({ kind: "offered", transferId: new Uint8Array(32), entries, sizeBytes: 0 });
  let turnCount = 0;
  const timer = setInterval(() => turnCount += 1, 0);

  await report.finish({
    transferId: new Uint8Array(32),
    entries,
    topNames: {},
    sizeBytes: 0,
    receivedBytes: 0,
  });

  clearInterval(timer);
  assert.ok(turnCount >= 2, `${turnCount} turns in ${FILE_COUNT * EVENT_MS} ms`);
  assert.deepEqual(output.names, ["offer", ...entries.map(() => "file"), "done"]);
});

const MIB = 1024 ** 2;
const WHO = '"a b" and 1 more from SHA256:sender (192.0.2.1:5)';

/** What is said, as lines and as events, of a sender that has offered `sizeBytes`, or nothing yet. */
function reported(sizeBytes: number | null | undefined, tell: (report: ReceivingReport) => void) {
  const streams = fakeStreams();
  const exit = (): never => assert.fail("the process was ended");
  const output = new Output({ command: "recv", json: true, quiet: false, verbose: false, exit, streams });
  const report = new ReceivingReport(output, new Progress(output), "SHA256:sender");
  if (sizeBytes !== undefined) {
    const entries = [entry("a b", sizeBytes ?? 0), entry("c", 0)];
    report.report({ kind: "offered", transferId: new Uint8Array(32), entries, sizeBytes });
  }
  tell(report);
  const events = streams.out().trimEnd().split("\n").map((line) => JSON.parse(line));
  return { lines: streams.error().trimEnd().split("\n"), events };
}

Deno.test("the line of a transfer that goes on says which one it is, whose, and how far", () => {
  const { lines } = reported(10 * MIB, (report) => report.report({ kind: "resumed", offset: 4 * MIB }));
  assert.deepEqual(lines, ['Continuing "a b" and 1 more at 4.0 MiB of 10.0 MiB, from SHA256:sender']);
});

/** How a sender's part ends, and what is said of it. */
interface Ending {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly sizeBytes?: number | null;
  readonly isStopping?: true;
  readonly line: string;
}

const ENDINGS: readonly Ending[] = [
  {
    code: "connection_lost",
    sizeBytes: 10 * MIB,
    line: `${WHO}: Why, at 5.0 MiB of 10.0 MiB; the sender can continue`,
  },
  {
    code: "connection_lost",
    hint: "do this",
    sizeBytes: 10 * MIB,
    line: `${WHO}: Why, at 5.0 MiB of 10.0 MiB; do this`,
  },
  {
    code: "connection_lost",
    sizeBytes: null,
    line: `${WHO}: Why, at 5.0 MiB; what comes from standard input begins anew`,
  },
  { code: "connection_lost", line: "SHA256:sender (192.0.2.1:5): Why" },
  {
    code: "cancelled",
    sizeBytes: 10 * MIB,
    isStopping: true,
    line: `${WHO}: Stopped, at 5.0 MiB of 10.0 MiB; the sender can continue`,
  },
  { code: "cancelled", isStopping: true, line: "SHA256:sender (192.0.2.1:5): Stopped" },
  {
    code: "cancelled",
    sizeBytes: 10 * MIB,
    line: `${WHO}: Left to a newer connection of the same sender`,
  },
  { code: "rejected", hint: "do this", sizeBytes: 10 * MIB, line: `${WHO}: Why; do this` },
];

for (const { code, hint, sizeBytes, isStopping = false, line } of ENDINGS) {
  Deno.test(`an end without a result says which transfer it was, whose, and how far: ${line}`, () => {
    const error = new StxError(code, "Why", hint === undefined ? {} : { hint });
    const { lines, events } = reported(sizeBytes, (report) => {
      if (sizeBytes !== undefined) report.report({ kind: "received", bytes: 5 * MIB });
      report.fail(error, "192.0.2.1:5", isStopping);
    });
    assert.deepEqual(lines, [`stx recv: ${line}`]);
    const { exit, peer, transfer } = events.at(-1);
    const id = sizeBytes === undefined ? null : "00".repeat(32);
    assert.deepEqual([events.at(-1).code, exit, peer, transfer], [code, null, "SHA256:sender", id]);
  });
}

Deno.test("what comes of a fault is told as it is", () => {
  const { lines } = reported(1, (report) => report.fail(new Error("boom"), "192.0.2.1:5", false));
  assert.match(lines[0]!, /^stx recv: Unexpected error: Error: boom/);
});

Deno.test("finishing goes on from the bytes that have come, of a transfer without a size too", () => {
  const { events } = reported(null, (report) => {
    report.report({ kind: "received", bytes: 5 });
    report.report({ kind: "finishing" });
  });
  const { phase, bytes } = events.at(-1);
  assert.deepEqual([phase, bytes], ["finishing", 5]);
});
