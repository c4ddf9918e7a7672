/**
 * AES-128-CBC with PKCS#7 padding (NIST SP 800-38A; RFC 5652, section 6.3). It only hides: whoever uses it
 * authenticates the ciphertext first, with {@link "./hkdf.ts"}'s HMAC.
 *
 * Not through WebCrypto, whose answer comes in another turn: what a session seals hangs on what it sealed before, and
 * nothing may come in between. For packets of the usual size this is also some ten times as fast, and there is no
 * `CryptoKey` that outlives its use.
 * @module
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";

/** Bytes of an AES-128 key. */
export const CBC_KEY_SIZE = 16;
/** Bytes of a block, and so of an IV. */
export const CBC_BLOCK_SIZE = 16;

/** Bytes of the ciphertext of so many bytes: the next multiple of 16 above. */
export function cbcCiphertextSize(plaintextSizeBytes: number): number {
  return (Math.floor(plaintextSizeBytes / CBC_BLOCK_SIZE) + 1) * CBC_BLOCK_SIZE;
}

/** Encrypts under a key of 16 bytes and an IV of 16 unpredictable ones. */
export function encryptCbc(key: Bytes, iv: Bytes, plaintext: Bytes): Bytes {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  const ciphertext = concat(cipher.update(plaintext), cipher.final());
  overwriteCiphers();
  return ciphertext;
}

/** Decrypts; returns `undefined` where the padding is wrong, and tells nothing more about it. */
export function decryptCbc(key: Bytes, iv: Bytes, ciphertext: Bytes): Bytes | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key, iv);
  try {
    return concat(decipher.update(ciphertext), decipher.final());
  } catch {
    return undefined;
  } finally {
    overwriteCiphers();
  }
}

const ZEROS = new Uint8Array(CBC_KEY_SIZE);

/** The runtime frees a cipher's memory and leaves the key in it; the next ones of the same kind take that place. */
function overwriteCiphers(): void {
  createCipheriv("aes-128-cbc", ZEROS, ZEROS).final();
  createDecipheriv("aes-128-cbc", ZEROS, ZEROS).setAutoPadding(false).final();
}
