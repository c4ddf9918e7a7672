/**
 * CRC-32 (ISO 3309, as in gzip), at the platform's speed.
 * @module
 */
import { crc32 as zlibCrc32 } from "node:zlib";

/** Continues a CRC-32, which starts at 0, over `bytes`. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return zlibCrc32(bytes, previous);
}
