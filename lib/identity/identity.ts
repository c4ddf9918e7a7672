/**
 * Identities: Ed25519 key pairs that sign (RFC 8032), held by WebCrypto so that the secret is out of reach
 * once imported.
 * @module
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, concat, fromHex } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Identity, Random } from "../ports.ts";
import { SEED_SIZE } from "./openssh_key.ts";
import { assertValidPublicKey } from "./public_key.ts";

/** What stands before the seed in a PKCS#8 private key (RFC 8410, section 7). */
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");

/** A fresh seed: 32 secret bytes; whoever gets it wipes it. */
export function generateSeed(random: Random): Bytes {
  return random.bytes(SEED_SIZE);
}

/**
 * The identity of a seed. The key is imported before the identity can be reached and cannot be read back
 * out. The caller's seed is left as it is, for the caller to wipe; the copy made here is wiped.
 * Throws `bad_key_file` unless the seed has 32 bytes.
 *
 * @example A new key, as ssh-keygen writes it, and a signature
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   fingerprint,
 *   formatPrivateKey,
 *   formatPublicKeyLine,
 *   generateSeed,
 *   identityFromSeed,
 *   parsePrivateKey,
 *   systemRandom,
 *   verifySignature,
 * } from "@stx/stx";
 *
 * const seed = generateSeed(systemRandom);
 * const identity = await identityFromSeed(seed);
 * const file = formatPrivateKey(seed, "alice@laptop");
 * seed.fill(0);
 * assert.match(formatPublicKeyLine(identity.publicKey, "alice@laptop"), /^ssh-ed25519 \S+ alice@laptop$/);
 * assert.match(fingerprint(identity.publicKey), /^SHA256:/);
 *
 * const key = parsePrivateKey(file);
 * if (key.kind === "encrypted") throw new Error("it has a passphrase: ssh-agent can sign with it");
 * const again = await identityFromSeed(key.seed);
 * key.seed.fill(0);
 * const message = new TextEncoder().encode("hello");
 * assert.ok(await verifySignature(identity.publicKey, message, await again.sign(message)));
 * ```
 */
export async function identityFromSeed(seed: Bytes): Promise<Identity> {
  if (seed.length !== SEED_SIZE) {
    throw new StxError(
      "bad_key_file",
      `Cannot use a private key: ${seed.length} bytes, expected ${SEED_SIZE}`,
    );
  }
  const pkcs8 = concat(PKCS8_PREFIX, seed);
  // The public half is always computed from this seed, never taken from elsewhere: a signature made with
  // another public half gives the private key away.
  const publicKey = new Uint8Array(ed25519.getPublicKey(pkcs8.subarray(PKCS8_PREFIX.length)));
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  } finally {
    pkcs8.fill(0);
  }
  return {
    publicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, message)),
  };
}

/**
 * Says whether `signature` is one of `message` by the owner of `publicKey`. It is `false`, never an error,
 * for anything malformed; also for keys that {@link assertValidPublicKey} refuses, whose signatures the
 * platform would accept although anybody can forge them.
 */
export async function verifySignature(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  try {
    assertValidPublicKey(publicKey);
    return await verifyByPlatform(publicKey, message, signature);
  } catch {
    return false;
  }
}

/**
 * What the platform says of a signature, which alone is not enough: it takes what anybody made under a key of small
 * order. Throws for a malformed key. Everybody but the simulator's controls wants {@link verifySignature}.
 */
export async function verifyByPlatform(
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", key, signature, message);
}
