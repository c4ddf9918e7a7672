/**
 * The tables of docs/protocol.md that the code has too: numbers, states, limits, errors.
 * @module
 */
import { exitCodeFor } from "../cli/exit_codes.ts";
import { ERROR_FACTS, type ErrorCode, StxError } from "../lib/errors.ts";
import { TRANSITIONS as HANDSHAKE } from "../lib/handshake/transitions.ts";
import { UNTRUSTED_ALERTS_MAX } from "../lib/limits.ts";
import { errorOf, rejectionFor } from "../lib/transfer/rejection.ts";
import { RetryPolicy } from "../lib/transfer/retry.ts";
import { SENT, TRANSITIONS as TRANSFER } from "../lib/transfer/transitions.ts";
import {
  type Alert,
  ALERT_PLACES,
  alertError,
  type AlertPlace,
  ALERTS,
  handshakeAlertFor,
  sessionAlertFor,
} from "../lib/wire/alert.ts";
import { FRAME_TYPES, type FrameType } from "../lib/wire/frame.ts";
import { AUTH_MODE_NUMBERS, INTENT_NUMBERS, SUITE_NUMBERS } from "../lib/wire/handshake_messages.ts";
import { isControl, MESSAGE_TYPES, type MessageType, REJECT_REASONS } from "../lib/wire/message.ts";
import {
  constantCase,
  describe,
  limitParts,
  limitsTable,
  namesTable,
  type StateRow,
  statesOf,
  words,
} from "./code_tables.ts";
import { markdownTable } from "./marked_regions.ts";

/** `table[state][what comes or goes]` is the next state. */
type States = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What an end of a handshake says first, and what it answers; the code has this in its handlers alone. */
const FIRST_FRAME: FrameType = "hello";
const ANSWERS: Partial<Record<FrameType, FrameType>> = {
  hello: "welcome",
  welcome: "verify",
  verify: "ready",
};

/** The content of every region. */
export function stxRegions(): ReadonlyMap<string, string> {
  const [inProtocol, noticed] = limitTables();
  return new Map([
    ["frame types", frameTypes()],
    ["suites", namesTable("suite", "lib/wire/handshake_messages.ts", "SUITE_NUMBERS", SUITE_NUMBERS)],
    ["modes", namesTable("mode", "lib/wire/handshake_messages.ts", "AUTH_MODE_NUMBERS", AUTH_MODE_NUMBERS)],
    ["intents", namesTable("intent", "lib/wire/handshake_messages.ts", "INTENT_NUMBERS", INTENT_NUMBERS)],
    ["message types", messageTypes()],
    ["reject reasons", rejectReasons()],
    ["alerts", alerts()],
    ["errors", errors()],
    ["client states", handshakeStates("client", ["[*]", "", FIRST_FRAME, "waitWelcome"])],
    ["server states", handshakeStates("server", ["[*]", "", "", "waitHello"])],
    ["sender states", transferStates("sender", ["[*]", "", "offer", "offered"])],
    ["receiver states", transferStates("receiver", ["[*]", "", "", "waitOffer"])],
    ["limits of STX/1", inProtocol!],
    ["limits that a peer can notice", noticed!],
  ]);
}

function frameTypes(): string {
  const text = describe("lib/wire/frame.ts", "FRAME_TYPES", FRAME_TYPES);
  return markdownTable(
    ["type", "frame", "from", "meaning"],
    Object.entries(FRAME_TYPES).map(([name, number]) => {
      const isTaken = (states: object): boolean => Object.values(states).some((frames) => name in frames);
      const from = [isTaken(HANDSHAKE.server) ? "client" : "", isTaken(HANDSHAKE.client) ? "server" : ""];
      return [`${number}`, constantCase(name), from.filter((each) => each !== "").join(", "), text(name)];
    }),
  );
}

function messageTypes(): string {
  const text = describe("lib/wire/message.ts", "MESSAGE_TYPES", MESSAGE_TYPES);
  return markdownTable(
    ["type", "message", "from", "meaning"],
    Object.entries(MESSAGE_TYPES).map(([name, number]) => {
      const isTaken = Object.values(TRANSFER.receiver).some((messages) => name in messages!);
      const from = isControl(name as MessageType) ? "either" : isTaken ? "sender" : "receiver";
      return [`${number}`, constantCase(name), from, text(name)];
    }),
  );
}

