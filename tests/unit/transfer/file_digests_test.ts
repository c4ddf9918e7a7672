import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import type { Entry } from "../../../lib/ports.ts";
import { FileDigests } from "../../../lib/transfer/file_digests.ts";
import { piecesOf } from "../../support/pieces.ts";
import { content, contentOf, entry, streamOf } from "../files/tree.ts";

function sha256(bytes: Bytes): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digestsOf(entries: readonly Entry[], pieceSizes: readonly number[], isSizeKnown = true): string[] {
  const digests = new FileDigests(entries, isSizeKnown);
  for (const piece of piecesOf(streamOf(entries), pieceSizes)) digests.update(piece);
  return digests.finish().map((digest) => digest.toHex());
}

Deno.test("each file has its own hash, however the stream is cut and wherever empty files lie", () => {
  const trees: readonly (readonly Entry[])[] = [
    [entry("a", 10)],
    [entry("a")],
    [entry("d/")],
    [],
    [entry("a"), entry("b"), entry("c")],
    [entry("d/"), entry("d/a"), entry("d/b", 7), entry("d/c"), entry("d/d"), entry("d/e", 300), entry("f")],
    [entry("a", 1), entry("b", 1), entry("c", 1), entry("e")],
  ];
  for (const entries of trees) {
    const files = entries.filter(({ kind }) => kind === "file");
    const expected = files.map((file) => sha256(contentOf(file)));
    for (const sizes of [[1], [2], [3, 1], [7], [8], [1000]]) {
      assert.deepEqual(digestsOf(entries, sizes), expected, JSON.stringify([entries, sizes]));
    }
  }
});

Deno.test("a file of unknown size takes whatever comes", () => {
  for (const size of [0, 1, 50_000]) {
    const digests = new FileDigests([entry("stdin")], false);
    const bytes = content(size);
    for (const piece of piecesOf(bytes, [999])) digests.update(piece);
    assert.deepEqual(digests.finish().map((digest) => digest.toHex()), [sha256(bytes)]);
  }
});

Deno.test("what comes behind the last file is no file's", () => {
  const digests = new FileDigests([entry("a", 3)], true);
  digests.update(Uint8Array.of(1, 2, 3, 4));
  digests.update(Uint8Array.of(5));
  assert.deepEqual(digests.finish().map((digest) => digest.toHex()), [sha256(Uint8Array.of(1, 2, 3))]);
});
