/**
 * The KEM's own randomness, which the runtime offers no way to give, fixed for a test: WebCrypto's function is replaced
 * in this process while a test runs.
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { Bytes } from "../../../lib/bytes/bytes.ts";

type Encapsulate = (
  algorithm: string,
  key: CryptoKey,
) => Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;

const subtle = crypto.subtle as unknown as { encapsulateBits: Encapsulate };

/** Runs `body` while every encapsulation uses `m` for its randomness; resolves to how many there were. */
export async function withFixedKem(m: Bytes, body: () => Promise<void>): Promise<number> {
  const real = subtle.encapsulateBits;
  let count = 0;
  const fixed: Encapsulate = async (algorithm, key) => {
    count += 1;
    // What the runtime refuses stays refused.
    await real.call(crypto.subtle, algorithm, key);
    const ek = new Uint8Array(await crypto.subtle.exportKey("raw-public" as "raw", key));
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(ek, m);
    return { ciphertext: copy(cipherText), sharedKey: copy(sharedSecret) };
  };
  Object.defineProperty(crypto.subtle, "encapsulateBits", { value: fixed, configurable: true });
  try {
    await body();
  } finally {
    Reflect.deleteProperty(crypto.subtle, "encapsulateBits");
  }
  return count;
}

function copy(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
