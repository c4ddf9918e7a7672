import assert from "node:assert/strict";
import { toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { StreamSha256 } from "../../../lib/crypto/stream_digest.ts";

Deno.test("a stream's SHA-256 is that of its bytes, however they are cut", () => {
  const bytes = utf8("the quick brown fox jumps over the lazy dog".repeat(10));
  for (let at = 0; at <= bytes.length; at++) {
    const hash = new StreamSha256();
    hash.update(bytes.subarray(0, at));
    hash.update(bytes.subarray(at));
    assert.deepEqual(hash.finish(), sha256(bytes));
  }
  assert.equal(
    toHex(new StreamSha256().finish()),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});