function rejectReasons(): string {
  const text = describe("lib/wire/message.ts", "REJECT_REASONS", REJECT_REASONS);
  return markdownTable(
    ["number", "reason", "meaning", "the receiver's errors", "the sender's error"],
    Object.entries(REJECT_REASONS).map(([name, number]) => {
      const reason = name as keyof typeof REJECT_REASONS;
      const causes = CODES.filter((code) => rejectionFor(new StxError(code, ""))?.reason === reason);
      return [
        `${number}`,
        name,
        text(name),
        causes.map((code) => `\`${code}\``).join(", "),
        `\`${errorOf({ reason, text: "" }).code}\``,
      ];
    }),
  );
}

/** Those of STX/1; the rounds protocol has a document of its own. */
const CODES = (Object.keys(ERROR_FACTS) as ErrorCode[]).filter((code) =>
  !ERROR_FACTS[code].meaning.startsWith("Rounds: ")
);
const PLACE_NAMES: Readonly<Record<AlertPlace, string>> = {
  clear: "in clear",
  handshake: "sealed, in the handshake",
  session: "in the session",
};

function alerts(): string {
  const text = describe("lib/wire/alert.ts", "ALERTS", ALERTS);
  return markdownTable(
    ["number", "alert", "meaning", "where", "its receiver's error", "the client tries again"],
    Object.entries(ALERTS).flatMap(([name, number]) => {
      const places = ALERT_PLACES[name as Alert];
      const rowOf = (some: readonly AlertPlace[]): readonly string[] => {
        const { code } = alertError(name as Alert, !some.includes("clear"));
        const where = some.map((place) => PLACE_NAMES[place]).join(", ");
        return [`${number}`, words(name), text(name), where, `\`${code}\``, retriesOf(code)];
      };
      const sealed = places.filter((place) => place !== "clear");
      return places.includes("clear") ? [rowOf(["clear"]), rowOf(sealed)] : [rowOf(sealed)];
    }),
  );
}

function errors(): string {
  return markdownTable(
    ["code", "meaning", "noticed by", "exit status", "the peer is told", "the client tries again"],
    CODES.map((code) => {
      const { meaning, side } = ERROR_FACTS[code];
      const status = exitCodeFor(new StxError(code, ""));
      return [`\`${code}\``, meaning, side, `${status}`, toldOf(code), retriesOf(code)];
    }),
  );
}

function toldOf(code: ErrorCode): string {
  const error = new StxError(code, "");
  const numbered = (alert: Alert): string => `${ALERTS[alert]} ${words(alert)}`;
  return ERROR_FACTS[code].told.map((stage) => {
    if (stage === "handshake") return `handshake: ${numbered(handshakeAlertFor(error, true))}`;
    const rejection = rejectionFor(error);
    const reject = rejection === undefined
      ? ""
      : `REJECT ${REJECT_REASONS[rejection.reason]} ${rejection.reason}, then `;
    return `session: ${reject}${numbered(sessionAlertFor(code))}`;
  }).join("; ");
}

/** How often a client tries again, found out by letting it. */
function retriesOf(code: ErrorCode): string {
  const policy = new RetryPolicy(Infinity, { bytes: (size) => new Uint8Array(size) }, 0);
  const many = 10 * UNTRUSTED_ALERTS_MAX;
  let count = 0;
  while (count < many && policy.delayAfter(new StxError(code, ""), 0) !== undefined) count++;
  return count === 0 ? "no" : count === many ? "yes" : `at most ${count} times`;
}

function handshakeStates(role: keyof typeof HANDSHAKE, start: StateRow): string {
  const rows = Object.entries(HANDSHAKE[role] as States).flatMap(([state, frames]) =>
    Object.entries(frames).map((
      [frame, next],
    ): StateRow => [state, frame, ANSWERS[frame as FrameType] ?? "", next])
  );
  return statesOf([start, ...rows]);
}

function transferStates(role: keyof typeof TRANSFER, start: StateRow): string {
  const rowsOf = (
    table: States,
    row: (state: string, message: string, next: string) => StateRow,
  ): readonly StateRow[] =>
    Object.entries(table).flatMap(([state, messages]) =>
      Object.entries(messages).map(([message, next]) => row(state, message, next))
    );
  const order = [...Object.keys(TRANSFER[role]), ...Object.keys(SENT[role])];
  const rows = [
    ...rowsOf(TRANSFER[role] as States, (state, message, next) => [state, message, "", next]),
    ...rowsOf(SENT[role] as States, (state, message, next) => [state, "", message, next]),
  ].sort((left, right) => order.indexOf(left[0]) - order.indexOf(right[0]));
  return statesOf([start, ...rows]);
}

/** One table for each part of lib/limits.ts that is about STX/1, in their order. */
function limitTables(): readonly string[] {
  const parts = limitParts().slice(0, -1);
  if (parts.length !== 3) throw new Error("lib/limits.ts does not have three parts");
  return parts.map(limitsTable);
}
