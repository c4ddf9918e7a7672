/**
 * Lines that end: in the middle of a packet, or at one end only.
 * @module
 */
import type { Seeded } from "../seeded.ts";
import { type Attacker, type End, pass, PEER, replace } from "../wire.ts";
import { isPacket } from "./rounds_targets.ts";

/** Ends the stream to the client properly, in the middle of the answer to its second value. */
export function truncateAggregate(seeded: Seeded): Attacker {
  return {
    take(unit) {
      if (!isPacket(unit, "AGGREGATE", 2)) return [pass(unit)];
      const begun = unit.bytes.slice(0, 1 + seeded.below(unit.bytes.length - 1));
      return [
        replace(unit, begun, `its first ${begun.length} bytes`),
        { kind: "end", to: "client", note: "as if the server had finished" },
      ];
    },
  };
}

/** The first connection dies behind its first value; the client hears of it, and the server does not. */
export function halfDeadLine(connection: number): Attacker {
  let isDead = false;
  return {
    take(unit) {
      if (isDead) return [];
      if (connection > 0 || !isPacket(unit, "DATA", 1)) return [pass(unit)];
      isDead = true;
      return [pass(unit), {
        kind: "end",
        to: "client",
        note: "the line dies, and only the client hears of it",
      }];
    },
    end: (from: End) => isDead && from === "client" ? [] : [{ kind: "end", to: PEER[from], note: "" }],
  };
}
