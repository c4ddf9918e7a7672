/**
 * What every reader of a protocol's units has: bytes wait until a unit is whole, in whatever pieces they come.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { End, Unit } from "./wire.ts";

const BUFFER_SIZE_START = 16 * 1024;

/**
 * Cuts one direction of a connection into units. Its work is in proportion to the bytes, and it keeps no more of them
 * than a few of the largest units have, whatever an end announces.
 */
export abstract class UnitStream {
  /** Who sends what is read here. */
  protected readonly from: End;
  #buffer: Bytes = new Uint8Array(BUFFER_SIZE_START);
  #start = 0;
  #end = 0;
  #isLost = false;

  /** Reads what `from` sends. */
  constructor(from: End) {
    this.from = from;
  }

  /**
   * Bytes of the next unit, which begins with `there`; `undefined` if that cannot be told yet, and `Infinity` if no unit
   * has such a beginning.
   */
  protected abstract nextSize(there: Bytes): number | undefined;

  /** The unit that these bytes are. */
  protected abstract unit(bytes: Bytes): Unit;

  /**
   * Takes bytes as they arrived; gives the units that are whole by now. What is no unit yet stays until {@link rest}. From
   * where no unit can begin, everything goes on as it comes.
   */
  push(bytes: Bytes): readonly Unit[] {
    this.#keep(bytes);
    const units: Unit[] = [];
    while (!this.#isLost) {
      const there = this.#buffer.subarray(this.#start, this.#end);
      const size = this.nextSize(there);
      this.#isLost = size === Infinity;
      if (size === undefined || there.length < size) break;
      this.#start += size;
      units.push(this.unit(there.slice(0, size)));
    }
    if (this.#isLost && this.#end > this.#start) {
      units.push({ from: this.from, kind: "bytes", name: "what is no unit", number: 0, bytes: this.rest() });
    }
    return units;
  }

  /** What no unit was made of, at the end of the stream. */
  rest(): Bytes {
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#start = this.#end;
    return rest;
  }

  #keep(bytes: Bytes): void {
    if (this.#end + bytes.length > this.#buffer.length) {
      const kept = this.#buffer.subarray(this.#start, this.#end);
      const needed = kept.length + bytes.length;
      // Half of it is free afterwards, so that what is kept is not moved again at once.
      const target = 2 * needed > this.#buffer.length ? new Uint8Array(2 * needed) : this.#buffer;
      target.set(kept);
      this.#buffer = target;
      this.#start = 0;
      this.#end = kept.length;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}
