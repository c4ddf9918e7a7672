/**
 * The states of a session at either end. What this table does not list is a `StateError`.
 * @module
 */
import { StateError } from "./errors.ts";
import type { Opcode } from "./packet.ts";

/** Where a session stands. */
export type RoundsState =
  // The client's.
  | "start"
  | "waitChallenge"
  | "ready"
  | "waitAggregate"
  // The server's.
  | "waitHello"
  | "waitData"
  | "inRound"
  // Both.
  | "closed";

/** Who dialled, who listened. */
export type RoundsRole = "client" | "server";

type Table = Readonly<
  Record<RoundsRole, Partial<Record<RoundsState, Partial<Record<Opcode, RoundsState>>>>>
>;

/** `ROUNDS_TRANSITIONS[role][state][opcode]` is the next state. */
export const ROUNDS_TRANSITIONS: Table = {
  client: {
    waitChallenge: { challenge: "ready" },
    ready: { close: "closed" },
    waitAggregate: { aggregate: "ready", close: "closed" },
  },
  server: {
    waitHello: { hello: "waitData" },
    waitData: { data: "inRound", close: "closed" },
    inRound: { close: "closed" },
  },
};

/** `ROUNDS_SENT[role][state][opcode]` is the state after a packet of this end's own. */
export const ROUNDS_SENT: Table = {
  client: {
    start: { hello: "waitChallenge" },
    ready: { data: "waitAggregate", close: "closed" },
    waitAggregate: { close: "closed" },
  },
  server: {
    // The answer to HELLO, and a part of taking it.
    waitHello: { challenge: "waitData" },
    waitData: { close: "closed" },
    inRound: { aggregate: "waitData", close: "closed" },
  },
};

/** The state after a packet of this opcode came. Throws `StateError` for one that may not come now. */
export function roundsStateAfter(
  role: RoundsRole,
  state: RoundsState,
  opcode: Opcode | undefined,
): RoundsState {
  const next = opcode === undefined ? undefined : ROUNDS_TRANSITIONS[role][state]?.[opcode];
  if (next === undefined) {
    throw new StateError(`Cannot accept ${opcode ?? "an unknown opcode"}: the ${role} is in state ${state}`);
  }
  return next;
}

/** The state after this end sends a packet of this opcode. Throws `StateError` for one that it may not send now. */
export function roundsStateAfterSending(role: RoundsRole, state: RoundsState, opcode: Opcode): RoundsState {
  const next = ROUNDS_SENT[role][state]?.[opcode];
  if (next === undefined) throw new StateError(`Cannot send ${opcode}: the ${role} is in state ${state}`);
  return next;
}
