import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../lib/bytes/bytes.ts";
import { matchesPin, parsePeer } from "../../../lib/identity/peer_pin.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { assertFails, assertTotal, truncations } from "./failures.ts";

const KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const OTHER = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");

Deno.test("a line names its key", () => {
  for (const text of [formatPublicKeyLine(KEY, ""), ` ${formatPublicKeyLine(KEY, "me")}\n`]) {
    const pin = parsePeer(text);
    assert.deepEqual(pin, { kind: "key", publicKey: KEY });
    assert.ok(matchesPin(pin!, KEY));
    assert.ok(!matchesPin(pin!, OTHER));
  }
});

Deno.test("a fingerprint names the key that has it", () => {
  const pin = parsePeer(` ${fingerprint(KEY)}\n`);
  assert.deepEqual(pin, { kind: "fingerprint", fingerprint: fingerprint(KEY) });
  assert.ok(matchesPin(pin!, KEY));
  assert.ok(!matchesPin(pin!, OTHER));
});

Deno.test("anything else is left for a file's name", () => {
  for (
    const text of [
      "",
      "key.pub",
      "/home/me/ssh-ed25519",
      "ssh-ed25519",
      "ssh-ed25519.pub",
      "sha256",
      "MD5:00",
    ]
  ) {
    assert.equal(parsePeer(text), undefined, text);
  }
});

Deno.test("a fingerprint that is not whole is refused", () => {
  const whole = fingerprint(KEY);
  const cases = [whole.slice(0, -1), `${whole}=`, `${whole}A`, "SHA256:", `${whole.slice(0, -1)}-`];
  // These are whole base64, of fewer and of more bytes.
  cases.push(whole.replace(/.{4}$/, ""), `${whole}AAAA`);
  // The last character holds four bits of the digest; the two others must be clear.
  cases.push(whole.replace(/.$/, "B"));
  for (const text of cases) assertFails(() => parsePeer(text), "usage", /fingerprint/);
});

Deno.test("a line that is not whole, or holds a weak key, is refused", () => {
  const line = formatPublicKeyLine(KEY, "");
  for (const text of truncations(line).filter((text) => /^ssh-ed25519 ./.test(text))) {
    assertFails(() => parsePeer(text), "bad_key_file");
  }
  const weak = formatPublicKeyLine(fromHex("01" + "00".repeat(31)), "");
  assertFails(() => parsePeer(weak), "bad_key_file", /small order/);
});

Deno.test("a random text fails only on purpose", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    assertTotal(() => parsePeer(text));
    assertTotal(() => parsePeer(`SHA256:${text}`));
    assertTotal(() => parsePeer(`ssh-ed25519 ${text}`));
  }));
});
