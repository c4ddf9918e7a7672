/**
 * A client's root key, from which each of its sessions gets keys of its own. A root belongs to one epoch; the next
 * epoch's root follows from it, and it itself is then erased, so that nobody can go back.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { HASH_SIZE } from "../crypto/hkdf.ts";
import { secretBytes, secretExpand, secretHmac } from "../crypto/secret_hash.ts";
import { vector8 } from "../wire/fields.ts";

/** Bytes of the base key from which a server's enrolments are made. */
export const BASE_KEY_SIZE = 32;
/** Bytes of the salt that makes each enrolment another. */
export const SALT_SIZE = 16;

/**
 * `root_0 = HKDF-Expand(HKDF-Extract("", base key), "stx rounds v1 root" | vector8(id) | vector8(salt), 32)`
 * (RFC 5869).
 */
export function deriveRoot(baseKey: Bytes, id: string, salt: Bytes): Bytes {
  const info = concat(utf8("stx rounds v1 root"), vector8(utf8(id)), vector8(salt));
  const secret = secretHmac(new Uint8Array(0), baseKey);
  const root = secretExpand(secret, info, HASH_SIZE);
  secret.fill(0);
  return root;
}

/** `root_{e+1} = HMAC-SHA256(root_e, "stx rounds next")`. The caller erases the old one. */
export function nextRoot(root: Bytes): Bytes {
  return secretHmac(root, utf8("stx rounds next"));
}

/** Root `epochs` further on; the roots in between are overwritten, the given one is left. */
export function rootAfter(root: Bytes, epochs: number): Bytes {
  let current = secretBytes(HASH_SIZE);
  current.set(root);
  for (let i = 0; i < epochs; i++) {
    const next = nextRoot(current);
    current.fill(0);
    current = next;
  }
  return current;
}
