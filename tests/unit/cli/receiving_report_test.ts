import assert from "node:assert/strict";
import { Progress } from "../../../cli/progress.ts";
import { ReceivingReport } from "../../../cli/receiving_report.ts";
import { Output } from "../../../cli/terminal.ts";
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
