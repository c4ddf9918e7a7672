/** Watches the platform's cipher: no key may ever seal two messages under one nonce. */
import assert from "node:assert/strict";

/** Runs `body`; fails if a key was used twice with one nonce meanwhile. Returns how many seals there were. */
export async function withNonceGuard(body: () => Promise<void>): Promise<number> {
  const used = new Map<CryptoKey, Set<string>>();
  let count = 0;
  const original = crypto.subtle.encrypt;
  crypto.subtle.encrypt = function (this: SubtleCrypto, algorithm, key, data) {
    const nonce = (algorithm as AesGcmParams).iv as Uint8Array;
    const nonces = used.get(key) ?? new Set();
    used.set(key, nonces);
    assert.ok(!nonces.has(nonce.toHex()), `the nonce ${nonce.toHex()} was used twice with one key`);
    nonces.add(nonce.toHex());
    count += 1;
    return original.call(this, algorithm, key, data);
  };
  try {
    await body();
  } finally {
    crypto.subtle.encrypt = original;
  }
  return count;
}
