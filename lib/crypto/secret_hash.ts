/**
 * SHA-256, HMAC and HKDF for keys that have to be forgotten: everything that is secret stands in buffers that can be
 * overwritten, and is, save the result, which is the caller's to overwrite.
 *
 * A JavaScript engine keeps small typed arrays on its heap and moves them about; each move, and each look at an array's
 * `buffer`, leaves a copy behind that nobody can reach and overwrite. Arrays over an `ArrayBuffer` of their own stay
 * where they are: see {@link secretBytes}. docs/rounds.md says what remains all the same.
 * @module
 */
import { _SHA256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../bytes/bytes.ts";
import { HASH_SIZE } from "./hkdf.ts";

/** Bytes of a block of SHA-256. */
const BLOCK_SIZE = 64;
/** HKDF-Expand's counter of its one block. */
const FIRST = Uint8Array.of(1);

type Words = [number, number, number, number, number, number, number, number];

const words: Words = [0, 0, 0, 0, 0, 0, 0, 0];

/** As its parent, which makes a new array of its state's numbers each time, and leaves it to the garbage. */
class ErasableSha256 extends _SHA256 {
  protected override get(): Words {
    words[0] = this.A;
    words[1] = this.B;
    words[2] = this.C;
    words[3] = this.D;
    words[4] = this.E;
    words[5] = this.F;
    words[6] = this.G;
    words[7] = this.H;
    return words;
  }
}

const pad = secretBytes(BLOCK_SIZE);
const inner = secretBytes(HASH_SIZE);

/** Zeros, in a place that does not change: for bytes that will be overwritten. */
export function secretBytes(sizeBytes: number): Bytes {
  return new Uint8Array(new ArrayBuffer(sizeBytes));
}

/** SHA-256 of the parts one after the other: 32 bytes (FIPS 180-4). */
export function secretSha256(...parts: readonly Uint8Array[]): Bytes {
  const result = secretBytes(HASH_SIZE);
  hashInto(result, parts);
  return result;
}

/** HMAC-SHA256 of the parts one after the other, with a key of at most 64 bytes: 32 bytes (RFC 2104). */
export function secretHmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes {
  if (key.length > BLOCK_SIZE) throw new RangeError(`Cannot use an HMAC key of ${key.length} bytes`);
  const result = secretBytes(HASH_SIZE);
  setPad(key, 0x36);
  hashInto(inner, [pad, ...parts]);
  setPad(key, 0x5c);
  hashInto(result, [pad, inner]);
  pad.fill(0);
  inner.fill(0);
  return result;
}

/** HKDF-Expand with SHA-256 to at most 32 bytes (RFC 5869, section 2.3). */
export function secretExpand(secret: Uint8Array, info: Uint8Array, sizeBytes: number): Bytes {
  const block = secretHmac(secret, info, FIRST);
  if (sizeBytes === HASH_SIZE) return block;
  const result = secretBytes(sizeBytes);
  result.set(block.subarray(0, sizeBytes));
  block.fill(0);
  return result;
}

function setPad(key: Uint8Array, mask: number): void {
  pad.fill(mask);
  for (let i = 0; i < key.length; i++) pad[i]! ^= key[i]!;
}

function hashInto(result: Bytes, parts: readonly Uint8Array[]): void {
  const hash = new ErasableSha256();
  for (const part of parts) hash.update(part);
  hash.digestInto(result);
  hash.destroy();
  words.fill(0);
}
