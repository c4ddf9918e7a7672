import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, equal } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { flipBit } from "../../support/pieces.ts";
import { assertFails } from "../identity/failures.ts";
import { type Codec, CODECS, samples } from "./codecs.ts";

/** Decodes, or says with which code that was refused; any other error comes through. */
function outcome(codec: Codec, bytes: Bytes): { value: unknown } | { code: string } {
  try {
    return { value: codec.decode(bytes) };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { code };
  }
}

/** Refused with one of the two codes that a decoder may use, or accepted and then canonical. */
function assertTotal(codec: Codec, bytes: Bytes): void {
  const result = outcome(codec, bytes);
  if ("code" in result) {
    assert.ok(result.code === "malformed" || result.code === "unsupported_version", result.code);
    return;
  }
  if (codec.isLenient) return;
  assert.ok(equal(codec.encode(result.value as never), bytes), `${codec.name} is not canonical`);
}

for (const codec of CODECS) {
  Deno.test(`${codec.name}: every value comes back as it was`, () => {
    for (const value of codec.values) {
      const bytes = codec.encode(value as never);
      assert.deepEqual(codec.decode(bytes), value);
      assert.deepEqual(codec.encode(codec.decode(bytes) as never), bytes);
    }
  });

  Deno.test(`${codec.name}: cut off anywhere it is malformed and nothing else`, () => {
    for (const value of codec.values) {
      const bytes = codec.encode(value as never);
      for (let size = 0; size < bytes.length; size++) {
        const result = outcome(codec, bytes.slice(0, size));
        // Only what has no fixed end, and a list of entries cut to none, is still a value: a shorter one.
        const isValue = size >= (codec.fixedSizeOf?.(value as never) ?? Infinity) ||
          (codec.name === "MANIFEST" && size === 0);
        if (isValue) assert.ok("value" in result, `${size} of ${bytes.length} bytes`);
        else assert.deepEqual(result, { code: "malformed" }, `${size} of ${bytes.length} bytes`);
      }
    }
  });

  if (codec.fixedSizeOf === undefined) {
    Deno.test(`${codec.name}: bytes behind its end are malformed`, () => {
      for (const value of codec.values) {
        const bytes = codec.encode(value as never);
        for (const tail of [Uint8Array.of(0), Uint8Array.of(0xff), new Uint8Array(40)]) {
          assertFails(() => codec.decode(concat(bytes, tail)), "malformed");
        }
      }
    });
  }

  Deno.test(`${codec.name}: random bytes give a value or malformed`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => assertTotal(codec, new Uint8Array(bytes))),
      { seed: 1, numRuns: 500 },
    );
  });
}

Deno.test("a value that a decoder returned keeps its bytes when the buffer is used again", () => {
  for (const { codec, value, bytes } of samples()) {
    // Messages and DATA are views on purpose: a megabyte is not copied once more.
    if (codec.name === "a message" || codec.name === "DATA") continue;
    const decoded = codec.decode(bytes);
    bytes.fill(0xee);
    assert.deepEqual(decoded, value, codec.name);
  }
});

Deno.test("a decoder reads its own view only, wherever in a buffer that lies", () => {
  for (const { codec, value, bytes } of samples()) {
    const buffer = concat(new Uint8Array(3).fill(0xaa), bytes, new Uint8Array(5).fill(0xbb));
    assert.deepEqual(codec.decode(buffer.subarray(3, 3 + bytes.length)), value, codec.name);
  }
});

// Canonical also means that the value is another one: the same value has the same bytes.
Deno.test("one changed bit gives a value or malformed, and what is accepted is canonical", () => {
  for (const { codec, bytes } of samples()) {
    // Of long messages every byte and every place in a byte, but not every bit.
    const step = bytes.length > 400 ? 7 : 1;
    for (let bit = 0; bit < 8 * bytes.length; bit += step) assertTotal(codec, flipBit(bytes, bit));
  }
});

Deno.test("random changes to valid messages give a value or malformed, and what is accepted is canonical", () => {
  const all = samples();
  const change = fc.record({
    sample: fc.nat(all.length - 1),
    edits: fc.array(fc.record({ at: fc.nat(2000), byte: fc.integer({ min: 0, max: 255 }) }), {
      maxLength: 6,
    }),
    cut: fc.option(fc.nat(2000)),
    tail: fc.uint8Array({ maxLength: 20 }),
  });
  fc.assert(
    fc.property(change, ({ sample, edits, cut, tail }) => {
      const { codec, bytes } = all[sample]!;
      const changed = concat(cut === null ? bytes : bytes.subarray(0, cut), tail);
      for (const { at, byte } of edits) if (changed.length > 0) changed[at % changed.length] = byte;
      assertTotal(codec, changed);
    }),
    { seed: 2, numRuns: 5000 },
  );
});
