/**
 * The handshake's states. What this table does not list is fatal; the tables in docs/protocol.md say the same.
 * @module
 */
import { StxError } from "../errors.ts";
import type { FrameType } from "../wire/frame.ts";

/** Where a handshake stands. "open" and "closed" are its ends. */
export type HandshakeState = "waitHello" | "waitWelcome" | "waitVerify" | "waitReady" | "open" | "closed";
/** Who dialled, who listened. */
export type HandshakeRole = "client" | "server";

type Table = Readonly<
  Record<HandshakeRole, Partial<Record<HandshakeState, Partial<Record<FrameType, HandshakeState>>>>>
>;

/** `TRANSITIONS[role][state][frame]` is the next state. */
export const TRANSITIONS: Table = {
  client: {
    waitWelcome: { welcome: "waitReady", alert: "closed" },
    waitReady: { ready: "open", alert: "closed", sealedAlert: "closed" },
  },
  server: {
    waitHello: { hello: "waitVerify" },
    waitVerify: { verify: "open", alert: "closed", sealedAlert: "closed" },
  },
};

/** The state after a frame; throws `unexpected_message` for a frame that may not come now. */
export function stateAfter(role: HandshakeRole, state: HandshakeState, frame: FrameType): HandshakeState {
  const next = TRANSITIONS[role][state]?.[frame];
  if (next === undefined) {
    throw new StxError("unexpected_message", `Cannot accept ${frame}: the ${role} is in state ${state}`);
  }
  return next;
}
