/**
 * What lines do by themselves, and what looks like it: damage, cuts, and an alert that nobody has signed.
 * @module
 */
import { RECORD_CRC_SIZE, RECORD_HEADER_SIZE } from "../../limits.ts";
import { encodeAlert } from "../../wire/alert.ts";
import { encodeFrame } from "../../wire/frame.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, type End, type Move, pass, PEER, replace, type Unit } from "../wire.ts";
import { isBlock } from "./targets.ts";

/** Damage on one connection, at most: an end gives a line up at one more than 64. */
const DAMAGE_MAX = 40;
/** Damage to one record, at most: an end gives a line up when it has asked three times and got none. */
const DAMAGE_SAME_MAX = 2;

/**
 * Damages every third block or so, by one to four bytes, and sometimes what the receiver says to the sender's OFFER. The
 * sizes of records stay as they are: an end that waits for a larger record waits, which takes time and shows nothing.
 */
export function noise(seeded: Seeded): Attacker {
  const damaged = new Map<string, number>();
  let left = DAMAGE_MAX;
  let hasBegun = false;
  return {
    take(unit) {
      const isAnswer = unit.kind === "record" && unit.from === "server" && unit.number < 2;
      if (!isBlock(unit) && !isAnswer) return [pass(unit)];
      const record = `${unit.from} ${unit.number}`;
      const before = damaged.get(record) ?? 0;
      // The first block is hit whatever the seed: a line without noise shows nothing.
      const isHit = (isBlock(unit) && !hasBegun) || seeded.below(3) === 0;
      if (isBlock(unit)) hasBegun = true;
      if (!isHit || left === 0 || before === DAMAGE_SAME_MAX) return [pass(unit)];
      left -= 1;
      damaged.set(record, before + 1);
      return [damage(unit, seeded)];
    },
  };
}

function damage(unit: Unit, seeded: Seeded): Move {
  const bytes = unit.bytes.slice();
  const places = new Set<number>();
  for (let count = 1 + seeded.below(4); count > 0; count--) {
    places.add(RECORD_HEADER_SIZE + seeded.below(bytes.length - RECORD_HEADER_SIZE - RECORD_CRC_SIZE));
  }
  for (const at of places) bytes[at]! ^= 1 + seeded.below(255);
  return replace(unit, bytes, `noise on ${places.size} of its bytes`);
}

/**
 * Cuts a connection once so many whole units have come from the client, in the middle of the next one.
 * @param isCounted which units count
 */
export function cut(seeded: Seeded, unitsBefore: number, isCounted: (unit: Unit) => boolean): Attacker {
  let left = unitsBefore;
  let isCut = false;
  return {
    take(unit) {
      if (isCut) return [];
      if (unit.from !== "client" || !isCounted(unit) || left-- > 0) return [pass(unit)];
      isCut = true;
      const begun = unit.bytes.slice(0, seeded.below(unit.bytes.length));
      return [replace(unit, begun, `its first ${begun.length} bytes`), {
        kind: "cut",
        note: "the line is dead",
      }];
    },
    // The ends hear of the cut from their own sockets.
    end: (from: End) => isCut ? [] : [{ kind: "end", to: PEER[from], note: "" }],
  };
}

/** Answers HELLO by an alert in clear, which needs no key, and keeps what the server says. */
export function forgeAlert(): Attacker {
  return {
    take(unit) {
      if (unit.name !== "WELCOME") return [pass(unit)];
      return [
        replace(unit, encodeFrame("alert", encodeAlert("handshakeFailed")), "an alert of the attacker's own"),
      ];
    },
  };
}
