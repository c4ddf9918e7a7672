/**
 * One unit out of the many of a connection, picked blindly: the attacker only wants to be in the way.
 * @module
 */
import type { Seeded } from "../seeded.ts";
import type { End, Unit } from "../wire.ts";

/** Frames that each end sends, before its records. */
const FRAMES = 2;
/** Records of each end that are picked from: so many there are in any transfer. */
const RECORDS: Readonly<Record<End, number>> = { client: 4, server: 1 };

/** Picks a frame or one of the first records, of either direction; the result says whether a unit is the one. */
export function pickUnit(seeded: Seeded): (unit: Unit) => boolean {
  const from: End = seeded.below(2) === 0 ? "client" : "server";
  const place = seeded.below(FRAMES + RECORDS[from]);
  const kind = place < FRAMES ? "frame" : "record";
  const number = place < FRAMES ? place : place - FRAMES;
  return (unit) => unit.from === from && unit.kind === kind && unit.number === number;
}
