/**
 * From a traffic secret to a key that seals and opens by sequence number, as in TLS 1.3 (RFC 8446, sections 5.3
 * and 7.3). Records and the sealed parts of the handshake use the same.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { expandLabel } from "./hkdf.ts";
import { type AeadKey, importAeadKey, KEY_SIZE, NONCE_SIZE, type Suite } from "./suite.ts";

/** A key with its IV: seals and opens by sequence number, nonce = iv xor (0^8, sequence). */
export interface TrafficKey {
  /** Encrypts; inputs are copied before the call returns. The result is ciphertext and tag. */
  seal(sequence: number, header: Bytes, plaintext: Bytes): Promise<Bytes>;
  /** Decrypts, or resolves to `undefined` for a bad tag; inputs are copied before the call returns. */
  open(sequence: number, header: Bytes, sealed: Bytes): Promise<Bytes | undefined>;
}

const NOTHING: Bytes = new Uint8Array(0);

/** The key of a traffic secret, not extractable: `key = XL(secret, "key")`, `iv = XL(secret, "iv")`. */
export async function importTrafficKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
  const rawKey = expandLabel(secret, "key", NOTHING, KEY_SIZE);
  const iv = expandLabel(secret, "iv", NOTHING, NONCE_SIZE);
  const key: AeadKey = await importAeadKey(suite, rawKey);
  rawKey.fill(0);
  return {
    seal: (sequence, header, plaintext) => key.seal(nonceFor(iv, sequence), header, plaintext),
    open: (sequence, header, sealed) => key.open(nonceFor(iv, sequence), header, sealed),
  };
}

/** The nonce of a sequence number: `iv xor (0^8, sequence)`, so that no two numbers of one key have the same. */
export function nonceFor(iv: Bytes, sequence: number): Bytes {
  const nonce = iv.slice();
  const view = new DataView(nonce.buffer);
  view.setUint32(8, view.getUint32(8) ^ sequence);
  return nonce;
}
