/**
 * What a seed decides. A run has several streams of decisions, one a purpose, so that leaving out one fault of a
 * schedule changes nothing of what the others do.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Random } from "../../lib/ports.ts";
import { seededFractions } from "../support/random.ts";

/** One stream of decisions. */
export class Dice implements Random {
  readonly #seed: number;
  readonly #next: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#next = seededFractions(this.#seed);
  }

  /** Another stream, which `purpose` and this stream's seed determine, whatever was drawn so far. */
  split(purpose: string): Dice {
    let hash = this.#seed ^ 0x9e3779b9;
    for (let i = 0; i < purpose.length; i++) {
      hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
      hash ^= hash >>> 15;
    }
    return new Dice(hash);
  }

  /** From 0 up to, but not including, 1. */
  fraction(): number {
    return this.#next();
  }

  /** True so often in all cases. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  /** As {@link int}, but small numbers are as likely as large ones: each doubling has its share. */
  logInt(low: number, high: number): number {
    return Math.min(high, Math.floor(low * (high / low + 1 / low) ** this.#next()));
  }

  /** As {@link logInt}, with what lies between whole numbers. */
  log(low: number, high: number): number {
    return low * (high / low) ** this.#next();
  }

  /** One of them. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#next() * items.length)]!;
  }

  /** Bytes for nonces and keys. */
  bytes(size: number): Bytes {
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (; at + 4 <= size; at += 4) view.setUint32(at, this.#next() * 2 ** 32);
    for (; at < size; at++) bytes[at] = this.#next() * 256;
    return bytes;
  }
}
