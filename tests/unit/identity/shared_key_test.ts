import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  formatSharedKey,
  generateSharedKey,
  parseSharedKeys,
  SHARED_KEY_SIZE,
} from "../../../lib/identity/shared_key.ts";
import { SHARED_KEY_COUNT_MAX } from "../../../lib/limits.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { assertFails, truncations } from "./failures.ts";

const random = seededRandom("shared keys");
const KEY = generateSharedKey(random);
const OTHER = generateSharedKey(random);
const LINE = formatSharedKey(KEY, "");
const BASE64 = LINE.split(" ")[1]!;

/** Bytes of which no two are equal, in no order. */
const DIFFERENT = [...new Set(random.bytes(64))];

/** Asserts that a text is refused because of a line, and that nothing of the line is told. */
function assertRefused(text: string, words: RegExp, line = 1): void {
  const error = assertFails(() => parseSharedKeys(text), "bad_key_file", words);
  assert.match(error.message, new RegExp(`^Cannot use line ${line}: [a-z ]+$`));
  assert.match(error.hint!, /^[a-z, ]+(: stx keygen --psk; a passphrase cannot take its place)?$/);
}

const notWhole = (text: string, line = 1) => assertRefused(text, /it is not a whole shared key$/, line);
const notRandom = (key: Bytes) => {
  assertRefused(`stx-psk ${key.toBase64()}`, /its key is not random$/);
  assertFails(
    () => formatSharedKey(key, ""),
    "bad_key_file",
    /^Cannot write a shared key: it is not random$/,
  );
};

Deno.test("a fresh key is 32 bytes of the random source, and comes back from its line", () => {
  const { bytes } = seededRandom("fresh");
  assert.deepEqual(generateSharedKey(seededRandom("fresh")), bytes(32));
  assert.equal(SHARED_KEY_SIZE, 32);
  fc.assert(fc.property(fc.string(), (seed) => {
    const key = generateSharedKey(seededRandom(seed));
    assert.deepEqual(parseSharedKeys(formatSharedKey(key, "backup, from the office")), [key]);
  }));
});

Deno.test("a line is the type, 44 characters of base64, and a comment if there is one", () => {
  assert.match(LINE, /^stx-psk [A-Za-z0-9+/]{43}=$/);
  assert.equal(formatSharedKey(KEY, "backup"), `${LINE} backup`);
});

Deno.test("a comment of several lines, and bytes that are no key, are not written", () => {
  for (const comment of ["a\nb", "a\rb", "\x1b[2J", "a\u2028b"]) {
    assertFails(() => formatSharedKey(KEY, comment), "usage");
  }
  for (const size of [0, 16, 31, 33, 64]) {
    assertFails(
      () => formatSharedKey(random.bytes(size), ""),
      "bad_key_file",
      new RegExp(`: ${size} bytes, expected 32$`),
    );
  }
});

Deno.test("several keys come in the file's order, between comments and blank lines, from any editor", () => {
  const text = `\ufeff# mine\r\n\r\n  ${LINE}\tthe office\r\n\n#${LINE}\n${formatSharedKey(OTHER, "home")}`;
  assert.deepEqual(parseSharedKeys(text), [KEY, OTHER]);
  assert.deepEqual(parseSharedKeys(`\ufeff${LINE}\r\n`), [KEY]);
  assert.deepEqual(parseSharedKeys(`stx-psk \t ${BASE64}  `), [KEY]);
});

Deno.test("a passphrase, another tool's key or another kind of key is not taken for a shared key", () => {
  for (const text of ["correct horse battery staple", BASE64, "stx-psk", "stx-psk correct horse", "psk"]) {
    notWhole(text);
  }
  notWhole(`ssh-ed25519 ${BASE64}`);
  notWhole(`STX-PSK ${BASE64}`);
  notWhole(`stx-psk2 ${BASE64}`);
  notWhole(`"${LINE}"`);
  notWhole(`export PSK=${LINE}`);
  notWhole("-----BEGIN OPENSSH PRIVATE KEY-----\n");
  notWhole(`stx-psk ${KEY.toHex()}`);
});

Deno.test("a key that is cut, or of another length, is refused", () => {
  // Only the whole line is a key: each of its beginnings that says anything is refused.
  for (const text of truncations(LINE).slice(1)) notWhole(text);
  for (const size of [0, 16, 24, 31, 33, 48, 64]) notWhole(`stx-psk ${random.bytes(size).toBase64()}`);
});

