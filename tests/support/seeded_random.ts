/** Bytes that look random and come out the same for the same seed. */
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import type { Random } from "../../lib/ports.ts";
import { u32 } from "../../lib/wire/fields.ts";

/** A {@link Random} that a seed determines: SHA-256 over the seed and a counter. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  return {
    bytes(size) {
      const parts: Bytes[] = [];
      for (let filled = 0; filled < size; filled += 32) parts.push(sha256(utf8(seed), u32(counter++)));
      return concat(...parts).slice(0, size);
    },
  };
}
