/**
 * A whole session is recorded and said again: everything that the client has sent, over a connection of the attacker's
 * own.
 * @module
 */
import { type Attacker, pass, type Unit } from "../wire.ts";

/** What is recorded of a session at most: its handshake and its beginning, where it is a long one. */
const RECORDING_SIZE_MAX = 16 * 1024 * 1024;

/** Listens, and repeats the client's part once the connection is over. */
export function replaySession(): Attacker {
  const recorded: Unit[] = [];
  let left = RECORDING_SIZE_MAX;
  return {
    take(unit) {
      left -= unit.from === "client" ? unit.bytes.length : 0;
      if (unit.from === "client" && left >= 0) recorded.push(unit);
      return [pass(unit)];
    },
    afterwards() {
      return recorded.map(({ name, bytes }) => {
        return { kind: "send", to: "server", name, bytes, note: "as it was recorded" };
      });
    },
  };
}
