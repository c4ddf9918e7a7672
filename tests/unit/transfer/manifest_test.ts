import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { codeOf } from "../../../lib/errors.ts";
import { ENTRY_COUNT_MAX, MANIFEST_BODY_SIZE_MAX } from "../../../lib/limits.ts";
import { makeManifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import { decodeManifest } from "../../../lib/wire/manifest.ts";
import { entry } from "../files/tree.ts";

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

Deno.test("a manifest has the digest of its bodies and the size of its files", () => {
  const entries = [entry("a", 5), entry("d/"), entry("d/b", 7), entry("d/c")];
  const manifest = makeManifest(entries, true);
  assert.equal(manifest.sizeBytes, 12);
  assert.deepEqual(manifest.entries, entries);
  assert.deepEqual(manifest.bodies.flatMap(decodeManifest), entries);
  assert.equal(manifest.digest.toHex(), sha256(...manifest.bodies));
  assert.equal(makeManifest([entry("stdin")], false).sizeBytes, null);
});

Deno.test("a manifest of many entries is cut between them", () => {
  const entries = Array.from({ length: 2000 }, (_, i) => entry(`${"long-name-".repeat(10)}${i}`));
  const { bodies, digest } = makeManifest(entries, true);
  assert.ok(bodies.length > 1);
  assert.ok(bodies.every((body) => body.length <= MANIFEST_BODY_SIZE_MAX));
  assert.deepEqual(bodies.flatMap(decodeManifest), entries);
  assert.equal(digest.toHex(), sha256(...bodies));
});

Deno.test("neither nothing nor more than the limit is offered", () => {
  assert.throws(() => makeManifest([], true), (error) => codeOf(error) === "bad_manifest");
  const many = new Array(ENTRY_COUNT_MAX + 1).fill(entry("a"));
  assert.throws(() => makeManifest(many, true), (error) => codeOf(error) === "bad_manifest");
  assert.throws(() => makeManifest([entry("a".repeat(4000))], true), (error) => codeOf(error) === "bad_name");
});

Deno.test("a transfer's name is the hash that the specification gives", () => {
  const sender = new Uint8Array(32).fill(1);
  const receiver = new Uint8Array(32).fill(2);
  const digest = new Uint8Array(32).fill(3);
  const id = transferIdOf(sender, receiver, 0x01020304, digest);
  const text = new TextEncoder().encode("stx1 transfer\0");
  assert.equal(id.toHex(), sha256(text, sender, receiver, Uint8Array.of(1, 2, 3, 4), digest));
  const others = [
    transferIdOf(receiver, sender, 0x01020304, digest),
    transferIdOf(sender, receiver, 0x01020305, digest),
    transferIdOf(sender, receiver, 0x01020304, new Uint8Array(32)),
  ];
  assert.equal(new Set([id, ...others].map((each) => each.toHex())).size, 4);
});
