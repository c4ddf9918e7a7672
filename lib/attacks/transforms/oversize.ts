/**
 * Sizes that are too large: one header in clear is changed, so that an end should wait for, or make room for, far more
 * than there is.
 * @module
 */
import { HANDSHAKE_BODY_SIZE_MAX, RECORD_CIPHERTEXT_SIZE_MAX } from "../../limits.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, pass, replace } from "../wire.ts";
import { pickUnit } from "./any_unit.ts";

/** A size that no frame may have: up to 16 MiB. */
export function tooLargeForFrame(seeded: Seeded): number {
  return HANDSHAKE_BODY_SIZE_MAX + 1 + seeded.below(2 ** 24 - HANDSHAKE_BODY_SIZE_MAX - 1);
}

/** A size that no record may have: up to 4 GiB. */
export function tooLargeForRecord(seeded: Seeded): number {
  return RECORD_CIPHERTEXT_SIZE_MAX + 1 + seeded.below(2 ** 32 - RECORD_CIPHERTEXT_SIZE_MAX - 1);
}

/** Changes the size in the header of one frame or record, of either direction. */
export function oversize(seeded: Seeded): Attacker {
  const isPicked = pickUnit(seeded);
  return {
    take(unit) {
      if (!isPicked(unit)) return [pass(unit)];
      const bytes = unit.bytes.slice();
      const view = new DataView(bytes.buffer);
      let size: number;
      if (unit.kind === "frame") {
        size = tooLargeForFrame(seeded);
        // type(1) | size(3)
        view.setUint32(0, bytes[0]! * 2 ** 24 + size);
      } else {
        size = tooLargeForRecord(seeded);
        // sequence(4) | size(4)
        view.setUint32(4, size);
      }
      return [replace(unit, bytes, `announces ${size} bytes`)];
    },
  };
}
