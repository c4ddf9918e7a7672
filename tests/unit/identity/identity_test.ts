import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { generateSeed, identityFromSeed, verifySignature } from "../../../lib/identity/identity.ts";
import { assertRejects } from "./failures.ts";

/** RFC 8032, section 7.1, test 2. */
const SEED = fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
const KEY = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const MESSAGE = fromHex("72");
const SIGNATURE = fromHex(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
);

Deno.test("an identity signs as RFC 8032 says", async () => {
  const identity = await identityFromSeed(SEED);
  assert.deepEqual(identity.publicKey, KEY);
  assert.deepEqual(await identity.sign(MESSAGE), SIGNATURE);
  assert.ok(await verifySignature(KEY, MESSAGE, SIGNATURE));
});

Deno.test("the caller's seed is left, our copy is wiped, and the key cannot be read out", async () => {
  const seed = SEED.slice();
  const imported: { bytes: Bytes; before: string; extractable: unknown }[] = [];
  const original = crypto.subtle.importKey;
  const spy = (...args: unknown[]) => {
    const bytes = args[1] as Bytes;
    imported.push({ bytes, before: toHex(bytes), extractable: args[3] });
    return Reflect.apply(original, crypto.subtle, args);
  };
  Object.defineProperty(crypto.subtle, "importKey", { value: spy, configurable: true, writable: true });
  try {
    await identityFromSeed(seed);
  } finally {
    Reflect.deleteProperty(crypto.subtle, "importKey");
  }
  assert.equal(crypto.subtle.importKey, original);
  assert.deepEqual(seed, SEED);
  assert.equal(imported.length, 1);
  const { bytes, before, extractable } = imported[0]!;
  assert.equal(before, "302e020100300506032b657004220420" + toHex(SEED));
  assert.deepEqual(bytes, new Uint8Array(48));
  assert.equal(extractable, false);
});

Deno.test("a seed of another size is refused", async () => {
  for (const size of [0, 31, 33, 64]) {
    await assertRejects(
      () => identityFromSeed(new Uint8Array(size)),
      "bad_key_file",
      new RegExp(`${size} bytes`),
    );
  }
});

Deno.test("a new seed is 32 bytes from the source of randomness", () => {
  const seed = generateSeed({ bytes: (size) => new Uint8Array(size).fill(7) });
  assert.deepEqual(seed, new Uint8Array(32).fill(7));
});

Deno.test("a signature with any bit changed, of another message or key, is none", async () => {
  for (let at = 0; at < SIGNATURE.length; at++) {
    const changed = SIGNATURE.slice();
    changed[at]! ^= 1 << at % 8;
    assert.equal(await verifySignature(KEY, MESSAGE, changed), false);
  }
  assert.equal(await verifySignature(KEY, utf8("other"), SIGNATURE), false);
  const other = await identityFromSeed(new Uint8Array(32));
  assert.equal(await verifySignature(other.publicKey, MESSAGE, SIGNATURE), false);
});

Deno.test("a signature whose number is not reduced is none", async () => {
  // RFC 8032, 5.1.7: S must be below the group's order, or there would be a second signature.
  const order = ed25519.Point.Fn.ORDER;
  let s = 0n;
  for (let at = 63; at >= 32; at--) s = s << 8n | BigInt(SIGNATURE[at]!);
  s += order;
  const high = Uint8Array.from({ length: 32 }, (_, i) => Number(s >> BigInt(8 * i) & 255n));
  assert.equal(await verifySignature(KEY, MESSAGE, concat(SIGNATURE.subarray(0, 32), high)), false);
});

Deno.test("malformed keys and signatures verify nothing and throw nothing", async () => {
  for (const size of [0, 31, 33]) {
    assert.equal(await verifySignature(new Uint8Array(size), MESSAGE, SIGNATURE), false);
  }
  for (const size of [0, 63, 65, 128]) {
    assert.equal(await verifySignature(KEY, MESSAGE, new Uint8Array(size)), false);
  }
  // The platform refuses shared memory, and says so later.
  const shared = new Uint8Array(new SharedArrayBuffer(64)) as unknown as Bytes;
  assert.equal(await verifySignature(KEY, MESSAGE, shared), false);
  await fc.assert(fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (key, signature) => {
    assert.equal(await verifySignature(new Uint8Array(key), MESSAGE, new Uint8Array(signature)), false);
  }));
});

Deno.test("a signature forged under a key of small order is none", async () => {
  // With the neutral point for key and for R, and S = 0, the equation of RFC 8032 holds for every message;
  // this platform accepts it, so the key must be refused before.
  const key = fromHex("01" + "00".repeat(31));
  const forged = concat(key, new Uint8Array(32));
  assert.equal(await verifySignature(key, MESSAGE, forged), false);
});
