import assert from "node:assert/strict";
import { concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { CBC_BLOCK_SIZE, cbcCiphertextSize, decryptCbc, encryptCbc } from "../../../lib/crypto/cbc.ts";

// NIST SP 800-38A, F.2.1 and F.2.2 (CBC-AES128); there is no padding there, so one more block follows here.
const KEY = fromHex("2b7e151628aed2a6abf7158809cf4f3c");
const IV = fromHex("000102030405060708090a0b0c0d0e0f");
const PLAINTEXT = [
  "6bc1bee22e409f96e93d7e117393172a",
  "ae2d8a571e03ac9c9eb76fac45af8e51",
  "30c81c46a35ce411e5fbc1191a0a52ef",
  "f69f2445df4f9b17ad2b417be66c3710",
];
const CIPHERTEXT = [
  "7649abac8119b246cee98e9b12e9197d",
  "5086cb9b507219ee95db113a917678b2",
  "73bed6b8e3c1743b7116e69e22229516",
  "3ff1caa1681fac09120eca307586e1a7",
];

Deno.test("blocks are chained as NIST SP 800-38A shows", () => {
  for (let count = 0; count <= PLAINTEXT.length; count++) {
    const ciphertext = encryptCbc(KEY, IV, fromHex(PLAINTEXT.slice(0, count).join("")));
    assert.equal(toHex(ciphertext.slice(0, 16 * count)), CIPHERTEXT.slice(0, count).join(""));
    assert.equal(ciphertext.length, 16 * count + 16);
    assert.equal(toHex(decryptCbc(KEY, IV, ciphertext)!), PLAINTEXT.slice(0, count).join(""));
  }
});

Deno.test("a plaintext of any size comes back, and its ciphertext has the size that is said", () => {
  for (let size = 0; size <= 50; size++) {
    const plaintext = Uint8Array.from({ length: size }, (_, i) => i);
    const ciphertext = encryptCbc(KEY, IV, plaintext);
    assert.equal(ciphertext.length, cbcCiphertextSize(size));
    assert.deepEqual(decryptCbc(KEY, IV, ciphertext), plaintext);
  }
  assert.deepEqual([0, 15, 16, 31, 131_055].map(cbcCiphertextSize), [16, 16, 32, 32, 131_056]);
});

Deno.test("padding that RFC 5652 does not have is refused, whatever is wrong with it", () => {
  // The IV is xored into the only block, so that it makes any plaintext of it.
  const block = encryptCbc(KEY, IV, new Uint8Array(0)).slice(0, CBC_BLOCK_SIZE);
  const withPlaintext = (plaintext: Uint8Array) => {
    const iv = IV.map((byte, i) => byte ^ 16 ^ plaintext[i]!);
    return decryptCbc(KEY, iv, block);
  };
  const of = (...end: readonly number[]) =>
    concat(new Uint8Array(16 - end.length).fill(9), Uint8Array.from(end));
  assert.deepEqual(withPlaintext(of(1)), new Uint8Array(15).fill(9));
  assert.deepEqual(withPlaintext(of(3, 3, 3)), new Uint8Array(13).fill(9));
  assert.deepEqual(withPlaintext(new Uint8Array(16).fill(16)), new Uint8Array(0));
  for (const end of [[0], [2], [2, 3, 3], [3, 2, 3], [17], [255], [0, 0]]) {
    assert.equal(withPlaintext(of(...end)), undefined, end.join());
  }
  assert.equal(withPlaintext(Uint8Array.from([15, ...new Uint8Array(15).fill(16)])), undefined);
});

Deno.test("another key, another IV and a cut ciphertext give nothing, or something else", () => {
  const plaintext = fromHex(PLAINTEXT.join(""));
  const ciphertext = encryptCbc(KEY, IV, plaintext);
  const otherKey = KEY.slice();
  otherKey[0]! ^= 1;
  assert.equal(decryptCbc(otherKey, IV, ciphertext), undefined);
  assert.equal(decryptCbc(KEY, IV, ciphertext.slice(0, 64)), undefined);
  assert.equal(decryptCbc(KEY, IV, ciphertext.slice(0, 63)), undefined);
  const otherIv = IV.slice();
  otherIv[0]! ^= 1;
  const changed = plaintext.slice();
  changed[0]! ^= 1;
  assert.deepEqual(decryptCbc(KEY, otherIv, ciphertext), changed);
});
