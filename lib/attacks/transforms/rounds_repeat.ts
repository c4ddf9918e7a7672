/**
 * Packets of the rounds that come again: to the same end, to the end that has sent them, or in another session.
 * @module
 */
import type { Seeded } from "../seeded.ts";
import { type Attacker, keep, pass, replace, type Unit } from "../wire.ts";
import { isPacket } from "./rounds_targets.ts";

/** The round of a session in which these attackers act: the second or the third. The first value returns a challenge. */
function laterRound(seeded: Seeded): number {
  return 2 + seeded.below(2);
}

/** Sends a value to the server again, as soon as it has been answered. */
export function replayData(seeded: Seeded): Attacker {
  const round = laterRound(seeded);
  let data: Unit | undefined;
  return {
    take(unit) {
      if (isPacket(unit, "DATA", round)) data = unit;
      if (data === undefined || !isPacket(unit, "AGGREGATE", round)) return [pass(unit)];
      // First, so that nothing which the client says next can overtake it.
      return [replace(data, data.bytes, "once more"), pass(unit)];
    },
  };
}

/** Sends the client its own second value back in place of an answer; the server never sees it. */
export function reflectData(): Attacker {
  return {
    take(unit) {
      if (!isPacket(unit, "DATA", 2)) return [pass(unit)];
      return [{
        kind: "send",
        to: unit.from,
        name: unit.name,
        bytes: unit.bytes,
        note: "back to its sender",
      }];
    },
  };
}

/** Keeps a value of the first session, and puts it in the place of the one of the same round in each later session. */
export function spliceData(seeded: Seeded): (connection: number) => Attacker {
  const round = laterRound(seeded);
  let data: Unit | undefined;
  return () => ({
    take(unit) {
      if (!isPacket(unit, "DATA", round)) return [pass(unit)];
      if (data !== undefined) return [replace(unit, data.bytes, "the first session's in its place")];
      data = unit;
      return [pass(unit)];
    },
  });
}

/** Keeps the answer to the second value from the client, and lets everything behind it pass. */
export function dropAggregate(): Attacker {
  return {
    take(unit) {
      if (!isPacket(unit, "AGGREGATE", 2)) return [pass(unit)];
      return [keep(unit, "it vanishes")];
    },
  };
}

/** Lets a client's farewell overtake its second value. */
export function reorderClose(): Attacker {
  let data: Unit | undefined;
  return {
    take(unit) {
      if (isPacket(unit, "DATA", 2)) {
        data = unit;
        return [keep(unit, "held back")];
      }
      if (data === undefined || unit.name !== "CLOSE" || unit.from !== "client") return [pass(unit)];
      return [pass(unit), replace(data, data.bytes, "only now")];
    },
  };
}
