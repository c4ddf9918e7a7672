import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { ByteReader, i64, u16, u32, u64, u8, vector16, vector8 } from "../../../lib/wire/fields.ts";
import { assertFails } from "../identity/failures.ts";

/** A character of every size in UTF-8, and those that decoders like to treat on their own. */
const CHARACTER = fc.constantFrom(..."a/\u0000\x7fé\u07ff\u0800中\ufeff\ufffd\u{10000}\u{1f600}\u{10ffff}");

const MAX = Number.MAX_SAFE_INTEGER;

function reader(bytes: Bytes): ByteReader {
  return new ByteReader(bytes, "a test");
}

Deno.test("integers are big-endian", () => {
  assert.equal(toHex(u8(0xab)), "ab");
  assert.equal(toHex(u16(0x0102)), "0102");
  assert.equal(toHex(u32(0xfedcba98)), "fedcba98");
  assert.equal(toHex(u64(0x01_0203_0405_0607)), "0001020304050607");
  assert.equal(toHex(i64(-2)), "fffffffffffffffe");
});

Deno.test("every integer comes back as it was, up to its bounds", () => {
  for (const value of [0, 1, 0x7f, 0x80, 0xff]) assert.equal(reader(u8(value)).u8(), value);
  for (const value of [0, 0xff, 0x100, 0xffff]) assert.equal(reader(u16(value)).u16(), value);
  for (const value of [0, 0xffff, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    assert.equal(reader(u32(value)).u32(), value);
  }
  for (const value of [0, 2 ** 32 - 1, 2 ** 32, MAX - 1, MAX]) assert.equal(reader(u64(value)).u64(), value);
  for (const value of [-MAX, -1, 0, 1, MAX]) assert.equal(reader(i64(value)).i64(), value);
});

Deno.test("a number that JavaScript does not count exactly is malformed", () => {
  for (
    const hex of [
      "0020000000000000",
      "0020000000000001",
      "7fffffffffffffff",
      "8000000000000000",
      "ffffffffffffffff",
    ]
  ) {
    assertFails(() => reader(fromHex(hex)).u64(), "malformed", /2\^53/);
  }
  for (const hex of ["0020000000000000", "7fffffffffffffff", "8000000000000000", "ffe0000000000000"]) {
    assertFails(() => reader(fromHex(hex)).i64(), "malformed", /2\^53/);
  }
  assert.equal(reader(fromHex("ffe0000000000001")).i64(), -MAX);
});

Deno.test("fields are read one after the other, with nothing left over", () => {
  const all = reader(concat(u8(1), u16(2), vector8(utf8("abc")), vector16(utf8("de")), u64(3), utf8("rest")));
  assert.equal(all.remaining, 1 + 2 + 4 + 4 + 8 + 4);
  assert.equal(all.u8(), 1);
  assert.equal(all.u16(), 2);
  assert.deepEqual(all.vector8(), utf8("abc"));
  assert.deepEqual(all.vector16(), utf8("de"));
  assert.equal(all.u64(), 3);
  assertFails(() => all.end(), "malformed", /4 bytes follow/);
  assert.deepEqual(all.rest(), utf8("rest"));
  assert.equal(all.remaining, 0);
  all.end();
  assert.deepEqual(all.rest(), new Uint8Array(0));
});

Deno.test("reading beyond the end is malformed, and takes nothing", () => {
  const reads: readonly ((from: ByteReader) => unknown)[] = [
    (from) => from.u8(),
    (from) => from.u16(),
    (from) => from.u32(),
    (from) => from.u64(),
    (from) => from.i64(),
    (from) => from.bytes(9),
    (from) => from.bytes(2 ** 32 - 1),
    (from) => from.vector8(),
    (from) => from.vector16(),
    (from) => from.text16(100),
  ];
  for (const read of reads) assertFails(() => read(reader(new Uint8Array(0))), "malformed", /a test/);
  const short = reader(Uint8Array.of(0, 0, 0));
  assertFails(() => short.u32(), "malformed", /ends after 3 bytes, expected at least 4/);
  assert.equal(short.remaining, 3);
});

Deno.test("a length that points behind the end is malformed, whatever it promises", () => {
  for (const promised of [1, 2, 0xff]) {
    assertFails(() => reader(concat(u8(promised), new Uint8Array(promised - 1))).vector8(), "malformed");
  }
  for (const promised of [1, 0xff, 0x100, 0xffff]) {
    assertFails(() => reader(concat(u16(promised), new Uint8Array(promised - 1))).vector16(), "malformed");
    assertFails(
      () => reader(concat(u16(promised), new Uint8Array(promised - 1))).text16(0xffff),
      "malformed",
    );
  }
  assert.equal(reader(vector8(new Uint8Array(255))).vector8().length, 255);
  assert.equal(reader(vector16(new Uint8Array(65_535))).vector16().length, 65_535);
});

Deno.test("a text over its bound is malformed", () => {
  assert.equal(reader(vector16(utf8("abc"))).text16(3), "abc");
  assertFails(() => reader(vector16(utf8("abcd"))).text16(3), "malformed", /4 bytes, at most 3/);
});

Deno.test("invalid UTF-8 is malformed, never replaced", () => {
  // A lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a cut sequence, Latin-1.
  for (const hex of ["80", "c0af", "eda080", "f4908080", "e4b8", "e9", "ff", "61c3"]) {
    assertFails(() => reader(vector16(fromHex(hex))).text16(100), "malformed", /UTF-8/);
  }
});

Deno.test("a text keeps every character that was sent, a leading byte order mark too", () => {
  for (const text of ["", "\ufeff", "\ufeffa", "a\u0000b", "é中\u{1f600}", "\ufffd"]) {
    assert.equal(reader(vector16(utf8(text))).text16(100), text);
  }
});

Deno.test("what is read is a copy", () => {
  const bytes = concat(u8(2), utf8("ab"));
  const value = reader(bytes).vector8();
  bytes.fill(0);
  assert.deepEqual(value, utf8("ab"));
});

Deno.test("any text and any number within the bounds comes back as it was", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: CHARACTER, maxLength: 60 }),
      fc.maxSafeNat(),
      fc.maxSafeInteger(),
      (text, natural, integer) => {
        const from = reader(concat(vector16(utf8(text)), u64(natural), i64(integer)));
        assert.equal(from.text16(1200), text);
        assert.equal(from.u64(), natural);
        assert.equal(from.i64(), integer);
        from.end();
      },
    ),
    { seed: 3, numRuns: 500 },
  );
});
