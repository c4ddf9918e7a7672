import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import {
  NAK_SAME_MAX,
  RECORD_CIPHERTEXT_SIZE_MAX,
  RECORD_CIPHERTEXT_SIZE_MIN,
  TAG_SIZE,
} from "../../../lib/limits.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { RECORD_OVERHEAD, RecordAssembler, recordHeader, recordParts } from "../../../lib/wire/record.ts";
import { byteByByte, everyCut, flipBit, piecesOf } from "../../support/pieces.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { assertFails } from "../identity/failures.ts";
import { counting } from "./codecs.ts";

/** A record's wire bytes; what stands for ciphertext and tag counts up. */
function record(sequence: number, ciphertextSizeBytes: number): Bytes {
  const header = recordHeader(sequence, ciphertextSizeBytes);
  return concat(...recordParts(header, counting(ciphertextSizeBytes + TAG_SIZE, sequence)));
}

/** What an assembler made of bytes, copied, with everything that passed for a record. */
type Seen =
  | { kind: "whole"; sequence: number; header: Bytes; sealed: Bytes }
  | { kind: "damaged"; sequence: number }
  | { kind: "badSize"; sizeBytes: number };

/** Feeds `pieces` and takes records as a receiver in good order does, up to the first that is not whole. */
function assemble(pieces: readonly Bytes[]): { seen: readonly Seen[]; pendingSizeBytes: number } {
  const assembler = new RecordAssembler();
  const seen: Seen[] = [];
  for (const piece of pieces) {
    assembler.push(piece);
    if (seen.at(-1)?.kind !== "whole" && seen.length > 0) continue;
    for (let next = assembler.next(); next !== undefined; next = assembler.next()) {
      if (next.kind !== "whole") {
        seen.push(next);
        break;
      }
      seen.push({ ...next, header: next.header.slice(), sealed: next.sealed.slice() });
    }
  }
  return { seen, pendingSizeBytes: assembler.pendingSizeBytes };
}

/** Feeds `pieces` to the search for `expected` until it finds something. */
function search(
  pieces: readonly Bytes[],
  expected: number,
): { sealed: Bytes | undefined; discardedBytes: number; damaged: number; pendingSizeBytes: number } {
  const assembler = new RecordAssembler();
  let sealed: Bytes | undefined;
  let discardedBytes = 0;
  let damaged = 0;
  for (const piece of pieces) {
    assembler.push(piece);
    if (sealed !== undefined) continue;
    const found = assembler.findIntact(expected);
    discardedBytes += found.discardedBytes;
    damaged += found.damaged;
    if (found.record !== undefined) {
      assert.ok(found.record.kind === "whole" && found.record.sequence === expected);
      sealed = found.record.sealed.slice();
    }
  }
  return { sealed, discardedBytes, damaged, pendingSizeBytes: assembler.pendingSizeBytes };
}

Deno.test("a record has the layout of the specification", () => {
  const header = recordHeader(0x01020304, 5);
  assert.equal(toHex(header), "0102030400000005");
  const sealed = counting(5 + TAG_SIZE);
  const parts = recordParts(header, sealed);
  assert.equal(parts[1], sealed);
  const whole = concat(...parts);
  assert.equal(whole.length, RECORD_OVERHEAD + 5);
  assert.equal(toHex(whole.slice(0, -4)), toHex(header) + toHex(sealed));
  assert.deepEqual(whole.slice(-4), u32(crc32(whole.subarray(0, -4))));
  assert.equal(toHex(recordHeader(2 ** 32 - 1, 2 ** 20)), "ffffffff00100000");
});

Deno.test("the record's checksum is the one of ISO 3309 over all before it", () => {
  const parts = recordParts(utf8("12345678"), utf8("9"));
  assert.equal(toHex(parts[2]!), "cbf43926");
});

Deno.test("records come out the same however the bytes are cut", () => {
  const stream = concat(record(0, 5), record(1, 40), record(2, 6), record(3, 64), record(4, 5).slice(0, 11));
  const expected = assemble([stream]);
  assert.deepEqual(expected.seen.map((each) => each.kind === "whole" && each.sequence), [0, 1, 2, 3]);
  assert.deepEqual(expected.seen[1], {
    kind: "whole",
    sequence: 1,
    header: recordHeader(1, 40),
    sealed: counting(40 + TAG_SIZE, 1),
  });
  assert.equal(expected.pendingSizeBytes, 11);
  for (const pieces of everyCut(stream)) assert.deepEqual(assemble(pieces), expected);
});

