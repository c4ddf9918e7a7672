/**
 * The tables of docs/rounds.md that the code has too: numbers, states, limits, errors.
 * @module
 */
import { exitCodeFor } from "../cli/exit_codes.ts";
import { ERROR_FACTS } from "../lib/errors.ts";
import {
  DirectionError,
  LimitError,
  MacError,
  type ProtocolError,
  RoundError,
  StateError,
} from "../lib/rounds/errors.ts";
import { CLOSE_REASONS } from "../lib/rounds/messages.ts";
import { DIRECTIONS, type Opcode, OPCODES } from "../lib/rounds/packet.ts";
import { ROUNDS_SENT, ROUNDS_TRANSITIONS, type RoundsRole } from "../lib/rounds/transitions.ts";
import {
  constantCase,
  describe,
  limitParts,
  limitsTable,
  namesTable,
  type StateRow,
  statesOf,
} from "./code_tables.ts";
import { markdownTable } from "./marked_regions.ts";

/** What an end answers within the same step; the code has this in its handlers alone. */
const ANSWERS: Partial<Record<Opcode, Opcode>> = { hello: "challenge" };

/** One of each kind, in the order of the checks. */
const ERRORS: readonly ProtocolError[] = [
  new LimitError(""),
  new StateError(""),
  new DirectionError(""),
  new RoundError(""),
  new MacError(""),
];

/** The content of every region. */
export function roundsRegions(): ReadonlyMap<string, string> {
  return new Map([
    ["packets", packets()],
    ["directions", namesTable("direction", "lib/rounds/packet.ts", "DIRECTIONS", DIRECTIONS)],
    ["reasons", namesTable("reason", "lib/rounds/messages.ts", "CLOSE_REASONS", CLOSE_REASONS)],
    ["errors", errors()],
    ["client states", states("client", "start")],
    ["server states", states("server", "waitHello")],
    ["limits", limitsTable(limitParts().at(-1)!)],
  ]);
}

function packets(): string {
  const text = describe("lib/rounds/packet.ts", "OPCODES", OPCODES);
  return markdownTable(
    ["opcode", "packet", "from", "meaning"],
    Object.entries(OPCODES).map(([name, number]) => {
      const isSent = (role: RoundsRole) =>
        Object.values(ROUNDS_SENT[role]).some((opcodes) => name in opcodes!);
      const from = (["client", "server"] as const).filter(isSent).join(", ");
      return [`${number}`, constantCase(name), from, text(name)];
    }),
  );
}

function errors(): string {
  return markdownTable(
    ["error", "code", "meaning", "exit status"],
    ERRORS.map((error) => {
      const meaning = ERROR_FACTS[error.code].meaning.replace(
        /^Rounds: ./,
        (start) => start.at(-1)!.toUpperCase(),
      );
      return [`\`${error.name}\``, `\`${error.code}\``, meaning, `${exitCodeFor(error)}`];
    }),
  );
}

function states(role: RoundsRole, first: string): string {
  const rowsOf = (
    table: typeof ROUNDS_SENT,
    row: (state: string, opcode: Opcode, next: string) => StateRow,
  ): readonly StateRow[] =>
    Object.entries(table[role]).flatMap(([state, opcodes]) =>
      Object.entries(opcodes!).map(([opcode, next]) => row(state, opcode as Opcode, next))
    );
  const answers = new Set(Object.values(ANSWERS));
  const order = [first, ...Object.keys(ROUNDS_TRANSITIONS[role]), ...Object.keys(ROUNDS_SENT[role])];
  const rows = [
    ...rowsOf(ROUNDS_TRANSITIONS, (state, opcode, next) => [state, opcode, ANSWERS[opcode] ?? "", next]),
    ...rowsOf(ROUNDS_SENT, (state, opcode, next) => [state, "", opcode, next])
      .filter(([, , opcode]) => !answers.has(opcode as Opcode)),
  ].sort((left, right) => order.indexOf(left[0]) - order.indexOf(right[0]));
  return statesOf([["[*]", "", "", first], ...rows]);
}
