/**
 * Records, the wire unit of an open session, in the seed's block structure:
 * `sequence(4) | size(4) | ciphertext(size) | tag(16) | crc32(4)`. The size leaves the tag out; the CRC-32 is
 * over everything before it. Here is their framing alone; sealing and order are in `lib/records/`.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { StxError } from "../errors.ts";
import {
  NAK_SAME_MAX,
  RECORD_CIPHERTEXT_SIZE_MAX,
  RECORD_CIPHERTEXT_SIZE_MIN,
  RECORD_CRC_SIZE,
  RECORD_HEADER_SIZE,
  TAG_SIZE,
} from "../limits.ts";
import { u32 } from "./fields.ts";

/** Bytes of a whole record around its ciphertext. */
export const RECORD_OVERHEAD = RECORD_HEADER_SIZE + TAG_SIZE + RECORD_CRC_SIZE;
const RECORD_SIZE_MAX = RECORD_OVERHEAD + RECORD_CIPHERTEXT_SIZE_MAX;

/** A record's header: the additional data of its seal. */
export function recordHeader(sequence: number, ciphertextSizeBytes: number): Bytes {
  const header = new Uint8Array(RECORD_HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setUint32(0, sequence);
  view.setUint32(4, ciphertextSizeBytes);
  return header;
}

/** A whole record as the parts that it is written in, so that a large ciphertext is not copied again. */
export function recordParts(header: Bytes, sealed: Bytes): readonly Bytes[] {
  return [header, sealed, u32(crc32(sealed, crc32(header)))];
}

/** What the next bytes turned out to be. */
export type AssembledRecord =
  /** A whole record. The views are valid until the assembler is used again. */
  | { readonly kind: "whole"; readonly sequence: number; readonly header: Bytes; readonly sealed: Bytes }
  /** A whole record whose CRC does not fit. */
  | { readonly kind: "damaged"; readonly sequence: number }
  /** A header whose size no record can have: where the next record begins is not known any more. */
  | { readonly kind: "badSize"; readonly sizeBytes: number };

/** Puts records together from bytes that arrive in pieces of any size. */
export class RecordAssembler {
  #buffer: Bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;
  /** Whole records whose CRC did not fit, since the last intact one. */
  #damagedInRow = 0;

  /** Bytes that are kept and not yet part of a record. */
  get pendingSizeBytes(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes as they arrived. They are copied. */
  push(bytes: Bytes): void {
    const needed = this.pendingSizeBytes + bytes.length;
    if (needed > this.#buffer.length) {
      this.#moveTo(new Uint8Array(Math.max(needed, Math.min(2 * this.#buffer.length, 2 * RECORD_SIZE_MAX))));
    } else if (this.#end + bytes.length > this.#buffer.length) {
      this.#moveTo(this.#buffer);
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #moveTo(target: Bytes): void {
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = target;
    this.#view = new DataView(target.buffer);
  }

  /**
   * Takes the next record, or returns `undefined` where more bytes are needed. Throws `connection_lost` where
   * one record was damaged more often than it may be asked for.
   */
  next(): AssembledRecord | undefined {
    if (this.pendingSizeBytes < RECORD_HEADER_SIZE) return undefined;
    const sizeBytes = this.#view.getUint32(this.#start + 4);
    if (!isPossibleSize(sizeBytes)) return { kind: "badSize", sizeBytes };
    const whole = RECORD_OVERHEAD + sizeBytes;
    if (this.pendingSizeBytes < whole) return undefined;
    const sequence = this.#view.getUint32(this.#start);
    if (!this.#isIntact(this.#start, whole)) {
      this.#countDamaged();
      // The smallest record only: if the damage is in the size, the next record may begin inside this one.
      this.#start += RECORD_OVERHEAD + RECORD_CIPHERTEXT_SIZE_MIN;
      return { kind: "damaged", sequence };
    }
    return this.#take(sequence, whole);
  }

  /**
   * Looks for an intact record with sequence number `expected` at any place from here on and takes it, passing
   * over what lies before. Where there is none yet, the bytes that may still become one are kept. Throws
   * `connection_lost` like {@link RecordAssembler.next}: somebody who writes headers of large records one behind
   * the other would otherwise have a megabyte checked for every eight bytes.
   * @returns the record, how many bytes were passed over, and how many records with that number were damaged
   */
  findIntact(
    expected: number,
  ): { record: AssembledRecord | undefined; discardedBytes: number; damaged: number } {
    const from = this.#start;
    let damaged = 0;
    const firstByte = expected >>> 24;
    for (let at = this.#start; at + RECORD_HEADER_SIZE <= this.#end; at++) {
      at = this.#buffer.indexOf(firstByte, at);
      if (at < 0 || at + RECORD_HEADER_SIZE > this.#end) break;
      if (this.#view.getUint32(at) !== expected) continue;
      const sizeBytes = this.#view.getUint32(at + 4);
      if (!isPossibleSize(sizeBytes)) continue;
      const whole = RECORD_OVERHEAD + sizeBytes;
      if (at + whole > this.#end) {
        // It may become the record: everything before it is passed over, it is kept.
        this.#start = at;
        return { record: undefined, discardedBytes: at - from, damaged };
      }
      if (this.#isIntact(at, whole)) {
        this.#start = at;
        return { record: this.#take(expected, whole), discardedBytes: at - from, damaged };
      }
      this.#countDamaged();
      damaged += 1;
      // Behind its header: in that of record 0, one byte further, number 0 stands again with 256 times the size, and
      // the search would wait for all of that. In ciphertext one place in 2^32 looks like the number.
      at += RECORD_HEADER_SIZE - 1;
    }
    this.#start = Math.max(this.#start, this.#end - RECORD_HEADER_SIZE + 1);
    return { record: undefined, discardedBytes: this.#start - from, damaged };
  }

  #countDamaged(): void {
    this.#damagedInRow += 1;
    if (this.#damagedInRow > NAK_SAME_MAX) {
      throw new StxError(
        "connection_lost",
        `The line is too noisy: the same record was damaged ${this.#damagedInRow} times`,
      );
    }
  }

  #isIntact(at: number, whole: number): boolean {
    const crcAt = at + whole - RECORD_CRC_SIZE;
    return crc32(this.#buffer.subarray(at, crcAt)) === this.#view.getUint32(crcAt);
  }

  #take(sequence: number, whole: number): AssembledRecord {
    const bytes = this.#buffer.subarray(this.#start, this.#start + whole);
    this.#damagedInRow = 0;
    this.#start += whole;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return {
      kind: "whole",
      sequence,
      header: bytes.subarray(0, RECORD_HEADER_SIZE),
      sealed: bytes.subarray(RECORD_HEADER_SIZE, whole - RECORD_CRC_SIZE),
    };
  }
}

function isPossibleSize(sizeBytes: number): boolean {
  return sizeBytes >= RECORD_CIPHERTEXT_SIZE_MIN && sizeBytes <= RECORD_CIPHERTEXT_SIZE_MAX;
}
