/** The same bytes in pieces: how input is cut must never change what comes of it. */
import type { Bytes } from "../../lib/bytes/bytes.ts";

/** One byte at a time. */
export function byteByByte(bytes: Bytes): Bytes[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** In two pieces, cut before the byte `at`. */
export function splitAt(bytes: Bytes, at: number): Bytes[] {
  return [bytes.slice(0, at), bytes.slice(at)];
}

/** Whole, in two at every place, and byte by byte. */
export function* everyCut(bytes: Bytes): Generator<Bytes[]> {
  yield [bytes];
  for (let at = 0; at <= bytes.length; at++) yield splitAt(bytes, at);
  yield byteByByte(bytes);
}

/** In pieces of these sizes, over and over; the last one is what is left. */
export function piecesOf(bytes: Bytes, sizes: readonly number[]): Bytes[] {
  const pieces: Bytes[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** `bytes` with one bit changed; bit 0 is the first byte's lowest. */
export function flipBit(bytes: Bytes, bit: number): Bytes {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
