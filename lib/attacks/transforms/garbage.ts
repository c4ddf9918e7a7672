/**
 * Garbage: random bytes in the place of something that was said.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, pass, replace } from "../wire.ts";
import { pickUnit } from "./any_unit.ts";

/** Random bytes, of at least five, that are neither a frame nor a record by chance. */
export function garbageBytes(seeded: Seeded, size: number): Bytes {
  const bytes = seeded.bytes(size);
  // Of so high a number there is no frame, and of so high a size no record. One in thousands would have been one, and
  // its end would have been waited for: slowloris is an attack of its own.
  bytes[0]! |= 0x80;
  bytes[4]! |= 0x80;
  return bytes;
}

/** Puts random bytes in the place of one frame or record, of either direction, and as many as it has. */
export function garbage(seeded: Seeded): Attacker {
  const isPicked = pickUnit(seeded);
  return {
    take(unit) {
      if (!isPicked(unit)) return [pass(unit)];
      const { length } = unit.bytes;
      return [replace(unit, garbageBytes(seeded, length), `${length} random bytes in its place`)];
    },
  };
}
