import assert from "node:assert/strict";
import { type Opcode, OPCODES } from "../../../lib/rounds/packet.ts";
import {
  ROUNDS_SENT,
  ROUNDS_TRANSITIONS,
  type RoundsRole,
  type RoundsState,
  roundsStateAfter,
  roundsStateAfterSending,
} from "../../../lib/rounds/transitions.ts";
import { fails } from "./ends.ts";

const STATES: readonly RoundsState[] = [
  ...([
    "start",
    "waitChallenge",
    "ready",
    "waitAggregate",
    "waitHello",
    "waitData",
    "inRound",
    "closed",
  ] as const),
];
const ROLES: readonly RoundsRole[] = ["client", "server"];
const ALL = Object.keys(OPCODES) as Opcode[];

/** Every step of a table, as words. */
function steps(
  step: (role: RoundsRole, state: RoundsState, opcode: Opcode) => RoundsState,
): readonly string[] {
  return ROLES.flatMap((role) =>
    STATES.flatMap((state) =>
      ALL.flatMap((opcode) => {
        try {
          return [`${role} ${state} ${opcode} ${step(role, state, opcode)}`];
        } catch {
          fails(
            "state",
            () => step(role, state, opcode),
            new RegExp(`${opcode}: the ${role} is in state ${state}$`),
          );
          return [];
        }
      })
    )
  );
}

Deno.test("what is not listed may not come", () => {
  assert.deepEqual(steps(roundsStateAfter), [
    "client waitChallenge challenge ready",
    "client ready close closed",
    "client waitAggregate aggregate ready",
    "client waitAggregate close closed",
    "server waitHello hello waitData",
    "server waitData data inRound",
    "server waitData close closed",
    "server inRound close closed",
  ]);
});

Deno.test("what is not listed may not be sent", () => {
  assert.deepEqual(steps(roundsStateAfterSending), [
    "client start hello waitChallenge",
    "client ready data waitAggregate",
    "client ready close closed",
    "client waitAggregate close closed",
    "server waitHello challenge waitData",
    "server waitData close closed",
    "server inRound aggregate waitData",
    "server inRound close closed",
  ]);
});

Deno.test("an opcode that is not known may never come", () => {
  for (const role of ROLES) {
    for (const state of STATES) {
      fails("state", () => roundsStateAfter(role, state, undefined), /unknown opcode/);
    }
  }
});

Deno.test("what one end may send, the other takes in some state", () => {
  const opcodes = (states: object) =>
    new Set(Object.values(states).flatMap((each) => Object.keys(each as object)));
  assert.deepEqual(opcodes(ROUNDS_SENT.client), opcodes(ROUNDS_TRANSITIONS.server));
  assert.deepEqual(
    [...opcodes(ROUNDS_SENT.server)].sort(),
    [...opcodes(ROUNDS_TRANSITIONS.client)].sort(),
  );
});
