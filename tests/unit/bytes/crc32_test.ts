import assert from "node:assert/strict";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";

Deno.test("crc32 gives the check value of ISO 3309", () => {
  assert.equal(crc32(utf8("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

Deno.test("crc32 is an unsigned number", () => {
  assert.equal(crc32(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), 0xffffffff);
});

Deno.test("crc32 continues where it stopped, at every place", () => {
  const bytes = utf8("the quick brown fox jumps over the lazy dog");
  const whole = crc32(bytes);
  for (let at = 0; at <= bytes.length; at++) {
    assert.equal(crc32(bytes.subarray(at), crc32(bytes.subarray(0, at))), whole);
  }
});
