/**
 * What can be done with whole records on their way, without looking into them: repeat, withhold, exchange, send back.
 * @module
 */
import type { Seeded } from "../seeded.ts";
import { type Attacker, keep, type Move, pass, PEER, replace, type Unit } from "../wire.ts";
import { isBlock } from "./targets.ts";

/** Sends one block's record twice. */
export function replay(seeded: Seeded): Attacker {
  return onBlock(
    seeded.below(3),
    (unit) => [pass(unit), replace(unit, unit.bytes, "the same record once more")],
  );
}

/** Lets one block's record vanish. */
export function drop(seeded: Seeded): Attacker {
  return onBlock(seeded.below(3), (unit) => [keep(unit, "it never arrives")]);
}

/** Exchanges one block's record and the one behind it. */
export function reorder(seeded: Seeded): Attacker {
  let blocksBefore = seeded.below(3);
  let held: Unit | undefined;
  return {
    take(unit) {
      if (unit.kind !== "record" || unit.from !== "client") return [pass(unit)];
      if (held !== undefined) {
        const moves: Move[] = [pass(unit), replace(held, held.bytes, "now, behind the next one")];
        held = undefined;
        return moves;
      }
      if (!isBlock(unit) || blocksBefore-- !== 0) return [pass(unit)];
      held = unit;
      return [keep(unit, "held back until the next one has passed")];
    },
  };
}

/** Sends the client's first record back to it, in place of the server's first one. */
export function reflect(): Attacker {
  let own: Unit | undefined;
  return {
    take(unit) {
      if (unit.kind !== "record" || unit.number !== 0) return [pass(unit)];
      if (unit.from === "client") {
        own = unit;
        return [pass(unit)];
      }
      // A server that answers has had a record; without one there is nothing to send back.
      return own === undefined ? [pass(unit)] : [replace(unit, own.bytes, "the client's own record 0")];
    },
  };
}

/** Ends the connection to the server properly after some blocks, as if the client had finished. */
export function truncate(seeded: Seeded): Attacker {
  let blocksLeft = 1 + seeded.below(3);
  let hasEnded = false;
  return {
    take(unit) {
      if (unit.from === "server") return [pass(unit)];
      if (hasEnded) return [keep(unit, "it vanishes: the connection has ended")];
      if (blocksLeft > 0) {
        if (isBlock(unit)) blocksLeft -= 1;
        return [pass(unit)];
      }
      hasEnded = true;
      return [
        keep(unit, "it vanishes, and all behind it"),
        { kind: "end", to: "server", note: "as if the client had finished" },
      ];
    },
    end: (from) => from === "client" && hasEnded ? [] : [{ kind: "end", to: PEER[from], note: "" }],
  };
}

/**
 * Puts a block's record of the first session in place of the record with the same number in every later one.
 * @returns an attacker for each connection
 */
export function splice(seeded: Seeded): (connection: number) => Attacker {
  const wanted = seeded.below(3);
  let kept: Unit | undefined;
  return (connection) =>
    connection === 0
      ? onBlock(wanted, (unit) => {
        kept = unit;
        return [pass(unit)];
      })
      : {
        take: (unit) =>
          isBlock(unit) && unit.number === kept?.number
            ? [replace(unit, kept.bytes, "the first session's record of that number")]
            : [pass(unit)],
      };
}

/** Does something with the block that has so many before it, and lets everything else pass. */
function onBlock(blocksBefore: number, act: (unit: Unit) => readonly Move[]): Attacker {
  let left = blocksBefore;
  return { take: (unit) => isBlock(unit) && left-- === 0 ? act(unit) : [pass(unit)] };
}
