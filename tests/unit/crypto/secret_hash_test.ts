import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { type Bytes, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { secretBytes, secretExpand, secretHmac, secretSha256 } from "../../../lib/crypto/secret_hash.ts";

function counting(size: number): Bytes {
  return Uint8Array.from({ length: size }, (_, i) => 7 * i);
}

/** Sizes around those of a block, and of a block less its padding. */
const SIZES = [0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 120, 128, 1_000];

Deno.test("secretSha256 gives the values of FIPS 180-4, of one part or several", () => {
  assert.equal(
    toHex(secretSha256()),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(toHex(secretSha256(utf8("abc"))), abc);
  assert.equal(toHex(secretSha256(utf8("a"), new Uint8Array(0), utf8("bc"))), abc);
  for (const size of SIZES) {
    const expected = createHash("sha256").update(counting(size)).digest("hex");
    assert.equal(toHex(secretSha256(counting(size))), expected, `${size} bytes`);
    assert.equal(toHex(secretSha256(counting(size).slice(0, 7), counting(size).slice(7))), expected);
  }
});

Deno.test("secretHmac gives the values of RFC 4231, cases 1 to 4", () => {
  const cases = [
    [
      "0b".repeat(20),
      toHex(utf8("Hi There")),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      toHex(utf8("Jefe")),
      toHex(utf8("what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    ["aa".repeat(20), "dd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    [
      "0102030405060708090a0b0c0d0e0f10111213141516171819",
      "cd".repeat(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ],
  ] as const;
  for (const [key, message, expected] of cases) {
    assert.equal(toHex(secretHmac(fromHex(key), fromHex(message))), expected);
  }
  for (const size of SIZES) {
    const key = counting(Math.min(size, 64));
    const expected = createHmac("sha256", key).update(counting(size)).digest("hex");
    assert.equal(toHex(secretHmac(key, counting(size).slice(0, 3), counting(size).slice(3))), expected);
  }
  assert.throws(() => secretHmac(counting(65)), RangeError);
});

Deno.test("secretExpand gives the first bytes of RFC 5869's examples", () => {
  const prk = fromHex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  const okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
  for (const size of [1, 16, 31, 32]) {
    assert.equal(toHex(secretExpand(prk, fromHex("f0f1f2f3f4f5f6f7f8f9"), size)), okm.slice(0, 2 * size));
  }
});

Deno.test("every result has a place of its own, and what is given stays as it is", () => {
  const key = counting(32);
  const results = [
    secretBytes(16),
    secretSha256(key, key),
    secretHmac(key, key),
    secretExpand(key, key, 16),
    secretExpand(key, key, 32),
  ];
  for (const { buffer, byteOffset, length } of results) {
    assert.deepEqual([byteOffset, buffer.byteLength], [0, length]);
  }
  assert.equal(new Set(results.map(({ buffer }) => buffer)).size, results.length);
  assert.deepEqual(key, counting(32));
  const [first, second] = [secretHmac(key, utf8("a")), secretHmac(key, utf8("b"))];
  assert.notDeepEqual(first, second);
  assert.equal(toHex(first), createHmac("sha256", key).update("a").digest("hex"));
});

Deno.test("nothing of a key is left where it was hashed", async () => {
  // Every buffer that is made from here on, by a module that is loaded anew.
  const made: ArrayBuffer[] = [];
  const original = globalThis.ArrayBuffer;
  globalThis.ArrayBuffer = new Proxy(original, {
    construct(target, args, newTarget) {
      const buffer = Reflect.construct(target, args, newTarget) as ArrayBuffer;
      made.push(buffer);
      return buffer;
    },
  });
  let result: Bytes;
  try {
    const path: string = import.meta.resolve("../../../lib/crypto/secret_hash.ts");
    const fresh = await import(`${path}?fresh`) as { readonly secretExpand: typeof secretExpand };
    result = fresh.secretExpand(counting(32), utf8("label"), 16);
  } finally {
    globalThis.ArrayBuffer = original;
  }
  assert.ok(made.length >= 4);
  const left = made.map((buffer) => toHex(new Uint8Array(buffer))).filter((hex) => /[^0]/.test(hex));
  assert.deepEqual(left, [toHex(result)]);
  const expected = createHmac("sha256", counting(32)).update("label\x01").digest("hex");
  assert.equal(toHex(result), expected.slice(0, 32));
});
