/**
 * The rules for names, and what is printed of names and texts that peers choose.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { escapeControls, hasControls } from "../../../lib/bytes/escape.ts";
import { decodeManifest, encodeManifest } from "../../../lib/wire/manifest.ts";
import type { Entry } from "../../../lib/ports.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { checkEntries } from "../../../lib/transfer/names.ts";
import { receiptText } from "../../../lib/transfer/receipt.ts";
import { wordsOf } from "../mutation.ts";
import { readVectors } from "../../unit/vectors/files.ts";
import { type Target, target, textTarget } from "../target.ts";

interface NameVectors {
  readonly taken: readonly (readonly { readonly kind: string; readonly path: string }[])[];
  readonly refused: readonly { readonly entries: NameVectors["taken"][number] }[];
}

const VECTORS = readVectors<NameVectors>("names");

/** A manifest of these names, as it goes over the wire; nothing where a name is too long for it. */
function manifestOf(names: NameVectors["taken"][number]): Bytes[] {
  const entries = names.map(({ kind, path }): Entry => ({
    path,
    kind: kind === "file" ? "file" : "directory",
    sizeBytes: 0,
    mtimeMs: 0,
    mode: 0o644,
  }));
  try {
    return [concat(...encodeManifest(entries))];
  } catch (error) {
    if (error instanceof StxError) return [];
    throw error;
  }
}

/** The same, with words a mutation can reach: names alone, one a line; a slash at the end makes a folder. */
const LINES = [...VECTORS.taken, ...VECTORS.refused.map(({ entries }) => entries)]
  .map((names) => names.map(({ kind, path }) => kind === "file" ? path : `${path}/`).join("\n"));

/** What no name may do that was taken, found out by other means than the rules' own. */
function assertHarmless(entries: readonly Entry[]): void {
  const seen = new Set<string>();
  for (const { path } of entries) {
    const resolved = new URL(`file:///root/inbox/${path.split("/").map(encodeURIComponent).join("/")}`);
    assert.equal(
      resolved.pathname,
      `/root/inbox/${path.split("/").map(encodeURIComponent).join("/")}`,
      "a name leads somewhere else",
    );
    assert.ok(
      !/[\p{Cc}\p{Bidi_Control}\u2028\u2029\\:]/u.test(path),
      "a name acts on a terminal or on Windows",
    );
    assert.ok(utf8(path).length <= 3072 && path.split("/").every((part) => utf8(part).length <= 255));
    assert.notEqual(path.split("/")[0]!.toLowerCase(), ".stx-partial", "a name leads to other transfers");
    for (const form of ["NFC", "NFD"] as const) {
      const folded = `${form} ${path.normalize(form).toLowerCase()}`;
      assert.ok(!seen.has(folded), "two names meet");
      seen.add(folded);
    }
  }
  // One line a file, whatever its name: the receipt is read line by line.
  const files = entries.filter(({ kind }) => kind === "file");
  const nothing = new Uint8Array(32);
  const text = receiptText({
    sender: nothing,
    receiver: nothing,
    transferId: nothing,
    manifestDigest: nothing,
    sessionId: nothing,
    sizeBytes: 0,
    entries,
    finishedMs: 0,
    digests: files.map(() => nothing),
  });
  assert.equal(text.split("\n").length, 9 + files.length + 1);
}

function check(entries: readonly Entry[]): void {
  for (const allowDotfiles of [true, false]) {
    try {
      checkEntries(entries, { allowDotfiles });
    } catch (error) {
      if (codeOf(error) === "bad_name") assert.ok(!hasControls((error as StxError).message));
      throw error;
    }
    assertHarmless(entries);
    if (!allowDotfiles) assert.ok(entries.every(({ path }) => !path.startsWith(".")));
  }
}

const WORDS = wordsOf(
  "..",
  "../",
  "/",
  "\\",
  ":",
  ".",
  "~",
  "CON",
  "nul.txt",
  "\u0000",
  "\u202e",
  "é",
  "e\u0301",
  "ß",
  "ſ",
)
  .concat(
    wordsOf(
      "\u2028",
      "\ufeff",
      "a/b",
      ".ssh/authorized_keys",
      ".STX-PARTIAL",
      "İ",
      "K",
      "\n",
      "$(id)",
      "`id`",
    ),
  );

/** The rules for names. */
export const NAME_TARGETS: readonly Target[] = [
  target(
    "names manifest",
    [...VECTORS.taken, ...VECTORS.refused.map(({ entries }) => entries)].flatMap(manifestOf),
    (input) => check(decodeManifest(input)),
    { words: WORDS, codes: ["malformed", "bad_name"] },
  ),
  textTarget(
    "names",
    LINES,
    (text) => {
      const lines = text.split("\n");
      check(lines.map((line) => ({
        path: line.endsWith("/") ? line.slice(0, -1) : line,
        kind: line.endsWith("/") ? "directory" : "file",
        sizeBytes: 0,
        mtimeMs: 0,
        mode: 0o644,
      })));
    },
    { words: WORDS, codes: ["bad_name"] },
  ),
  textTarget("escape", LINES, (text) => {
    const escaped = escapeControls(text);
    // deno-lint-ignore no-control-regex
    assert.ok(!/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/.test(escaped));
    assert.equal(escapeControls(escaped), escaped);
  }, { words: WORDS }),
];