Deno.test("the largest records pass through, in pieces that cross the buffer's end", () => {
  const sizes = [RECORD_CIPHERTEXT_SIZE_MAX, 5, RECORD_CIPHERTEXT_SIZE_MAX, 300_000, 65_536, 65_507];
  const stream = concat(...sizes.map((size, sequence) => record(sequence, size)));
  for (const pieceSizes of [[stream.length], [262_144], [65_536, 1, 131_071], [1000, 999_983]]) {
    const { seen, pendingSizeBytes } = assemble(piecesOf(stream, pieceSizes));
    assert.equal(pendingSizeBytes, 0);
    assert.deepEqual(seen.map((each) => each.kind), sizes.map(() => "whole"));
    for (const [sequence, each] of seen.entries()) {
      assert.ok(each.kind === "whole" && each.sequence === sequence);
      assert.deepEqual(each.header, recordHeader(sequence, sizes[sequence]!));
      assert.equal(crc32(each.sealed), crc32(counting(sizes[sequence]! + TAG_SIZE, sequence)));
    }
  }
});

Deno.test("a size that no record can have shows at the header", () => {
  const max = RECORD_CIPHERTEXT_SIZE_MAX;
  for (
    const sizeBytes of [0, 1, RECORD_CIPHERTEXT_SIZE_MIN - 1, max + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]
  ) {
    const header = recordHeader(0, sizeBytes);
    assert.deepEqual(assemble([header]).seen, [{ kind: "badSize", sizeBytes }]);
    assert.deepEqual(assemble([header.slice(0, 7)]), { seen: [], pendingSizeBytes: 7 });
  }
  for (const sizeBytes of [RECORD_CIPHERTEXT_SIZE_MIN, max]) {
    assert.deepEqual(assemble([recordHeader(0, sizeBytes)]), { seen: [], pendingSizeBytes: 8 });
    assert.deepEqual(assemble([record(0, sizeBytes)]).seen.map((each) => each.kind), ["whole"]);
  }
});

Deno.test("one changed bit is never passed on as a record", () => {
  const good = record(7, 9);
  for (let bit = 0; bit < 8 * good.length; bit++) {
    // Enough bytes behind it for a size that has grown by a bit below the largest.
    const { seen } = assemble([concat(flipBit(good, bit), new Uint8Array(70_000))]);
    assert.notEqual(seen[0]?.kind, "whole", `bit ${bit}`);
  }
});

Deno.test("behind damage the next intact record with the awaited number is found", () => {
  const good = record(7, 9);
  const stream = concat(record(8, 5), record(9, 300), good, record(8, 5));
  for (let bit = 64; bit < 8 * good.length; bit++) {
    const assembler = new RecordAssembler();
    assembler.push(concat(flipBit(good, bit), stream));
    assert.deepEqual(assembler.next(), { kind: "damaged", sequence: 7 });
    const found = assembler.findIntact(7);
    assert.ok(found.record?.kind === "whole" && found.record.sequence === 7);
    const smallest = record(0, RECORD_CIPHERTEXT_SIZE_MIN).length;
    assert.equal(found.discardedBytes, good.length - smallest + record(8, 5).length + record(9, 300).length);
    assert.equal(found.damaged, 0);
    const next = assembler.next();
    assert.ok(next?.kind === "whole" && next.sequence === 8);
    assert.equal(assembler.pendingSizeBytes, 0);
  }
});

Deno.test("a damaged record 0 does not hide its repetition", () => {
  const good = record(0, 20);
  const assembler = new RecordAssembler();
  assembler.push(flipBit(good, 100));
  assert.deepEqual(assembler.next(), { kind: "damaged", sequence: 0 });
  assert.equal(assembler.findIntact(0).record, undefined);
  assembler.push(concat(record(1, 9), good));
  const { record: found } = assembler.findIntact(0);
  assert.ok(found?.kind === "whole" && found.sequence === 0);
});

Deno.test("noise before a record is passed over, however the bytes are cut", () => {
  const random = seededRandom("noise");
  for (const expected of [0, 5, 255, 256, 0x01020304, 0xffeeffee]) {
    const noise = random.bytes(61);
    const stream = concat(noise, record(expected, 12), record(expected + 1, 5));
    for (const pieces of everyCut(stream)) {
      const found = search(pieces, expected);
      assert.deepEqual(found.sealed, counting(12 + TAG_SIZE, expected));
      assert.equal(found.discardedBytes, noise.length);
      assert.equal(found.damaged, 0);
    }
  }
});

Deno.test("a record cut anywhere and then repeated is found, and counted where it was whole but damaged", () => {
  const good = record(3, 40);
  for (let size = 0; size < good.length; size++) {
    const stream = concat(good.slice(0, size), good, record(4, 5));
    const whole = search([stream], 3);
    assert.deepEqual(whole.sealed, counting(40 + TAG_SIZE, 3), `cut after ${size} bytes`);
    assert.equal(whole.discardedBytes, size);
    assert.equal(whole.damaged, size >= 8 ? 1 : 0);
    assert.deepEqual(search(byteByByte(stream), 3), whole);
  }
});

