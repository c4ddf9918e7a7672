import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { MANIFEST_BODY_SIZE_MAX, PATH_SIZE_MAX } from "../../../lib/limits.ts";
import type { Entry } from "../../../lib/ports.ts";
import { i64, u16, u64, u8, vector16 } from "../../../lib/wire/fields.ts";
import {
  decodeManifest,
  encodeManifest,
  ManifestReader,
  totalSizeBytes,
} from "../../../lib/wire/manifest.ts";
import { assertFails } from "../identity/failures.ts";

/** A character of every size in UTF-8, and those that decoders like to treat on their own. */
const CHARACTER = fc.constantFrom(..."a/\u0000\x7fé\u07ff\u0800中\ufeff\ufffd\u{10000}\u{1f600}\u{10ffff}");

const FILE: Entry = { path: "a/b", kind: "file", sizeBytes: 5, mtimeMs: 1, mode: 0o640 };

/** An entry's bytes with any numbers in it. */
function entryBytes(
  change: { kind?: number; mode?: number; mtimeMs?: number; sizeBytes?: number; path?: Bytes },
): Bytes {
  const { kind = 0, mode = 0o644, mtimeMs = 0, sizeBytes = 0, path = utf8("a") } = change;
  return concat(u8(kind), u16(mode), i64(mtimeMs), u64(sizeBytes), vector16(path));
}

Deno.test("an entry has the layout of the specification", () => {
  assert.equal(
    toHex(concat(...encodeManifest([{ ...FILE, mtimeMs: -1 }]))),
    "00" + "01a0" + "ffffffffffffffff" + "0000000000000005" + "0003612f62",
  );
  assert.equal(
    toHex(
      concat(...encodeManifest([{ path: "d", kind: "directory", sizeBytes: 0, mtimeMs: 0, mode: 0o755 }])),
    ),
    "01" + "01ed" + "0000000000000000" + "0000000000000000" + "000164",
  );
});

Deno.test("entries are read one after the other, and none from nothing", () => {
  const entries: Entry[] = [FILE, { path: "d", kind: "directory", sizeBytes: 0, mtimeMs: 7, mode: 0 }, {
    ...FILE,
    path: "z",
  }];
  assert.deepEqual(decodeManifest(concat(...encodeManifest(entries))), entries);
  assert.deepEqual(decodeManifest(new Uint8Array(0)), []);
  assert.deepEqual(encodeManifest([]), []);
});

Deno.test("a manifest that ends inside an entry is malformed, at every place", () => {
  const one = concat(...encodeManifest([FILE]));
  const two = concat(one, one);
  for (let size = 1; size < two.length; size++) {
    if (size === one.length) assert.equal(decodeManifest(two.slice(0, size)).length, 1);
    else assertFails(() => decodeManifest(two.slice(0, size)), "malformed");
  }
});

Deno.test("an entry's kind, mode, time and size are held to their bounds", () => {
  for (const kind of [2, 3, 128, 255]) {
    assertFails(() => decodeManifest(entryBytes({ kind })), "malformed", /kind/);
  }
  assert.equal(decodeManifest(entryBytes({ mode: 0o777 }))[0]!.mode, 0o777);
  for (const mode of [0o1000, 0o2000, 0o4000, 0o6755, 0xffff, 0o100644]) {
    assertFails(() => decodeManifest(entryBytes({ mode })), "malformed", /mode/);
  }
  for (const mtimeMs of [8.64e15, -8.64e15]) {
    assert.equal(decodeManifest(entryBytes({ mtimeMs }))[0]!.mtimeMs, mtimeMs);
  }
  for (const mtimeMs of [8.64e15 + 1, -8.64e15 - 1, Number.MAX_SAFE_INTEGER]) {
    assertFails(() => decodeManifest(entryBytes({ mtimeMs })), "malformed", /time/);
  }
  const large = entryBytes({});
  large.set(fromHex("0020000000000000"), 11);
  assertFails(() => decodeManifest(large), "malformed", /2\^53/);
});

Deno.test("a directory has no size", () => {
  assert.equal(decodeManifest(entryBytes({ kind: 1 }))[0]!.kind, "directory");
  assertFails(
    () => decodeManifest(entryBytes({ kind: 1, sizeBytes: 1 })),
    "malformed",
    /directory has a size/,
  );
});

