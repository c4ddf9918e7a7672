/** negative.json, case by case: what happens to an end, and how it must end. */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode, StxError } from "../../../lib/errors.ts";
import { ALERTS, handshakeAlertFor, sessionAlertFor } from "../../../lib/wire/alert.ts";
import { FRAME_TYPES } from "../../../lib/wire/frame.ts";
import { type Message, MESSAGE_TYPES } from "../../../lib/wire/message.ts";
import { cryptoSettled } from "../../support/settled_crypto.ts";
import { messageTypeOf, readVectors } from "./files.ts";

interface Repetition {
  readonly byte: string;
  readonly count: number;
}

/** A message as a case has it. */
export interface PrintedMessage {
  readonly type: number;
  readonly body?: string;
  readonly then?: Repetition;
  /** Of REJECT, in place of its body. */
  readonly reason?: number;
}

/** Each has one of these. */
export interface Step {
  readonly in?: string;
  readonly then?: Repetition;
  readonly gives?: readonly PrintedMessage[];
  readonly out?: string;
  readonly in_message?: PrintedMessage;
  readonly out_message?: PrintedMessage;
  readonly say?: PrintedMessage;
  readonly at?: number;
  readonly end_of_stream?: true;
}

/** One case. */
export interface Case<Setup> {
  readonly name: string;
  readonly end: string;
  readonly setup: Setup;
  readonly steps: readonly Step[];
  readonly error: ErrorCode | null;
  readonly alert: { readonly where: "clear" | "sealed" | "session"; readonly number: number } | null;
  readonly public_key_work?: false;
}

const FILE = readVectors<{ bytes: Readonly<Record<string, string>>; cases: readonly Case<unknown>[] }>(
  "negative",
);

/** The cases about one end, with every byte string in its place. */
export function casesOf<Setup>(end: string): readonly Case<Setup>[] {
  const cases = FILE.cases.filter((each) => each.end === end);
  const text = JSON.stringify(cases, (_, value: unknown) => {
    return typeof value === "string" && value.startsWith("@") ? FILE.bytes[value] : value;
  });
  return JSON.parse(text) as readonly Case<Setup>[];
}

/** One test for each case; what is still under way on the crypto threads is waited for. */
export function testCases<Setup>(end: string, run: (each: Case<Setup>) => Promise<void>): void {
  for (const each of casesOf<Setup>(end)) {
    Deno.test(`${each.error ?? "no error"} at the ${end}: ${each.name}`, async () => {
      try {
        await run(each);
      } finally {
        await cryptoSettled();
      }
    });
  }
}

/** Bytes and those that are repeated behind them. */
export function bytesOf(hex: string, then: Repetition = { byte: "00", count: 0 }): Bytes {
  return concat(fromHex(hex), new Uint8Array(then.count).fill(Number.parseInt(then.byte, 16)));
}

/** The same as this library has it. */
export function messageOf({ type, body = "", then }: PrintedMessage): Message {
  return { type: messageTypeOf(type), body: bytesOf(body, then) };
}

/** A message as a case would have it. */
export function printed({ type, body }: Message): PrintedMessage {
  return { type: MESSAGE_TYPES[type], body: toHex(body) };
}

/** An end that takes and gives bytes. */
export interface ByteEnd {
  receive(bytes: Bytes, nowMs: number): Promise<readonly Message[]>;
  receiveEnd(): void;
  handleTimeout(nowMs: number): void;
  say(message: Message): void;
  /** Everything that it has to send, once all of it is sealed. */
  output(): Promise<Bytes>;
  /** What ended it. */
  readonly failure: StxError | undefined;
}

/** Does to an end what a case says, and holds what it does against that. */
export async function runByteCase(each: Case<unknown>, end: ByteEnd, startMs: number): Promise<void> {
  let nowMs = startMs;
  let output = "";
  let thrown: unknown;
  const failure = (): unknown => thrown ?? end.failure;
  for (const step of each.steps) {
    if (step.out !== undefined) {
      if (output === "") output = toHex(await end.output());
      assert.equal(output.slice(0, step.out.length), step.out, "it sends something else");
      output = output.slice(step.out.length);
      continue;
    }
    assert.equal(output + toHex(await end.output()), "", "it sends too much");
    assert.equal(failure(), undefined, "it has failed too early");
    try {
      if (step.in !== undefined) {
        const given = await end.receive(bytesOf(step.in, step.then), nowMs);
        assert.deepEqual(given.map(printed), step.gives ?? []);
      } else if (step.at !== undefined) {
        nowMs = startMs + step.at;
        end.handleTimeout(nowMs);
      } else if (step.say !== undefined) end.say(messageOf(step.say));
      else end.receiveEnd();
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      thrown = error;
    }
  }
  assert.equal(output + toHex(await end.output()), "", "it sends too much");
  assertEnding(each, failure());
}

/** Holds an error, and the alert that it leads to, against a case. */
export function assertEnding(each: Case<unknown>, failure: unknown): void {
  assert.equal(codeOf(failure) ?? null, each.error, String((failure as Error | undefined)?.stack));
  if (each.alert === null) return;
  const error = new StxError(each.error!, "");
  const alert = each.alert.where === "session"
    ? sessionAlertFor(error.code)
    : handshakeAlertFor(error, each.alert.where === "sealed");
  assert.equal(each.alert.number, ALERTS[alert]);
  const last = each.steps.at(-1)?.out;
  if (last === undefined || each.alert.where === "session") return;
  const type = each.alert.where === "clear" ? FRAME_TYPES.alert : FRAME_TYPES.sealedAlert;
  assert.equal(fromHex(last)[0], type, "the last frame is no such alert");
}