Deno.test("headers of other numbers and of sizes that cannot be are no candidates", () => {
  const random = seededRandom("others");
  const noise = concat(
    recordHeader(3, 4),
    recordHeader(3, RECORD_CIPHERTEXT_SIZE_MAX + 1),
    recordHeader(2, 5),
    record(4, 30),
    record(2 ** 24 + 3, 30),
    random.bytes(9),
  );
  const found = search([concat(noise, record(3, 5))], 3);
  assert.deepEqual(found.sealed, counting(5 + TAG_SIZE, 3));
  assert.equal(found.discardedBytes, noise.length);
  assert.equal(found.damaged, 0);
});

Deno.test("a search that finds nothing keeps only what may begin a header", () => {
  const noise = new Uint8Array(1000).fill(0xee);
  assert.deepEqual(search([noise], 3), {
    sealed: undefined,
    discardedBytes: 993,
    damaged: 0,
    pendingSizeBytes: 7,
  });
  assert.deepEqual(search([noise.slice(0, 5)], 3).pendingSizeBytes, 5);
  assert.deepEqual(search([], 3), { sealed: undefined, discardedBytes: 0, damaged: 0, pendingSizeBytes: 0 });
});

Deno.test("a search keeps a record that has begun, and nothing before it", () => {
  const begun = record(3, 500).slice(0, 200);
  const found = search([concat(new Uint8Array(50).fill(0xee), begun)], 3);
  assert.equal(found.pendingSizeBytes, begun.length);
  assert.equal(found.discardedBytes, 50);
});

Deno.test("a record damaged as often as it may be asked for ends the connection", () => {
  const damaged = flipBit(record(3, 9), 100);
  const copies = (count: number) => concat(...new Array<Bytes>(count).fill(damaged));
  const first = new RecordAssembler();
  first.push(copies(NAK_SAME_MAX));
  assert.equal(first.next()?.kind, "damaged");
  assert.equal(first.findIntact(3).damaged, NAK_SAME_MAX - 1);
  first.push(damaged);
  assertFails(() => first.findIntact(3), "connection_lost", /damaged 4 times/);

  // An intact record between them starts the count anew.
  const second = new RecordAssembler();
  for (const sequence of [3, 4, 5, 6, 7]) {
    second.push(concat(flipBit(record(sequence, 9), 100), record(sequence, 9)));
    assert.equal(second.next()?.kind, "damaged");
    assert.equal(second.findIntact(sequence).record?.kind, "whole");
  }
});

Deno.test("headers of large records one behind the other cost a few checksums, not thousands", () => {
  // A quarter of a million headers announce a megabyte each that is there: checking all would take minutes.
  const header = recordHeader(3, RECORD_CIPHERTEXT_SIZE_MAX);
  const assembler = new RecordAssembler();
  const headers = new Uint8Array(3 * RECORD_CIPHERTEXT_SIZE_MAX);
  for (let at = 0; at < headers.length; at += header.length) headers.set(header, at);
  assembler.push(headers);
  const startMs = performance.now();
  assertFails(() => assembler.findIntact(3), "connection_lost", /noisy/);
  assert.ok(performance.now() - startMs < 2000);
});

Deno.test("what was pushed is a copy", () => {
  const bytes = record(1, 20);
  const assembler = new RecordAssembler();
  assembler.push(bytes);
  bytes.fill(0);
  assert.equal(assembler.next()?.kind, "whole");
});

Deno.test("records in any pieces come out as they went in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 5, max: 60 }), fc.integer({ min: 5, max: 100_000 })), {
        maxLength: 6,
      }),
      fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 6 }),
      (sizes, pieceSizes) => {
        const stream = concat(...sizes.map((size, sequence) => record(sequence, size)));
        const { seen, pendingSizeBytes } = assemble(piecesOf(stream, pieceSizes));
        assert.equal(pendingSizeBytes, 0);
        assert.deepEqual(
          seen.map((each) => each.kind === "whole" && [each.sequence, each.sealed.length]),
          sizes.map((size, sequence) => [sequence, size + TAG_SIZE]),
        );
      },
    ),
    { seed: 6, numRuns: 200 },
  );
});

Deno.test("any noise in any pieces is passed over, and a search never fails on it", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 5, max: 200 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }),
      fc.nat(0xffffffff),
      (noise, size, pieceSizes, expected) => {
        const stream = concat(noise, record(expected, size));
        const whole = search([stream], expected);
        assert.deepEqual(whole.sealed, counting(size + TAG_SIZE, expected));
        assert.equal(whole.discardedBytes, noise.length);
        assert.deepEqual(search(piecesOf(stream, pieceSizes), expected), whole);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});
