import assert from "node:assert/strict";
import { concat, equal, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";

Deno.test("concat puts parts one after the other in a buffer of its own", () => {
  const left = Uint8Array.of(1, 2);
  const right = Uint8Array.of(3);
  const whole = concat(left, new Uint8Array(0), right);
  assert.deepEqual(whole, Uint8Array.of(1, 2, 3));
  left[0] = 9;
  assert.deepEqual(whole, Uint8Array.of(1, 2, 3));
  assert.deepEqual(concat(), new Uint8Array(0));
});

Deno.test("concat copies a single part too, and only what a view shows", () => {
  const view = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  const copy = concat(view);
  assert.deepEqual(copy, Uint8Array.of(2, 3));
  assert.notEqual(copy.buffer, view.buffer);
  assert.equal(copy.buffer.byteLength, 2);
});

Deno.test("equal holds for the same bytes and for nothing else", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.equal(equal(bytes, bytes.slice()), true);
  assert.equal(equal(new Uint8Array(0), new Uint8Array(0)), true);
  for (let bit = 0; bit < 256; bit++) {
    const other = bytes.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(equal(bytes, other), false, `bit ${bit}`);
  }
});

Deno.test("equal refuses a beginning, a continuation and differences that cancel out", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.equal(equal(bytes, bytes.subarray(0, 2)), false);
  assert.equal(equal(bytes.subarray(0, 2), bytes), false);
  assert.equal(equal(bytes, new Uint8Array(0)), false);
  assert.equal(equal(Uint8Array.of(1, 2), Uint8Array.of(2, 1)), false);
  assert.equal(equal(Uint8Array.of(0xff, 0xff), Uint8Array.of(0, 0)), false);
});

Deno.test("hexadecimal has two lower-case digits a byte and goes both ways", () => {
  assert.equal(toHex(Uint8Array.of(0, 0x0f, 0xa0, 0xff)), "000fa0ff");
  assert.deepEqual(fromHex("000FA0ff"), Uint8Array.of(0, 0x0f, 0xa0, 0xff));
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(fromHex(toHex(every)), every);
  assert.equal(toHex(new Uint8Array(0)), "");
});

Deno.test("fromHex refuses everything but pairs of hexadecimal digits", () => {
  for (const text of ["0", "000", "0g", "0x00", " 00", "00 ", "0 0", "é0", "00\n"]) {
    assert.throws(() => fromHex(text), SyntaxError, JSON.stringify(text));
  }
});

Deno.test("utf8 encodes without a byte order mark of its own", () => {
  assert.deepEqual(utf8("STX"), Uint8Array.of(0x53, 0x54, 0x58));
  assert.deepEqual(utf8("é中\u{1f600}"), fromHex("c3a9e4b8adf09f9880"));
});
