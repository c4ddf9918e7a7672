/** Rows for the tests of the stores. */
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import type { KnownRotation, StoredTransfer } from "../../../lib/ports.ts";

export const PEER = new Uint8Array(32).fill(1);
export const OTHER_PEER = new Uint8Array(32).fill(2);
export const ID = new Uint8Array(32).fill(3);
export const OTHER_ID = new Uint8Array(32).fill(4);

export const MANIFEST = Uint8Array.of(0, 255, 3);

export const TRANSFER: StoredTransfer = {
  state: "receiving",
  manifestDigest: sha256(MANIFEST),
  manifestSizeBytes: MANIFEST.length,
  blockSizeBytes: 1_048_512,
  durableBytes: 2 ** 40 + 1,
  folder: "/home/user/in box",
  placement: { topNames: { "a": "a-1", "ü": "ü" }, conflict: "rename" },
  receipt: new Uint8Array(0),
  updatedMs: 1_700_000_000_123,
};

export const NOW_MS = 1_700_000_000_000;
export const LATER_MS = NOW_MS + 240_000;
export const NONCE = new Uint8Array(32).fill(5);

/** The nonce of a number. */
export function nonceOf(number: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(32);
  new DataView(nonce.buffer).setUint32(28, number);
  return nonce;
}

export const ROTATION: KnownRotation = {
  oldKey: PEER,
  newKey: OTHER_PEER,
  statement: Uint8Array.of(0, 255, 6),
  isComplete: false,
};

export const CLIENT = "sensor-1";
export const FIRST_ROOT = Uint8Array.from({ length: 32 }, (_, i) => 0x41 + i);
export const SECOND_ROOT = Uint8Array.from({ length: 32 }, (_, i) => 0x81 + i);
export const THIRD_ROOT = Uint8Array.from({ length: 32 }, (_, i) => 0xc1 + i);