Deno.test("a key in other base64 than an encoder's is refused", () => {
  const key = Uint8Array.from(KEY, (byte, index) => (index < 6 ? 0xfb : byte));
  const base64 = key.toBase64();
  assert.match(base64, /^[+/]+/);
  notWhole(`stx-psk ${key.toBase64({ alphabet: "base64url" })}`);
  notWhole(`stx-psk ${key.toBase64({ omitPadding: true })}`);
  notWhole(`stx-psk ${base64}=`);
  notWhole(`stx-psk =${base64}`);
  notWhole(`stx-psk ${base64.slice(0, 20)}\n${base64.slice(20)}`);
  notWhole(`stx-psk ${base64.slice(0, 20)} ${base64.slice(20)}`);
  notWhole(`stx-psk ${base64.slice(0, 20)}\f${base64.slice(20)}`);
  // Bits behind the last byte: the same key to a careless decoder.
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = alphabet.indexOf(base64[42]!);
  notWhole(`stx-psk ${base64.slice(0, 42)}${alphabet[last + 1]}=`);
});

Deno.test("spaces and tabs alone separate, and a comment hides no further line", () => {
  for (const separator of ["", "\u00a0", "\ufeff", "\v", "\u2028", ":", "="]) {
    notWhole(`stx-psk${separator}${BASE64}`);
  }
  const other = formatSharedKey(OTHER, "");
  for (const end of ["\r", "\u2028", "\u2029"]) {
    notWhole(`${LINE} comment${end}${other}`);
    notWhole(`${LINE}${end}${other}`);
  }
});

Deno.test("a key that was made up is refused, and not written either", () => {
  notRandom(new Uint8Array(32));
  for (const byte of [0x01, 0x41, 0xff]) notRandom(new Uint8Array(32).fill(byte));
  // A few values again and again.
  notRandom(Uint8Array.from({ length: 32 }, (_, index) => DIFFERENT[index % 15]!));
  // Counted up, down, and in steps.
  for (const step of [1, 255, 7]) {
    notRandom(Uint8Array.from({ length: 32 }, (_, index) => 250 + step * index));
  }
  // A passphrase, digits of another encoding.
  notRandom(utf8("correct horse battery staple, ~!"));
  notRandom(utf8("The quick brown fox jumps over 1"));
});

Deno.test("a key is not refused for being a little like one that was made up", () => {
  const text = utf8("The quick brown fox jumps over 1");
  const counted = Uint8Array.from({ length: 32 }, (_, index) => index);
  const repeated = Uint8Array.from({ length: 32 }, (_, index) => DIFFERENT[index % 16]!);
  const almost = [
    text.with(31, 0x1f),
    text.with(31, 0x7f),
    counted.with(31, 77),
    counted.with(0, 77),
    repeated,
  ];
  for (const key of almost) assert.deepEqual(parseSharedKeys(formatSharedKey(key, "")), [key]);
});

Deno.test("the line that is wrong is named", () => {
  notWhole(`# mine\n\n${LINE}\nnonsense\n`, 4);
  assertRefused(`${LINE}\n# again\n${LINE} under another name\n`, /the same key stands above it$/, 3);
});

Deno.test("a file has 1 to 64 keys", () => {
  for (const text of ["", "\n", "# none yet\n", "\ufeff"]) {
    const error = assertFails(() => parseSharedKeys(text), "bad_key_file", /^There is no shared key in it$/);
    assert.match(error.hint!, /stx keygen --psk/);
  }
  const lines = Array.from({ length: 64 }, () => formatSharedKey(generateSharedKey(random), ""));
  assert.equal(SHARED_KEY_COUNT_MAX, 64);
  assert.equal(parseSharedKeys(lines.join("\n")).length, 64);
  assertFails(
    () => parseSharedKeys([...lines, LINE].join("\n")),
    "bad_key_file",
    /more than 64 shared keys$/,
  );
  // Nothing behind the last one that is allowed is even looked at: of a huge file either.
  assertFails(() => parseSharedKeys([...lines, "nonsense"].join("\n")), "bad_key_file", /more than 64/);
});

Deno.test("no failure tells anything of what stands in the file", () => {
  const secret = /[A-Za-z0-9+/]{12}/;
  const damages: ((line: string, at: number) => string)[] = [
    (line, at) => line.slice(0, at),
    (line, at) => line.slice(at),
    (line, at) => `${line.slice(0, at)}\0${line.slice(at)}`,
    (line, at) => `${line.slice(0, at)}${line.slice(at + 1)}`,
    (line, at) => `${line}\n${line.slice(0, at)}`,
  ];
  fc.assert(fc.property(
    fc.string(),
    fc.nat({ max: LINE.length - 1 }),
    fc.constantFrom(...damages),
    (seed, at, damage) => {
      const line = formatSharedKey(generateSharedKey(seededRandom(seed)), "");
      try {
        parseSharedKeys(damage(line, at));
      } catch (error) {
        const { message, hint = "", cause } = error as Error & { hint?: string };
        assert.doesNotMatch(message + hint, secret);
        assert.equal(cause, undefined);
      }
    },
  ));
});
