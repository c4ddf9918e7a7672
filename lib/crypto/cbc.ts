/**
 * AES-128-CBC with PKCS#7 padding (NIST SP 800-38A; RFC 5652, section 6.3), through WebCrypto. It only hides: whoever
 * uses it authenticates the ciphertext first, with {@link "./hkdf.ts"}'s HMAC.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";

/** Bytes of an AES-128 key. */
export const CBC_KEY_SIZE = 16;
/** Bytes of a block, and so of an IV. */
export const CBC_BLOCK_SIZE = 16;

async function importKey(key: Bytes): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt", "decrypt"]);
}

/** Bytes of the ciphertext of so many bytes: the next multiple of 16 above. */
export function cbcCiphertextSize(plaintextSizeBytes: number): number {
  return (Math.floor(plaintextSizeBytes / CBC_BLOCK_SIZE) + 1) * CBC_BLOCK_SIZE;
}

/** Encrypts under a key of 16 bytes and an IV of 16 unpredictable ones. */
export async function encryptCbc(key: Bytes, iv: Bytes, plaintext: Bytes): Promise<Bytes> {
  return new Uint8Array(
    await crypto.subtle.encrypt({ name: "AES-CBC", iv }, await importKey(key), plaintext),
  );
}

/** Decrypts; resolves to `undefined` where the padding is wrong, and tells nothing more about it. */
export async function decryptCbc(key: Bytes, iv: Bytes, ciphertext: Bytes): Promise<Bytes | undefined> {
  const imported = await importKey(key);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, imported, ciphertext));
  } catch {
    return undefined;
  }
}
