import assert from "node:assert/strict";
import { type HandshakeState, stateAfter, TRANSITIONS } from "../../../lib/handshake/transitions.ts";
import { FRAME_TYPES, type FrameType } from "../../../lib/wire/frame.ts";
import { assertFails } from "../identity/failures.ts";

const STATES: readonly HandshakeState[] = [
  "waitHello",
  "waitWelcome",
  "waitVerify",
  "waitReady",
  "open",
  "closed",
];

/** The specification's tables, once more. */
const ALLOWED: readonly string[] = [
  "client waitWelcome welcome waitReady",
  "client waitWelcome alert closed",
  "client waitReady ready open",
  "client waitReady alert closed",
  "client waitReady sealedAlert closed",
  "server waitHello hello waitVerify",
  "server waitVerify verify open",
  "server waitVerify alert closed",
  "server waitVerify sealedAlert closed",
];

Deno.test("every frame in every state goes where the specification says, or is fatal", () => {
  const seen: string[] = [];
  for (const role of ["client", "server"] as const) {
    for (const state of STATES) {
      for (const frame of Object.keys(FRAME_TYPES) as FrameType[]) {
        const isAllowed = ALLOWED.some((line) => line.startsWith(`${role} ${state} ${frame} `));
        if (isAllowed) seen.push(`${role} ${state} ${frame} ${stateAfter(role, state, frame)}`);
        else assertFails(() => stateAfter(role, state, frame), "unexpected_message", new RegExp(state));
      }
    }
  }
  assert.deepEqual(seen.sort(), [...ALLOWED].sort());
});

Deno.test("nothing leads out of open or closed", () => {
  for (const role of ["client", "server"] as const) {
    assert.equal(TRANSITIONS[role].open, undefined);
    assert.equal(TRANSITIONS[role].closed, undefined);
  }
});
