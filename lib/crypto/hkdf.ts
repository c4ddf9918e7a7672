/**
 * SHA-256, HMAC and HKDF for the handshake's bookkeeping. They are synchronous and the hash can copy its
 * state, which WebCrypto's cannot; no data goes through them, for which they would be too slow.
 * @module
 */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";

/** Bytes of a SHA-256 hash, of an HMAC and of every secret of the key schedule. */
export const HASH_SIZE = 32;

/** SHA-256 of the parts one after the other: 32 bytes (FIPS 180-4). */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** A SHA-256 that can be asked for its value at any point and then goes on. */
export class RunningSha256 {
  readonly #hash = nobleSha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The 32-byte hash of everything up to now. */
  value(): Bytes {
    return new Uint8Array(this.#hash.clone().digest());
  }
}

/** HMAC-SHA256: 32 bytes (RFC 2104). */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(hmac(nobleSha256, key, message));
}

/** HKDF-Extract with SHA-256: 32 bytes (RFC 5869, section 2.2). */
export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Bytes {
  return new Uint8Array(extract(nobleSha256, inputKey, salt));
}

/**
 * HKDF-Expand-Label of TLS 1.3 (RFC 8446, section 7.1) with SHA-256:
 * `HKDF-Expand(secret, length(2) | label size(1) | prefix label | context size(1) | context, length)`.
 * The prefix is "stx1 "; TLS's own "tls13 " is there so that RFC 8448's vectors can be run.
 */
export function expandLabel(
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  sizeBytes: number,
  prefix = "stx1 ",
): Bytes {
  const name = utf8(prefix + label);
  const info = concat(
    Uint8Array.of(sizeBytes >> 8, sizeBytes & 0xff, name.length),
    name,
    Uint8Array.of(context.length),
    context,
  );
  return new Uint8Array(expand(nobleSha256, secret, info, sizeBytes));
}

/** Derive-Secret of TLS 1.3: `expandLabel` to 32 bytes with a transcript hash as its context. */
export function deriveSecret(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Bytes {
  return expandLabel(secret, label, transcriptHash, HASH_SIZE);
}
