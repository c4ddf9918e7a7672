/**
 * How many files a place in the data stream is past: what progress shows beside the bytes.
 * @module
 */
import type { Entry } from "../lib/ports.ts";

/** Counts for places that mostly go forward. */
export class FileCount {
  readonly #ends: Float64Array;
  #passed = 0;

  constructor(entries: readonly Entry[]) {
    const files = entries.filter((entry) => entry.kind === "file");
    this.#ends = new Float64Array(files.length);
    let end = 0;
    files.forEach((file, i) => this.#ends[i] = end += file.sizeBytes);
  }

  /** Number of files in all. */
  get total(): number {
    return this.#ends.length;
  }

  /** Files that end at or before `bytes`. */
  at(bytes: number): number {
    if (this.#passed > 0 && this.#ends[this.#passed - 1]! > bytes) this.#passed = 0;
    while (this.#passed < this.#ends.length && this.#ends[this.#passed]! <= bytes) this.#passed += 1;
    return this.#passed;
  }
}
