import assert from "node:assert/strict";
import { RoundsReport } from "../../../cli/rounds_report.ts";
import type { ParsedCommand } from "../../../cli/parse.ts";
import { Output } from "../../../cli/terminal.ts";
import { StxError } from "../../../lib/errors.ts";
import type { RoundsServiceEvent } from "../../../lib/net/rounds_server.ts";
import { MacError, RoundError } from "../../../lib/rounds/errors.ts";
import { eventProblem } from "../../support/events.ts";
import { fakeStreams } from "./fake_streams.ts";

function reporting(...flags: readonly ("json" | "verbose")[]) {
  const streams = fakeStreams();
  const command: ParsedCommand = {
    command: "rounds",
    positionals: ["serve"],
    values: new Map(flags.map((flag) => [flag, true])),
  };
  const output = new Output({
    command: "rounds",
    json: flags.includes("json"),
    verbose: flags.includes("verbose"),
    quiet: false,
    exit: () => assert.fail("the process was ended"),
    streams,
  });
  const report = new RoundsReport(command, output);
  return { report, said: () => ({ out: streams.out(), error: streams.error() }) };
}

const ROUND: RoundsServiceEvent = {
  kind: "round",
  number: 3,
  product: "250",
  sums: { roof: "12.5", __proto__x: "20" },
  late: ["shed"],
};

function failed(error: unknown, names: { id?: string; claimedId?: string } = {}): RoundsServiceEvent {
  return { kind: "failed", id: names.id, claimedId: names.claimedId, address: "192.0.2.7", error, count: 1 };
}

Deno.test("a round is a line on standard output, or an event and no line", () => {
  const plain = reporting();
  plain.report.tell(ROUND);
  assert.deepEqual(plain.said(), {
    out: "round 3: product 250, 2 clients (roof 12.5, __proto__x 20), late: shed\n",
    error: "",
  });
  const json = reporting("json");
  json.report.tell(ROUND);
  const { out, error } = json.said();
  assert.equal(eventProblem(out.trimEnd()), undefined);
  assert.deepEqual(JSON.parse(out), {
    v: 1,
    event: "round",
    round: "3",
    clients: "2",
    product: "250",
    sums: { roof: "12.5", __proto__x: "20" },
    late: ["shed"],
  });
  assert.equal(error, "");
});

Deno.test("who comes, who goes and what is refused is told to those who ask for it alone", () => {
  const events: readonly RoundsServiceEvent[] = [
    { kind: "joined", id: "roof", address: "192.0.2.7" },
    { kind: "left", id: "roof", reason: "late" },
    failed(new MacError("Cannot accept a packet"), { id: "roof", claimedId: "roof" }),
    failed(new RoundError("Cannot accept HELLO", "enroll it again"), { claimedId: "\x1b[2Jcellar" }),
    failed(new MacError("Cannot read a packet")),
  ];
  const quiet = reporting();
  for (const event of events) quiet.report.tell(event);
  assert.deepEqual(quiet.said(), { out: "", error: "" });
  const verbose = reporting("verbose");
  for (const event of events) verbose.report.tell(event);
  assert.deepEqual(verbose.said().error.trimEnd().split("\n"), [
    "roof has joined from 192.0.2.7",
    "roof has left: late",
    "stx rounds: warning: refused roof, from 192.0.2.7: Cannot accept a packet",
    'stx rounds: warning: refused one who calls itself "\\x1b[2Jcellar", from 192.0.2.7: Cannot accept HELLO; enroll it again',
    "stx rounds: warning: refused a stranger, from 192.0.2.7: Cannot read a packet",
  ]);
});

Deno.test("a failure of this side is an error, which the server outlives", () => {
  const { report, said } = reporting("json");
  report.tell(failed(new StxError("disk_full", "Cannot write the state file")));
  const { out, error } = said();
  assert.equal(error, "stx rounds: Cannot write the state file\n");
  const event = JSON.parse(out);
  assert.deepEqual([event.event, event.code, event.exit], ["error", "disk_full", null]);
});

Deno.test("at the end what was refused is told by client and kind; what failed on this side was told before", () => {
  const { report, said } = reporting("json");
  report.finish([
    { client: "roof", kind: "mac", count: 2 },
    { client: undefined, kind: "mac", count: 9 },
    { client: "cellar", kind: "other", count: 4 },
    { client: "roof", kind: "limit", count: 1 },
  ]);
  const { out, error } = said();
  assert.equal(
    error,
    "stx rounds: warning: connections refused in the name of roof: 2 bad_mac, 1 limit_exceeded\n" +
      "stx rounds: warning: connections refused from strangers: 9 bad_mac\n",
  );
  const lines = out.trimEnd().split("\n");
  for (const line of lines) assert.equal(eventProblem(line), undefined);
  const events = lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== "log");
  assert.deepEqual(
    events.map(({ client, code, count }) => [client, code, count]),
    [
      ["roof", "bad_mac", "2"],
      [null, "bad_mac", "9"],
      ["roof", "limit_exceeded", "1"],
    ],
  );
  const nothing = reporting("json");
  nothing.report.finish([]);
  assert.deepEqual(nothing.said(), { out: "", error: "" });
});
