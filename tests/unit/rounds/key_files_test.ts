import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import {
  type ClientKey,
  formatBaseKey,
  formatClientKey,
  parseBaseKey,
  parseClientKey,
} from "../../../lib/rounds/key_files.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const KEY = seededRandom("key files").bytes(32);
const CLIENT: ClientKey = { id: "roof-1", epoch: 7, root: KEY, comment: "of the shed" };
const BASE_LINE = formatBaseKey(KEY, "");
const CLIENT_LINE = formatClientKey(CLIENT);
const BASE64 = KEY.toBase64();

/** Asserts that a file is refused without telling anything of the key in it. */
function refused(parse: (file: Bytes) => unknown, text: string, words: RegExp): void {
  assert.throws(() => parse(utf8(text)), (error) => {
    assert(error instanceof StxError && error.code === "bad_key_file", `${error}`);
    assert.match(error.message, words);
    assert.ok(!Deno.inspect(error).includes(BASE64.slice(5, 20)));
    return true;
  }, text);
}

Deno.test("a base key is one line, which comes back", () => {
  assert.equal(BASE_LINE, `stx-base-key ${BASE64}`);
  assert.equal(formatBaseKey(KEY, "of the office"), `stx-base-key ${BASE64} of the office`);
  assert.deepEqual(parseBaseKey(utf8(formatBaseKey(KEY, "of the office"))), KEY);
  // As an editor leaves it.
  for (const text of [`${BASE_LINE}\n`, `\r\n# ours\r\n \t${BASE_LINE} \t\r\n\r\n`, `#\n\n${BASE_LINE}`]) {
    assert.deepEqual(parseBaseKey(utf8(text)), KEY);
  }
});

Deno.test("a client's key is one line, which comes back", () => {
  assert.equal(CLIENT_LINE, `stx-rounds-key roof-1 7 ${BASE64} of the shed`);
  assert.deepEqual(parseClientKey(utf8(`# mine\n${CLIENT_LINE}\n`)), CLIENT);
  for (const epoch of [0, 1, 4_294_967_295, 4_294_967_296]) {
    const key = { ...CLIENT, epoch, comment: "" };
    assert.deepEqual(parseClientKey(utf8(formatClientKey(key))), key);
  }
});

Deno.test("a comment of a person's own is kept, in a form that can be written again", () => {
  const { comment } = parseClientKey(utf8(CLIENT_LINE.replace("of the shed", "of\tthe \x1b shed")));
  assert.equal(comment, "of the   shed");
  formatClientKey({ ...CLIENT, comment });
});

Deno.test("a file that is not exactly one whole key is refused", () => {
  for (
    const [parse, line, what] of [
      [parseBaseKey, BASE_LINE, /^Cannot use the file: it is not a whole base key$/],
      [parseClientKey, CLIENT_LINE, /^Cannot use the file: it is not a whole client's key$/],
    ] as const
  ) {
    const texts = [
      "",
      "\n",
      "# none\n",
      `${line}\n${line}`,
      `${line}\nx`,
      line.slice(1),
      line.replace(BASE64, ""),
    ];
    for (const text of [...texts, line.replace(BASE64, BASE64.slice(1)), line.replace("-", "_")]) {
      refused(parse, text, what);
    }
  }
  refused(parseBaseKey, CLIENT_LINE, /whole base key/);
  refused(parseBaseKey, `stx-psk ${BASE64}`, /whole base key/);
  refused(parseClientKey, BASE_LINE, /whole client's key/);
  refused(parseClientKey, `stx-psk roof-1 7 ${BASE64}`, /whole client's key/);
});

Deno.test("a client's name and epoch are what packets can have", () => {
  const line = (id: string, epoch: string) => `stx-rounds-key ${id} ${epoch} ${BASE64}`;
  parseClientKey(utf8(line("i".repeat(64), "0")));
  for (const id of ["i".repeat(65), "é", "a/b", "a:b"]) {
    refused(parseClientKey, line(id, "0"), /whole client's key/);
  }
  for (const epoch of ["-1", "00", "01", "+1", "1.0", "1e3", "x", "4294967297", "99999999999", "٣"]) {
    refused(parseClientKey, line("a", epoch), /whole client's key/);
  }
});

Deno.test("a key that was made up or wiped is refused, and not written either", () => {
  const empty = new Uint8Array(32).toBase64();
  refused(parseBaseKey, `stx-base-key ${empty}`, /its key is not random/);
  refused(parseClientKey, `stx-rounds-key a 0 ${empty}`, /its key is not random/);
  const wiped = new Uint8Array(32);
  assert.throws(() => formatBaseKey(wiped, ""), {
    code: "bad_key_file",
    message: /a base key: it is not random/,
  });
  assert.throws(() => formatClientKey({ ...CLIENT, root: wiped }), {
    code: "bad_key_file",
    message: /a client's key: it is not random/,
  });
});
