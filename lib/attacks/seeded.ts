/**
 * The attacker's choices: the same for the same seed, whatever else happens.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";

/** Numbers that look random enough for choosing, and nothing more: the 32-bit generator "mulberry32". */
export class Seeded {
  #state: number;

  /** @param seed its lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own for a purpose: what one attack draws changes nothing for the next. */
  static for(seed: number, purpose: string): Seeded {
    let hash = seed >>> 0;
    for (const character of purpose) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    return new Seeded(hash);
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  }

  /** So many bytes. */
  bytes(size: number): Bytes {
    return Uint8Array.from({ length: size }, () => this.below(256));
  }
}
