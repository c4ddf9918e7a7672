/**
 * Tampering: one byte of one message is changed, and everything that can be made right without a key is made right.
 * @module
 */
import { TAG_SIZE } from "../../limits.ts";
import type { Seeded } from "../seeded.ts";
import { readRecord, writeRecord } from "../stx_units.ts";
import { type Attacker, pass, replace } from "../wire.ts";
import { isBlock } from "./targets.ts";

/** Changes one byte of one block's ciphertext, and its CRC with it. */
export function tamper(seeded: Seeded): Attacker {
  let blocksBefore = seeded.below(3);
  return {
    take(unit) {
      if (!isBlock(unit) || blocksBefore-- !== 0) return [pass(unit)];
      const { sequence, sealed } = readRecord(unit.bytes);
      // Behind the message's own header: the content itself.
      const at = 16 + seeded.below(sealed.length - TAG_SIZE - 16);
      sealed[at]! ^= 1 + seeded.below(255);
      return [replace(unit, writeRecord({ sequence, sealed }), `byte ${at} changed, the CRC made right`)];
    },
  };
}
