/**
 * The client's own ML-KEM-768 against the platform's: what follows for the client from a good handshake holds only
 * if both computed the right thing, and not the same wrong one.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { NEEDS, PYTHON, runPython } from "./python.ts";

/** The part of Web Cryptography's ML-KEM that is compared; TypeScript's types do not have it yet. */
interface MlKem {
  importKey(
    format: "raw-seed" | "raw-public",
    key: Uint8Array<ArrayBuffer>,
    algorithm: "ML-KEM-768",
    extractable: true,
    usages: readonly ("encapsulateBits" | "decapsulateBits")[],
  ): Promise<CryptoKey>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  getPublicKey(key: CryptoKey, usages: readonly "encapsulateBits"[]): Promise<CryptoKey>;
  encapsulateBits(
    algorithm: "ML-KEM-768",
    key: CryptoKey,
  ): Promise<{ ciphertext: ArrayBuffer; sharedKey: ArrayBuffer }>;
  decapsulateBits(
    algorithm: "ML-KEM-768",
    key: CryptoKey,
    ciphertext: Uint8Array<ArrayBuffer>,
  ): Promise<ArrayBuffer>;
}

const platform = crypto.subtle as unknown as MlKem;

const hex = (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): string => new Uint8Array(bytes).toHex();

/** Has the client's ML-KEM answer these lines, each with its words. */
async function ask(...lines: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { code, stdout, stderr } = await runPython("ml_kem.py", [], lines.join("\n"));
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").map((line) => line.split(" "));
}

async function platformKeys(seed: Uint8Array<ArrayBuffer>) {
  const secretKey = await platform.importKey("raw-seed", seed, "ML-KEM-768", true, ["decapsulateBits"]);
  const publicKey = await platform.getPublicKey(secretKey, ["encapsulateBits"]);
  return { secretKey, publicKey, publicBytes: await platform.exportKey("raw-public", publicKey) };
}

Deno.test({
  name: `the client's ML-KEM-768 agrees with the platform's in every direction ${NEEDS}`,
  ignore: PYTHON === undefined,
  fn: async () => {
    for (let round = 0; round < 4; round++) {
      const seed = new Uint8Array(randomBytes(64));
      const ours = await platformKeys(seed);
      const given = await platform.encapsulateBits("ML-KEM-768", ours.publicKey);
      const wrong = new Uint8Array(given.ciphertext.slice(0));
      wrong[round * 300]! ^= 1 << round;
      const random = randomBytes(32).toString("hex");

      const [[publicKey, secretKey]] = await ask(`keygen ${hex(seed)}`) as [[string, string]];
      const [[shared, ciphertext], [opened], [rejected]] = await ask(
        `encaps ${publicKey} ${random}`,
        `decaps ${secretKey} ${hex(given.ciphertext)}`,
        `decaps ${secretKey} ${hex(wrong)}`,
      ) as [[string, string], [string], [string]];

      const decapsulate = async (bytes: Uint8Array<ArrayBuffer>) =>
        hex(await platform.decapsulateBits("ML-KEM-768", ours.secretKey, bytes));
      assert.equal(publicKey, hex(ours.publicBytes));
      assert.equal(await decapsulate(Uint8Array.fromHex(ciphertext)), shared, "their ciphertext");
      assert.equal(opened, hex(given.sharedKey), "our ciphertext");
      assert.equal(rejected, await decapsulate(wrong), "a wrong ciphertext gives the same wrong secret");
      assert.notEqual(rejected, opened);
    }
  },
});

Deno.test({
  name: `the client's ML-KEM-768 refuses a public key that is not reduced ${NEEDS}`,
  ignore: PYTHON === undefined,
  fn: async () => {
    const { publicBytes } = await platformKeys(new Uint8Array(randomBytes(64)));
    const publicKey = new Uint8Array(publicBytes);
    // The first coefficient, of 12 bits, becomes 3329, the modulus.
    publicKey[0] = 0x01;
    publicKey[1] = (publicKey[1]! & 0xf0) | 0x0d;

    const { code, stderr } = await runPython("ml_kem.py", [], `encaps ${hex(publicKey)} ${"00".repeat(32)}`);

    assert.equal(code, 1);
    assert.match(stderr, /not reduced/);
  },
});
