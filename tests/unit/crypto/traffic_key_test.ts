import assert from "node:assert/strict";
import { type Bytes, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { expandLabel, sha256 } from "../../../lib/crypto/hkdf.ts";
import { importAeadKey, SUITES } from "../../../lib/crypto/suite.ts";
import { importTrafficKey } from "../../../lib/crypto/traffic_key.ts";

const NOTHING: Bytes = new Uint8Array(0);
const SECRET = sha256(utf8("traffic"));

/** The nonce of a number, as the specification says it: iv xor (0^8 | sequence). */
function nonceOf(sequence: number): Bytes {
  const number = BigInt(`0x${toHex(expandLabel(SECRET, "iv", NOTHING, 12))}`) ^ BigInt(sequence);
  return fromHex(number.toString(16).padStart(24, "0"));
}

for (const suite of SUITES) {
  Deno.test(`${suite}: key, IV and nonces are those of the specification`, async () => {
    const key = await importTrafficKey(suite, SECRET);
    const plain = await importAeadKey(suite, expandLabel(SECRET, "key", NOTHING, 32));
    const header = utf8("header");
    const message = utf8("message");
    for (const sequence of [0, 1, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
      const sealed = await key.seal(sequence, header, message);
      assert.deepEqual(sealed, await plain.seal(nonceOf(sequence), header, message), `number ${sequence}`);
      assert.deepEqual(await key.open(sequence, header, sealed), message);
      assert.equal(await key.open(sequence ^ 1, header, sealed), undefined);
      assert.equal(await key.open(sequence, utf8("Header"), sealed), undefined);
    }
  });

  Deno.test(`${suite}: inputs are copied before a call returns, and no call disturbs another's nonce`, async () => {
    const key = await importTrafficKey(suite, SECRET);
    const header = utf8("header");
    const buffer = new Uint8Array(16);
    const sealing = [0, 1, 2, 3].map((sequence) => {
      buffer.fill(sequence);
      return key.seal(sequence, header, buffer);
    });
    header.fill(0);
    buffer.fill(0xee);
    for (const [sequence, sealed] of (await Promise.all(sealing)).entries()) {
      const opened = await key.open(sequence, utf8("header"), sealed);
      assert.deepEqual(opened, new Uint8Array(16).fill(sequence));
    }
  });
}

Deno.test("the secret is left to its owner", async () => {
  const secret = SECRET.slice();
  const key = await importTrafficKey("aes-256-gcm", secret);
  assert.deepEqual(secret, SECRET);
  const sealed = await key.seal(0, NOTHING, utf8("a"));
  secret.fill(0);
  assert.deepEqual(await key.open(0, NOTHING, sealed), utf8("a"));
  const other = await importTrafficKey("aes-256-gcm", secret);
  assert.equal(await other.open(0, NOTHING, sealed), undefined);
});
