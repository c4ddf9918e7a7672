import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  availableSuites,
  importAeadKey,
  KEY_SIZE,
  NONCE_SIZE,
  type Suite,
  SUITES,
} from "../../../lib/crypto/suite.ts";
import { TAG_SIZE } from "../../../lib/limits.ts";
import { flipBit } from "../../support/pieces.ts";

interface Vector {
  readonly suite: Suite;
  readonly source: string;
  readonly key: string;
  readonly nonce: string;
  readonly additionalData: string;
  readonly plaintext: string;
  readonly sealed: string;
}

const VECTORS: readonly Vector[] = [
  {
    suite: "chacha20-poly1305",
    source: "RFC 8439, section 2.8.2",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "070000004041424344454647",
    additionalData: "50515253c0c1c2c3c4c5c6c7",
    plaintext: toHex(utf8(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
        "sunscreen would be it.",
    )),
    sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b6116" +
      "1ae10b594f09e26a7e902ecbd0600691",
  },
  {
    suite: "aes-256-gcm",
    source: "the GCM submission to NIST, test case 13: nothing at all",
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    additionalData: "",
    plaintext: "",
    sealed: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    suite: "aes-256-gcm",
    source: "the GCM submission to NIST, test case 16",
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    nonce: "cafebabefacedbaddecaf888",
    additionalData: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
      "76fc6ece0f4e1768cddf8853bb2d551b",
  },
];

for (const { suite, source, key, nonce, additionalData, plaintext, sealed } of VECTORS) {
  Deno.test(`${suite} seals and opens as in ${source}`, async () => {
    const aead = await importAeadKey(suite, fromHex(key));
    const made = await aead.seal(fromHex(nonce), fromHex(additionalData), fromHex(plaintext));
    assert.equal(toHex(made), sealed);
    const opened = await aead.open(fromHex(nonce), fromHex(additionalData), fromHex(sealed));
    assert.equal(toHex(opened!), plaintext);
  });
}

Deno.test("this runtime has every suite, the one that everybody has first", async () => {
  assert.deepEqual(await availableSuites(), ["aes-256-gcm", "chacha20-poly1305"]);
});

for (const suite of SUITES) {
  const nonce = new Uint8Array(NONCE_SIZE);
  const header = utf8("header");
  const message = utf8("a message of several bytes");
  const keyOf = (fill: number) => importAeadKey(suite, new Uint8Array(KEY_SIZE).fill(fill));

  Deno.test(`${suite}: nothing opens with a single bit changed`, async () => {
    const key = await keyOf(1);
    const sealed = await key.seal(nonce, header, message);
    assert.equal(sealed.length, message.length + TAG_SIZE);
    assert.deepEqual(await key.open(nonce, header, sealed), message);
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      assert.equal(await key.open(nonce, header, flipBit(sealed, bit)), undefined, `bit ${bit}`);
    }
    for (let bit = 0; bit < 8 * header.length; bit++) {
      assert.equal(await key.open(nonce, flipBit(header, bit), sealed), undefined);
    }
    for (let bit = 0; bit < 8 * NONCE_SIZE; bit++) {
      assert.equal(await key.open(flipBit(nonce, bit), header, sealed), undefined);
    }
    assert.equal(await (await keyOf(2)).open(nonce, header, sealed), undefined);
  });

  Deno.test(`${suite}: what is cut short or longer does not open, and is no other failure`, async () => {
    const key = await keyOf(1);
    const sealed = await key.seal(nonce, header, message);
    for (let size = 0; size < sealed.length; size++) {
      assert.equal(await key.open(nonce, header, sealed.slice(0, size)), undefined, `${size} bytes`);
    }
    assert.equal(await key.open(nonce, header, concat(sealed, Uint8Array.of(0))), undefined);
  });

  // A sender reads the next block into the same buffer as soon as the call returns.
  Deno.test(`${suite}: seal and open copy their input before they return`, async () => {
    const key = await keyOf(1);
    const expected = await key.seal(nonce, header, message);
    for (const size of [message.length, 1024 * 1024]) {
      const inputs: [Bytes, Bytes, Bytes] = [nonce.slice(), header.slice(), new Uint8Array(size)];
      inputs[2].set(message);
      const sealing = key.seal(...inputs);
      for (const each of inputs) each.fill(0xee);
      const sealed = await sealing;
      if (size === message.length) assert.deepEqual(sealed, expected);

      const opened: [Bytes, Bytes, Bytes] = [nonce.slice(), header.slice(), sealed];
      const opening = key.open(...opened);
      for (const each of opened) each.fill(0xee);
      assert.deepEqual((await opening)?.subarray(0, message.length), message);
    }
  });

  Deno.test(`${suite}: the raw key may be overwritten once it is imported, and is not to be had again`, async () => {
    const raw = new Uint8Array(KEY_SIZE).fill(3);
    const key = await importAeadKey(suite, raw);
    raw.fill(0);
    const sealed = await key.seal(nonce, header, message);
    assert.deepEqual(await (await keyOf(3)).open(nonce, header, sealed), message);
    assert.deepEqual(Object.keys(key).sort(), ["open", "seal"]);
  });
}

Deno.test("the suites do not open one another's messages", async () => {
  const raw = new Uint8Array(KEY_SIZE);
  const nonce = new Uint8Array(NONCE_SIZE);
  const [gcm, chacha] = await Promise.all(SUITES.map((suite) => importAeadKey(suite, raw)));
  const sealed = await gcm!.seal(nonce, nonce, nonce);
  assert.equal(await chacha!.open(nonce, nonce, sealed), undefined);
});
