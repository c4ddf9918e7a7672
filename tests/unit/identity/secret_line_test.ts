import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import {
  formatSecretLine,
  parseSecretLine,
  SECRET_SIZE,
  type SecretLine,
} from "../../../lib/identity/secret_line.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { assertFails } from "./failures.ts";

const random = seededRandom("secret lines");
const SECRET = random.bytes(SECRET_SIZE);
const LINE = formatSecretLine("a key", { words: ["stx-x", "roof"], secret: SECRET, comment: "of the shed" });

Deno.test("a line comes back as it was written, and its bytes are left as they are", () => {
  assert.match(LINE, /^stx-x roof [A-Za-z0-9+/]{43}= of the shed$/);
  fc.assert(fc.property(
    fc.array(fc.constantFrom("a", "stx-x", "#", "=", "0", "w".repeat(64)), { minLength: 1, maxLength: 4 }),
    fc.string(),
    fc.constantFrom("", "a", "of the shed", "of  the  shed", "ä \u{1f511}", "=", "# no"),
    (words, seed, comment) => {
      const line: SecretLine = { words, secret: seededRandom(seed).bytes(SECRET_SIZE), comment };
      const bytes = utf8(formatSecretLine("a key", line));
      const before = bytes.slice();
      assert.deepEqual(parseSecretLine(bytes, words.length), line);
      assert.deepEqual(bytes, before);
    },
  ));
});

Deno.test("any number of spaces and tabs may be between words", () => {
  const [type, id, base64] = LINE.split(" ");
  const line = parseSecretLine(utf8(`${type} \t ${id}\t${base64}  \tof  the\tshed`), 2);
  assert.deepEqual(line, { words: ["stx-x", "roof"], secret: SECRET, comment: "of  the\tshed" });
});

Deno.test("a line with other words than it should have has no secret", () => {
  for (const count of [1, 3, 4]) assert.equal(parseSecretLine(utf8(LINE), count), undefined);
  assert.equal(parseSecretLine(utf8(""), 1), undefined);
  assert.equal(parseSecretLine(utf8("stx-x"), 1), undefined);
});

Deno.test("every other way to write the same base64 is refused", () => {
  const base64 = LINE.split(" ")[2]!;
  const isTaken = (text: string) => parseSecretLine(utf8(`stx-x ${text}`), 1) !== undefined;
  assert.ok(isTaken(base64));
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = alphabet.indexOf(base64[42]!);
  for (const bits of [1, 2, 3]) assert.ok(!isTaken(`${base64.slice(0, 42)}${alphabet[last + bits]}=`));
  for (
    const text of [
      base64.slice(0, 43),
      base64.slice(0, 43) + "A",
      base64.slice(1),
      base64 + "=",
      "=" + base64.slice(1),
      base64.slice(0, 20) + "-" + base64.slice(21),
      base64.slice(0, 20) + "é" + base64.slice(22),
      base64.slice(0, 40) + "====",
    ]
  ) assert.ok(!isTaken(text), text);
});

Deno.test("a comment hides no further line, and a word has 64 bytes at most, however long the line", () => {
  for (const end of ["\n", "\r", "\u2028", "\u2029"]) {
    assert.equal(parseSecretLine(utf8(`${LINE}${end}x`), 2), undefined);
  }
  const withId = (id: string) => parseSecretLine(utf8(LINE.replace(" roof ", ` ${id} `)), 2);
  assert.deepEqual(withId("i".repeat(64))?.words[1], "i".repeat(64));
  assert.equal(withId("i".repeat(65)), undefined);
  assert.equal(withId("i".repeat(1_000_000)), undefined);
});

Deno.test("what no reader would take is not written", () => {
  const format = (line: Partial<SecretLine>) => () =>
    formatSecretLine("a test's key", { words: ["w"], secret: SECRET, comment: "", ...line });
  assertFails(format({ comment: "a\nb" }), "usage", /control character/);
  assertFails(
    format({ secret: SECRET.subarray(1) }),
    "bad_key_file",
    /^Cannot write a test's key: 31 bytes, expected 32$/,
  );
  assertFails(
    format({ secret: new Uint8Array(32) }),
    "bad_key_file",
    /^Cannot write a test's key: it is not random$/,
  );
});
