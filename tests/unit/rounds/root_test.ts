import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { deriveRoot, nextRoot, rootAfter } from "../../../lib/rounds/root.ts";

const BASE_KEY = new Uint8Array(32).fill(1);
const SALT = new Uint8Array(16).fill(2);

Deno.test("the first root comes from the base key, the id and the salt", () => {
  const info = concat(utf8("stx rounds v1 root"), Uint8Array.of(2), utf8("ab"), Uint8Array.of(16), SALT);
  const expected = new Uint8Array(hkdfSync("sha256", BASE_KEY, new Uint8Array(0), info, 32));
  assert.equal(toHex(deriveRoot(BASE_KEY, "ab", SALT)), toHex(expected));
});

Deno.test("another base key, id or salt is another root", () => {
  const other = SALT.slice();
  other[15]! ^= 1;
  const roots = [
    deriveRoot(BASE_KEY, "ab", SALT),
    deriveRoot(new Uint8Array(32).fill(2), "ab", SALT),
    deriveRoot(BASE_KEY, "a", SALT),
    deriveRoot(BASE_KEY, "abc", SALT),
    deriveRoot(BASE_KEY, "ab", other),
  ];
  assert.equal(new Set(roots.map(toHex)).size, roots.length);
});

Deno.test("each epoch's root follows from the one before, which is left to its owner", () => {
  const root = deriveRoot(BASE_KEY, "ab", SALT);
  const before = root.slice();
  const expected = createHmac("sha256", root).update("stx rounds next").digest("hex");
  assert.equal(toHex(nextRoot(root)), expected);
  assert.deepEqual(rootAfter(root, 0), root);
  assert.notEqual(rootAfter(root, 0), root);
  assert.equal(toHex(rootAfter(root, 1)), expected);
  assert.deepEqual(rootAfter(root, 1_024), rootAfter(rootAfter(root, 1_000), 24));
  assert.deepEqual(root, before);
});
