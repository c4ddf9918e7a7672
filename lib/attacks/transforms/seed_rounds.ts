/**
 * Attackers without keys on the first design of the rounds protocol, which has no last packet and no session of its own
 * for each connection.
 * @module
 */
import { type Attacker, keep, pass, replace, type Unit } from "../wire.ts";
import { isPacket } from "./rounds_targets.ts";

/** Keeps the first value of the first session, and puts it in the place of that of each later one. */
export function spliceFirstData(): (connection: number) => Attacker {
  let first: Unit | undefined;
  return () => ({
    take(unit) {
      if (!isPacket(unit, "DATA", 1)) return [pass(unit)];
      if (first !== undefined) return [replace(unit, first.bytes, "the first session's in its place")];
      first = unit;
      return [pass(unit)];
    },
  });
}

/** Keeps the second value, and tells the server instead that the client has finished. */
export function endBeforeData(): Attacker {
  return {
    take(unit) {
      if (!isPacket(unit, "DATA", 2)) return [pass(unit)];
      return [
        keep(unit, "it never arrives"),
        { kind: "end", to: "server", note: "as if the client had finished" },
      ];
    },
  };
}

/** Keeps the answer to the second value, and ends the stream to the client. */
export function endBeforeAggregate(): Attacker {
  return {
    take(unit) {
      if (!isPacket(unit, "AGGREGATE", 2)) return [pass(unit)];
      return [keep(unit, "it vanishes"), { kind: "cut", note: "nothing follows" }];
    },
  };
}
