/**
 * Writes the tables of docs/protocol.md that the code has too: numbers, states, limits, errors. `deno task docs`; with
 * `--check` it changes nothing and exits 1 where the document differs.
 * @module
 */
import { exitCodeFor } from "../cli/exit_codes.ts";
import { ERROR_FACTS, type ErrorCode, StxError } from "../lib/errors.ts";
import { TRANSITIONS as HANDSHAKE } from "../lib/handshake/transitions.ts";
import * as LIMITS from "../lib/limits.ts";
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
import { descriptionsIn, membersOf } from "./descriptions.ts";
import { differenceOf, fillRegions, markdownTable } from "./marked_regions.ts";
import { print, printError } from "./print.ts";
import { PROJECT_FOLDER } from "./project.ts";

/** The document, from the project's folder. */
export const DOCUMENT = "docs/protocol.md";

type Numbers = Readonly<Record<string, number>>;
/** `table[state][what comes or goes]` is the next state. */
type States = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What an end of a handshake says first, and what it answers; the code has this in its handlers alone. */
const FIRST_FRAME: FrameType = "hello";
const ANSWERS: Partial<Record<FrameType, FrameType>> = {
  hello: "welcome",
  welcome: "verify",
  verify: "ready",
};

/** What `document` says once every region says what the code does. */
export function withTables(document: string): string {
  return fillRegions(document, regions());
}

/** The content of every region. */
function regions(): ReadonlyMap<string, string> {
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

function read(path: string): string {
  return Deno.readTextFileSync(`${PROJECT_FOLDER}/${path}`);
}

/** The descriptions of an object of numbers; each must have one. */
function describe(path: string, name: string, numbers: Numbers): (member: string) => string {
  const texts = descriptionsIn(membersOf(read(path), name));
  if (texts.size !== Object.keys(numbers).length) throw new Error(`${name} is not read as it is written`);
  return (member) => texts.get(member)!;
}

/** Number, name and description of each member. */
function namesTable(head: string, path: string, name: string, numbers: Numbers): string {
  const text = describe(path, name, numbers);
  return markdownTable(
    ["number", head, "meaning"],
    Object.entries(numbers).map(([member, number]) => [`${number}`, `\`${member}\``, text(member)]),
  );
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
  const many = 10 * LIMITS.UNTRUSTED_ALERTS_MAX;
  let count = 0;
  while (count < many && policy.delayAfter(new StxError(code, ""), 0) !== undefined) count++;
  return count === 0 ? "no" : count === many ? "yes" : `at most ${count} times`;
}

/** From, what comes, what goes, to. */
type Row = readonly [string, string, string, string];

function handshakeStates(role: keyof typeof HANDSHAKE, start: Row): string {
  const rows = Object.entries(HANDSHAKE[role] as States).flatMap(([state, frames]) =>
    Object.entries(frames).map((
      [frame, next],
    ): Row => [state, frame, ANSWERS[frame as FrameType] ?? "", next])
  );
  return statesOf([start, ...rows]);
}

function transferStates(role: keyof typeof TRANSFER, start: Row): string {
  const rowsOf = (
    table: States,
    row: (state: string, message: string, next: string) => Row,
  ): readonly Row[] =>
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

/** A table of transitions and their diagram. */
function statesOf(rows: readonly Row[]): string {
  const named = rows.map((
    [state, comes, goes, next],
  ) => [state, constantCase(comes), constantCase(goes), next]);
  const table = markdownTable(
    ["state", "gets", "sends", "next"],
    named.map(([state, ...rest]) => [state === "[*]" ? "(start)" : state!, ...rest]),
  );
  const arrows = named.map(([state, comes, goes, next]) => {
    const label = [comes, goes === "" ? "" : `sends ${goes}`].filter((part) => part !== "").join(", ");
    return `    ${state} --> ${next}${label === "" ? "" : `: ${label}`}`;
  });
  return [table, "", "```mermaid", "stateDiagram-v2", ...arrows, "```"].join("\n");
}

/** The words that a limit's description may begin with: what is counted. */
const UNITS =
  /^(?:Answers|Bits|Bytes|Entries|Handshakes|Keys|Milliseconds|NAKs|Nonces|Parts|Records|Seals|Senders) /;

/** One table for each part of lib/limits.ts that is about STX/1, in their order. */
function limitTables(): readonly string[] {
  const [source] = read("lib/limits.ts").split(/^\/\/ ---- The rounds protocol ----$/m);
  const parts = source!.split(/^\/\/ ---- .* ----$/m).slice(1);
  if (parts.length !== 3) throw new Error("lib/limits.ts does not have three parts");
  const values = LIMITS as Numbers;
  return parts.map((part) =>
    markdownTable(
      ["limit", "value", "what it counts, and why"],
      [...descriptionsIn(part)].map(([name, text]) => {
        if (!UNITS.test(text)) throw new Error(`The description of ${name} does not begin with a unit`);
        return [`\`${name}\``, formatValue(values[name]!, text), text];
      }),
    )
  );
}

function formatValue(value: number, text: string): string {
  const digits = value.toLocaleString("en-US");
  const rounder = text.startsWith("Bytes")
    ? inUnits(value, [[2 ** 20, "MiB"], [2 ** 10, "KiB"]])
    : text.startsWith("Milliseconds")
    ? inUnits(value, [[86_400_000, "days"], [60_000, "min"], [1000, "s"]])
    : undefined;
  return rounder === undefined ? digits : `${digits} (${rounder})`;
}

/** `value` in the largest unit of which it is a whole multiple. */
function inUnits(value: number, units: readonly (readonly [number, string])[]): string | undefined {
  const unit = units.find(([size]) => value >= size && value % size === 0);
  return unit === undefined ? undefined : `${(value / unit[0]).toLocaleString("en-US")} ${unit[1]}`;
}

/** `wantManifest` as WANT_MANIFEST. */
function constantCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `accessDenied` as access denied. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

if (import.meta.main) {
  const before = read(DOCUMENT);
  const after = withTables(before);
  const difference = differenceOf(before, after);
  if (!Deno.args.includes("--check")) {
    Deno.writeTextFileSync(`${PROJECT_FOLDER}/${DOCUMENT}`, after);
    print(`docs: ${DOCUMENT} ${difference.length === 0 ? "was right" : "is written"}`);
  } else if (difference.length > 0) {
    for (const line of difference) printError(line);
    printError(`check:docs: ${DOCUMENT} does not say what the code does; run: deno task docs`);
    Deno.exit(1);
  } else {
    print(`check:docs: ${DOCUMENT} says what the code does`);
  }
}
