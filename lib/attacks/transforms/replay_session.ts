/**
 * A whole session is recorded and said again: everything that the client has sent, over a connection of the attacker's
 * own.
 * @module
 */
import type { Attacker, Unit } from "../wire.ts";
import { listen } from "./listen.ts";

/** Listens, and repeats the client's part once the connection is over. */
export function replaySession(): Attacker {
  const recorded: Unit[] = [];
  return {
    ...listen(recorded),
    afterwards() {
      return recorded.filter(({ from }) => from === "client").map(({ name, bytes }) => {
        return { kind: "send", to: "server", name, bytes, note: "as it was recorded" };
      });
    },
  };
}