Deno.test("a manifest is read from pieces, wherever they are cut", () => {
  const entries = Array.from({ length: 60 }, (_, i) => ({ ...FILE, path: `€${"x".repeat(i * 51)}` }));
  const whole = concat(...encodeManifest(entries));
  for (const size of [1, 7, 1000, 3093, 50_000, whole.length]) {
    const reader = new ManifestReader();
    const read: Entry[] = [];
    for (let at = 0; at < whole.length; at += size) read.push(...reader.take(whole.slice(at, at + size)));
    // What is known to be whole is not kept back.
    assert.ok(read.length > 50);
    read.push(...reader.finish());
    assert.deepEqual(read, entries);
  }
  const cut = new ManifestReader();
  cut.take(whole.slice(0, -1));
  assertFails(() => cut.finish(), "malformed");
  const long = entryBytes({ path: new Uint8Array(PATH_SIZE_MAX + 1).fill(0x61) });
  assertFails(() => new ManifestReader().take(long), "malformed", /at most 3072/);
});

Deno.test("a path over its bound is malformed before it is kept", () => {
  const path = (size: number) => entryBytes({ path: new Uint8Array(size).fill(0x61) });
  assert.equal(decodeManifest(path(PATH_SIZE_MAX))[0]!.path.length, PATH_SIZE_MAX);
  for (const size of [PATH_SIZE_MAX + 1, 65_535]) {
    assertFails(() => decodeManifest(path(size)), "malformed", /at most 3072/);
  }
  assertFails(() => decodeManifest(entryBytes({ path: fromHex("c0af") })), "malformed", /UTF-8/);
});

Deno.test("a path that is too long is not sent, and is escaped where that is said", () => {
  const name = (size: number): Entry => ({ ...FILE, path: `\x1b${"a".repeat(size - 1)}` });
  assert.equal(encodeManifest([name(PATH_SIZE_MAX)]).length, 1);
  const error = assertFails(() => encodeManifest([name(PATH_SIZE_MAX + 1)]), "bad_name", /too long/);
  assert.match(error.message, /"\\x1ba/);
  assert.doesNotMatch(error.message, /\p{Cc}/u);
  // Far beyond what the length field could hold.
  assertFails(() => encodeManifest([name(70_000)]), "bad_name");
  assertFails(() => encodeManifest([{ ...FILE, path: "é".repeat(1537) }]), "bad_name");
});

Deno.test("records are cut between entries and stay within their bound", () => {
  const entries = Array.from({ length: 200 }, (_, i) => ({ ...FILE, path: `${i}${"x".repeat(i * 15)}` }));
  const bodies = encodeManifest(entries);
  assert.ok(bodies.length > 1);
  for (const body of bodies) assert.ok(body.length <= MANIFEST_BODY_SIZE_MAX && body.length > 0);
  assert.deepEqual(bodies.flatMap((body) => decodeManifest(body)), entries);
  assert.deepEqual(decodeManifest(concat(...bodies)), entries);
});

Deno.test("records are filled up to their bound exactly", () => {
  // 21 bytes around a path of 1003: 64 entries are 65,536 bytes.
  const entries = Array.from({ length: 65 }, () => ({ ...FILE, path: "x".repeat(1003) }));
  assert.deepEqual(encodeManifest(entries).map((body) => body.length), [MANIFEST_BODY_SIZE_MAX, 1024]);
});

Deno.test("sizes add up to what is counted exactly, and no further", () => {
  const file = (sizeBytes: number): Entry => ({ ...FILE, sizeBytes });
  const max = Number.MAX_SAFE_INTEGER;
  assert.equal(totalSizeBytes([]), 0);
  assert.equal(totalSizeBytes([file(1), file(2)]), 3);
  assert.equal(totalSizeBytes([file(max - 1), file(1)]), max);
  assertFails(() => totalSizeBytes([file(max), file(1)]), "malformed", /2\^53/);
  assertFails(() => totalSizeBytes([file(max), file(max), file(max)]), "malformed");
});

Deno.test("any entries within the bounds come back as they were", () => {
  const entry = fc.record({
    path: fc.string({ unit: CHARACTER, maxLength: 80 }),
    kind: fc.constant("file" as const),
    sizeBytes: fc.maxSafeNat(),
    mtimeMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    mode: fc.integer({ min: 0, max: 0o777 }),
  }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      assert.deepEqual(encodeManifest(entries).flatMap((body) => decodeManifest(body)), entries);
    }),
    { seed: 4, numRuns: 300 },
  );
});
