/** The simulation's cryptography against the platform's: what one makes the other takes. */
import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../lib/bytes/bytes.ts";
import { type CryptoRun, cryptoTwin } from "./crypto_twin.ts";

// deno-lint-ignore no-explicit-any
type Anything = any;

const subtle = crypto.subtle;
const MESSAGE = new TextEncoder().encode("a message");
const SEED = new Uint8Array(32).fill(7);
const ED25519_PKCS8 = new Uint8Array([...fromHex("302e020100300506032b657004220420"), ...SEED]);
const X25519_PKCS8 = new Uint8Array([...fromHex("302e020100300506032b656e04220420"), ...SEED]);

function twin(options: Partial<CryptoRun> = {}): Anything {
  return cryptoTwin({
    deliver: queueMicrotask,
    random: (size) => new Uint8Array(size).fill(3),
    onNonceReuse: () => assert.fail("a nonce was used twice"),
    ...options,
  });
}

function bytesOf(buffer: ArrayBuffer): Bytes {
  return new Uint8Array(buffer);
}

Deno.test("a record that the twin seals the platform opens, and the reverse", async () => {
  const own = twin();
  const parameters = { name: "AES-GCM", iv: new Uint8Array(12).fill(1), additionalData: SEED };
  const ownKey = await own.importKey("raw", SEED, "AES-GCM");
  const key = await subtle.importKey("raw", SEED, "AES-GCM", false, ["encrypt", "decrypt"]);
  const sealed = await own.encrypt(parameters, ownKey, MESSAGE);
  assert.deepEqual(bytesOf(sealed), bytesOf(await subtle.encrypt(parameters, key, MESSAGE)));
  assert.deepEqual(bytesOf(await own.decrypt(parameters, ownKey, bytesOf(sealed))), MESSAGE);
  const changed = bytesOf(sealed);
  changed[0]! ^= 1;
  await assert.rejects(own.decrypt(parameters, ownKey, changed));
});

Deno.test("the twin notices a nonce that is used twice with one key", async () => {
  const reused: string[] = [];
  const own = twin({ onNonceReuse: (nonce) => reused.push(nonce) });
  const key = await own.importKey("raw", SEED, "AES-GCM");
  const parameters = { iv: new Uint8Array(12), additionalData: SEED };
  await own.encrypt(parameters, key, MESSAGE);
  assert.deepEqual(reused, []);
  await own.encrypt(parameters, key, MESSAGE);
  assert.deepEqual(reused, ["00".repeat(12)]);
});

Deno.test("the twin's signatures are the platform's", async () => {
  const own = twin();
  const ownKey = await own.importKey("pkcs8", ED25519_PKCS8, "Ed25519");
  const key = await subtle.importKey("pkcs8", ED25519_PKCS8, "Ed25519", false, ["sign"]);
  const signature = bytesOf(await own.sign("Ed25519", ownKey, MESSAGE));
  assert.deepEqual(signature, bytesOf(await subtle.sign("Ed25519", key, MESSAGE)));
  const publicKey = await own.getPublicKey(ownKey);
  assert.equal(await own.verify("Ed25519", publicKey, signature, MESSAGE), true);
  assert.equal(await own.verify("Ed25519", publicKey, signature, SEED), false);
});

Deno.test("the twin agrees on keys as the platform does, and refuses points of low order", async () => {
  const own = twin();
  const privateKey = await own.importKey("pkcs8", X25519_PKCS8, "X25519");
  const publicKey = await own.getPublicKey(privateKey);
  const theirs = await subtle.importKey("pkcs8", X25519_PKCS8, "X25519", false, ["deriveBits"]);
  const publicBytes = bytesOf(await own.exportKey("raw", publicKey));
  const peer = await subtle.importKey("raw", publicBytes, "X25519", true, []);
  const expected = bytesOf(await subtle.deriveBits({ name: "X25519", public: peer }, theirs, 256));
  assert.deepEqual(bytesOf(await own.deriveBits({ public: publicKey }, privateKey)), expected);
  const zero = await own.importKey("raw", new Uint8Array(32), "X25519");
  await assert.rejects(own.deriveBits({ public: zero }, privateKey));
});

Deno.test("the stand-in for ML-KEM has its sizes, and another ciphertext gives another secret", async () => {
  const own = twin();
  const privateKey = await own.importKey("raw-seed", new Uint8Array(64), "ML-KEM-768");
  const publicBytes = bytesOf(await own.exportKey("raw-public", await own.getPublicKey(privateKey)));
  assert.equal(publicBytes.length, 1184);
  const publicKey = await own.importKey("raw-public", publicBytes, "ML-KEM-768");
  const made = await own.encapsulateBits("ML-KEM-768", publicKey);
  const ciphertext = bytesOf(made.ciphertext);
  assert.equal(ciphertext.length, 1088);
  const secret = bytesOf(await own.decapsulateBits("ML-KEM-768", privateKey, ciphertext));
  assert.deepEqual(secret, bytesOf(made.sharedKey));
  ciphertext[5]! ^= 1;
  assert.notDeepEqual(bytesOf(await own.decapsulateBits("ML-KEM-768", privateKey, ciphertext)), secret);
  await assert.rejects(own.importKey("raw-public", new Uint8Array(5), "ML-KEM-768"));
});
