/**
 * Everything that a fuzzer chooses, from a seed.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { seededFractions } from "../support/random.ts";

/** Choices that repeat with their seed. */
export class Dice {
  readonly #fraction: () => number;

  constructor(seed: number) {
    this.#fraction = seededFractions(seed);
  }

  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.#fraction() * limit);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of them. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** A size from 0 to `max`, mostly a small one. */
  size(max: number): number {
    return Math.min(max, Math.floor((max + 1) ** this.#fraction()) - 1);
  }

  /** Random bytes. */
  bytes(size: number): Bytes {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.below(256);
    return bytes;
  }
}

/** The seed of run `index` of a series that begins with `seed`: neighbours have nothing in common. */
export function seedOf(seed: number, ...indices: readonly number[]): number {
  let mixed = seed >>> 0;
  for (const index of indices) {
    mixed = Math.imul(mixed ^ (index + 0x9e3779b9), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed ^= mixed >>> 16;
  }
  return mixed >>> 0;
}
