import assert from "node:assert/strict";
import { type Bytes, concat, equal, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { identityFromSeed, verifySignature } from "../../../lib/identity/identity.ts";
import {
  formatRotation,
  isDatedAhead,
  parseRotation,
  signRotation,
  verifyPeerRotation,
  verifyRotation,
} from "../../../lib/identity/rotation.ts";
import { CLOCK_SKEW_MAX_MS } from "../../../lib/limits.ts";
import { decodeRotation, encodeRotation } from "../../../lib/wire/message.ts";
import { assertFails, truncations } from "./failures.ts";

const OLD = await identityFromSeed(new Uint8Array(32).fill(1));
const NEW = await identityFromSeed(new Uint8Array(32).fill(2));
const OTHER = await identityFromSeed(new Uint8Array(32).fill(3));
const TIME_MS = 1_700_000_000_123;
const STATEMENT = await signRotation(OLD, NEW, TIME_MS);

/** What is signed, from the specification alone. */
function signedContent(oldKey: Bytes, newKey: Bytes, timeMs: number): Bytes {
  const time = fromHex(timeMs.toString(16).padStart(16, "0"));
  return concat(utf8(`${" ".repeat(64)}STX/1 identity rotation\0`), oldKey, newKey, time);
}

Deno.test("a statement has both keys, the time, and both signatures of all three", async () => {
  assert.equal(STATEMENT.length, 200);
  assert.deepEqual(STATEMENT.slice(0, 32), OLD.publicKey);
  assert.deepEqual(STATEMENT.slice(32, 64), NEW.publicKey);
  assert.equal(toHex(STATEMENT.slice(64, 72)), TIME_MS.toString(16).padStart(16, "0"));
  const content = signedContent(OLD.publicKey, NEW.publicKey, TIME_MS);
  assert.equal(content.length, 160);
  assert.ok(await verifySignature(OLD.publicKey, content, STATEMENT.slice(72, 136)));
  assert.ok(await verifySignature(NEW.publicKey, content, STATEMENT.slice(136)));
  const { oldKey, newKey, timeMs } = verifyRotation(STATEMENT);
  assert.deepEqual([oldKey, newKey, timeMs], [OLD.publicKey, NEW.publicKey, TIME_MS]);
});

Deno.test("whatever bit of a statement is flipped, it is refused", () => {
  for (let at = 0; at < STATEMENT.length; at++) {
    const changed = STATEMENT.slice();
    changed[at]! ^= 1 << (at % 8);
    // A key that changes may be none any more, a time may be none.
    const code = /bad_signature|bad_identity|malformed/;
    assert.throws(() => verifyRotation(changed), (error: { code?: string }) => code.test(error.code ?? ""));
    if (at >= 72) assertFails(() => verifyRotation(changed), "bad_signature");
  }
});

Deno.test("a statement needs the signature of the old key, and that of the new one", async () => {
  const rotation = decodeRotation(STATEMENT);
  const content = signedContent(OLD.publicKey, NEW.publicKey, TIME_MS);
  const foreign = await OTHER.sign(content);
  for (const part of ["oldSignature", "newSignature"] as const) {
    const forged = encodeRotation({ ...rotation, [part]: foreign });
    assertFails(() => verifyRotation(forged), "bad_signature");
    for (const filler of [0, 0xff]) {
      const senseless = encodeRotation({ ...rotation, [part]: new Uint8Array(64).fill(filler) });
      assertFails(() => verifyRotation(senseless), "bad_signature");
    }
  }
  const swapped = { oldSignature: rotation.newSignature, newSignature: rotation.oldSignature };
  assertFails(() => verifyRotation(encodeRotation({ ...rotation, ...swapped })), "bad_signature");
});

Deno.test("signatures made for something else, or for the way back, do not fit", async () => {
  const { oldKey, newKey, timeMs } = decodeRotation(STATEMENT);
  const contents = [
    signedContent(newKey, oldKey, timeMs),
    signedContent(oldKey, newKey, timeMs + 1),
    signedContent(oldKey, newKey, timeMs).slice(64),
    concat(utf8(`${" ".repeat(64)}STX/1 client handshake\0`), oldKey, newKey, new Uint8Array(8)),
  ];
  for (const content of contents) {
    const [oldSignature, newSignature] = [await OLD.sign(content), await NEW.sign(content)];
    const statement = encodeRotation({ oldKey, newKey, timeMs, oldSignature, newSignature });
    assertFails(() => verifyRotation(statement), "bad_signature");
  }
});

Deno.test("a key does not follow itself", async () => {
  assertFails(() => verifyRotation(STATEMENT.slice(1)), "malformed");
  const same = await signRotation(OLD, OLD, TIME_MS);
  assertFails(() => verifyRotation(same), "malformed", /the same/);
});

Deno.test("a key of small order, under which anybody can sign, is refused as either of the two", async () => {
  // R and s that verify under this key whatever is signed, where a verifier does not look at the key.
  const weak = fromHex("0100000000000000000000000000000000000000000000000000000000000000");
  const forged = concat(weak, new Uint8Array(32));
  for (const role of ["old", "new"] as const) {
    const oldKey = role === "old" ? weak : OLD.publicKey;
    const newKey = role === "new" ? weak : NEW.publicKey;
    const content = signedContent(oldKey, newKey, TIME_MS);
    const statement = encodeRotation({
      oldKey,
      newKey,
      timeMs: TIME_MS,
      oldSignature: role === "old" ? forged : await OLD.sign(content),
      newSignature: role === "new" ? forged : await NEW.sign(content),
    });
    assertFails(() => verifyRotation(statement), "bad_identity");
  }
});

Deno.test("a statement is taken from the owner of one of its keys, and from nobody else", () => {
  const fromOld = verifyPeerRotation(STATEMENT, OLD.publicKey);
  assert.equal(fromOld.shownBy, "old");
  assert.deepEqual(fromOld.statement, STATEMENT);
  assert.equal(verifyPeerRotation(STATEMENT, NEW.publicKey).shownBy, "new");
  assertFails(() => verifyPeerRotation(STATEMENT, OTHER.publicKey), "bad_identity", /other keys/);
  assertFails(() => verifyPeerRotation(STATEMENT.with(72, 0), OLD.publicKey), "bad_signature");
});

Deno.test("what was verified outlives the buffer that it came in", () => {
  const buffer = STATEMENT.slice();
  const { statement, oldKey, newKey } = verifyPeerRotation(buffer, OLD.publicKey);
  buffer.fill(0);
  assert.deepEqual(statement, STATEMENT);
  assert.ok(equal(oldKey, OLD.publicKey) && equal(newKey, NEW.publicKey));
});

Deno.test("a time is ahead when it is later than any clock may be", () => {
  const rotation = verifyRotation(STATEMENT);
  assert.ok(!isDatedAhead(rotation, TIME_MS));
  assert.ok(!isDatedAhead(rotation, TIME_MS - CLOCK_SKEW_MAX_MS));
  assert.ok(isDatedAhead(rotation, TIME_MS - CLOCK_SKEW_MAX_MS - 1));
});

Deno.test("a statement comes back from the text of a file, and from no damaged one", () => {
  const text = formatRotation(STATEMENT);
  assert.match(text, /^-----BEGIN STX IDENTITY ROTATION-----\n/);
  assert.deepEqual(parseRotation(text), STATEMENT);
  for (const cut of truncations(text.trimEnd())) assert.equal(parseRotation(cut), undefined);
  assert.equal(parseRotation(text.replaceAll("STX", "SSH")), undefined);
});
