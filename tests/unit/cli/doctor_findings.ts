/**
 * What the checks of `stx doctor` find, for their tests.
 * @module
 */
import assert from "node:assert/strict";
import type { CheckName, Events } from "../../../cli/events.ts";
import type { Place, Places } from "../../../cli/doctor_paths.ts";
import { DoctorReport } from "../../../cli/doctor_report.ts";
import { Output } from "../../../cli/terminal.ts";
import { StxError } from "../../../lib/errors.ts";
import { fakeStreams } from "./fake_streams.ts";

/** One thing that was found. */
export type Finding = Events["check"];

/** What `body` finds, as events. */
export async function findings(body: (report: DoctorReport) => unknown): Promise<readonly Finding[]> {
  const streams = fakeStreams();
  const output = outputOn(streams, true);
  await body(new DoctorReport(output, { isJson: true, isQuiet: false }));
  return streams.out().split("\n").slice(0, -1).map((line) => JSON.parse(line) as Finding);
}

/** What is told, on these streams. */
export function outputOn(streams: ReturnType<typeof fakeStreams>, json: boolean): Output {
  return new Output({
    command: "doctor",
    json,
    quiet: false,
    verbose: false,
    exit: (status) => {
      throw new Error(`exit ${status}`);
    },
    streams,
    colour: false,
  });
}

/** Asserts that exactly these are found, each by its name, its status, and texts that its message and its hint have. */
export function found(
  actual: readonly Finding[],
  ...expected:
    readonly (readonly [name: CheckName, status: Finding["status"], message: RegExp, hint?: RegExp])[]
): void {
  assert.deepEqual(
    actual.map(({ name, status }) => [name, status]),
    expected.map(([name, status]) => [name, status]),
    JSON.stringify(actual, null, 1),
  );
  expected.forEach(([, , message, hint], index) => {
    assert.match(actual[index]!.message, message);
    if (hint === undefined) assert.equal(actual[index]!.hint, null);
    else assert.match(actual[index]!.hint ?? "", hint);
  });
}

/** Places of which nothing is known. */
export const NOWHERE: Places = {
  config: new StxError("usage", "HOME is not set"),
  identity: undefined,
  authorizedKeys: undefined,
  knownReceivers: undefined,
  revokedKeys: undefined,
  sharedKeys: undefined,
  state: new StxError("usage", "HOME is not set"),
  home: undefined,
};

/** A place that the command line has named, or not. */
export const place = (path: string, isNamed = true): Place => ({ path, isNamed });
