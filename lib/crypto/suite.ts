/**
 * The cipher suites: AES-256-GCM (NIST SP 800-38D), which every implementation has, and ChaCha20-Poly1305
 * (RFC 8439), which many processors run faster. Both take a 32-byte key and a 12-byte nonce and add a 16-byte
 * tag, both come from WebCrypto.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";

/** A suite's name, as the command line spells it. */
export type Suite = "aes-256-gcm" | "chacha20-poly1305";

/** Every suite, the one that everybody has first. */
export const SUITES: readonly Suite[] = ["aes-256-gcm", "chacha20-poly1305"];

/** Bytes of a key of either suite. */
export const KEY_SIZE = 32;
/** Bytes of a nonce of either suite. */
export const NONCE_SIZE = 12;

/** A key that seals and opens; it cannot be read back out of the runtime. */
export interface AeadKey {
  /**
   * Encrypts. The input bytes are copied before the call returns, so their buffer may be used again at once.
   * @returns ciphertext and, behind it, the 16-byte tag
   */
  seal(nonce: Bytes, additionalData: Bytes, plaintext: Bytes): Promise<Bytes>;
  /**
   * Decrypts ciphertext with its tag, or resolves to `undefined` if the tag does not fit. The input bytes are
   * copied before the call returns.
   */
  open(nonce: Bytes, additionalData: Bytes, sealed: Bytes): Promise<Bytes | undefined>;
}

/** Imports a 32-byte key, not extractable; the caller may then overwrite `raw`. */
export async function importAeadKey(suite: Suite, raw: Bytes): Promise<AeadKey> {
  const name = suite === "aes-256-gcm" ? "AES-GCM" : "ChaCha20-Poly1305";
  // TypeScript's list of import formats ends before "raw-secret" (Modern Algorithms in WebCrypto).
  const format = (suite === "aes-256-gcm" ? "raw" : "raw-secret") as "raw";
  const key = await crypto.subtle.importKey(format, raw, name, false, ["encrypt", "decrypt"]);
  return {
    async seal(nonce, additionalData, plaintext) {
      return new Uint8Array(await crypto.subtle.encrypt({ name, iv: nonce, additionalData }, key, plaintext));
    },
    async open(nonce, additionalData, sealed) {
      try {
        return new Uint8Array(await crypto.subtle.decrypt({ name, iv: nonce, additionalData }, key, sealed));
      } catch {
        // The runtime gives no other reason than a bad tag for inputs whose sizes were checked before.
        return undefined;
      }
    },
  };
}

/** The suites that this runtime has, fastest first where `order` does not say otherwise. */
export async function availableSuites(): Promise<readonly Suite[]> {
  const available: Suite[] = [];
  for (const suite of SUITES) {
    try {
      await importAeadKey(suite, new Uint8Array(KEY_SIZE));
      available.push(suite);
    } catch {
      // Not in this runtime: simply not offered.
    }
  }
  return available;
}
