/**
 * Keys that do less than a key of a session does: the stand-ins for a cipher's defences. Suite aes-256-gcm alone.
 * @module
 */
import { type Bytes, concat, equal } from "../../bytes/bytes.ts";
import { expandLabel } from "../../crypto/hkdf.ts";
import { KEY_SIZE, NONCE_SIZE } from "../../crypto/suite.ts";
import { importTrafficKey, nonceFor, type TrafficKey } from "../../crypto/traffic_key.ts";
import { TAG_SIZE } from "../../limits.ts";
import { u32 } from "../../wire/fields.ts";

const NOTHING: Bytes = new Uint8Array(0);

/**
 * AES-256-GCM that opens whatever the tag says: GCM's encryption is counter mode from counter 2 on (NIST SP 800-38D,
 * section 7.1).
 */
export async function untaggedKey(secret: Bytes): Promise<TrafficKey> {
  const iv = expandLabel(secret, "iv", NOTHING, NONCE_SIZE);
  const raw = expandLabel(secret, "key", NOTHING, KEY_SIZE);
  const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["decrypt"]);
  const sealing = await importTrafficKey("aes-256-gcm", secret);
  return {
    seal: (sequence, header, plaintext) => sealing.seal(sequence, header, plaintext),
    async open(sequence, _header, sealed) {
      const algorithm = { name: "AES-CTR", counter: concat(nonceFor(iv, sequence), u32(2)), length: 32 };
      const ciphertext = sealed.slice(0, sealed.length - TAG_SIZE);
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, ciphertext));
    },
  };
}

/** A key that encrypts nothing and still makes a tag, over everything: what is readable cannot be changed. */
export async function readableKey(secret: Bytes): Promise<TrafficKey> {
  const key = await importTrafficKey("aes-256-gcm", secret);
  return {
    async seal(sequence, header, plaintext) {
      const readable = plaintext.slice();
      return concat(readable, await key.seal(sequence, concat(header, readable), NOTHING));
    },
    async open(sequence, header, sealed) {
      const readable = sealed.slice(0, sealed.length - TAG_SIZE);
      const tag = sealed.slice(sealed.length - TAG_SIZE);
      const opened = await key.open(sequence, concat(header, readable), tag);
      return opened !== undefined && equal(opened, NOTHING) ? readable : undefined;
    },
  };
}

/** The same key, save that every record has the nonce of the first one. */
export function oneNonceKey(key: TrafficKey): TrafficKey {
  return {
    seal: (_sequence, header, plaintext) => key.seal(0, header, plaintext),
    open: (_sequence, header, sealed) => key.open(0, header, sealed),
  };
}
