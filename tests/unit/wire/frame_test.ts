import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { HANDSHAKE_BODY_SIZE_MAX } from "../../../lib/limits.ts";
import {
  encodeFrame,
  type Frame,
  FRAME_HEADER_SIZE,
  FRAME_TYPES,
  FrameAssembler,
  frameHeader,
  type FrameType,
} from "../../../lib/wire/frame.ts";
import { byteByByte, everyCut, piecesOf } from "../../support/pieces.ts";
import { assertFails } from "../identity/failures.ts";
import { counting } from "./codecs.ts";

const TYPES = Object.keys(FRAME_TYPES) as FrameType[];

/** Every frame that comes out of `pieces`, taken as soon as it is whole, and what is left behind them. */
function assemble(pieces: readonly Bytes[]): { frames: readonly Frame[]; rest: Bytes } {
  const assembler = new FrameAssembler();
  const frames: Frame[] = [];
  for (const piece of pieces) {
    assembler.push(piece);
    for (let frame = assembler.next(); frame !== undefined; frame = assembler.next()) frames.push(frame);
  }
  return { frames, rest: assembler.takeRest() };
}

Deno.test("a frame is its type, its size in three bytes and its body", () => {
  assert.deepEqual(TYPES.map((type) => FRAME_TYPES[type]), [1, 2, 3, 4, 5, 6]);
  assert.equal(toHex(encodeFrame("verify", utf8("ab"))), "030000026162");
  assert.equal(toHex(frameHeader("ready", 0x4000)), "04004000");
  assert.equal(toHex(frameHeader("hello", 0x010203)), "01010203");
  const { frames } = assemble([encodeFrame("welcome", counting(300))]);
  assert.deepEqual(frames, [{ type: "welcome", header: Uint8Array.of(2, 0, 1, 44), body: counting(300) }]);
});

Deno.test("frames come out the same however the bytes are cut", () => {
  const rest = Uint8Array.of(3, 0, 1);
  const stream = concat(...TYPES.map((type, i) => encodeFrame(type, counting(i * 7, i))), rest);
  const expected = assemble([stream]);
  assert.deepEqual(expected.frames.map(({ type }) => type), TYPES);
  assert.deepEqual(expected.frames.map(({ body }) => body.length), [0, 7, 14, 21, 28, 35]);
  assert.deepEqual(expected.rest, rest);
  for (const pieces of everyCut(stream)) assert.deepEqual(assemble(pieces), expected);
});

Deno.test("a frame waits for its last byte", () => {
  const frame = encodeFrame("hello", counting(20));
  const assembler = new FrameAssembler();
  for (const byte of byteByByte(frame.slice(0, -1))) {
    assembler.push(byte);
    assert.equal(assembler.next(), undefined);
  }
  assembler.push(frame.slice(-1));
  assert.deepEqual(assembler.next()!.body, counting(20));
  assert.equal(assembler.next(), undefined);
});

Deno.test("a body of the limit is taken, one byte more is malformed as soon as the header shows it", () => {
  const { frames } = assemble([encodeFrame("hello", new Uint8Array(HANDSHAKE_BODY_SIZE_MAX))]);
  assert.equal(frames[0]!.body.length, HANDSHAKE_BODY_SIZE_MAX);
  for (const size of [HANDSHAKE_BODY_SIZE_MAX + 1, 0x10000, 0x800000, 0xffffff]) {
    assertFails(() => assemble([frameHeader("hello", size)]), "malformed", new RegExp(`${size} bytes`));
    assert.deepEqual(assemble([frameHeader("hello", size).slice(0, 3)]).frames, []);
  }
});

Deno.test("a type that does not exist is malformed at its first byte", () => {
  const known = new Set<number>(Object.values(FRAME_TYPES));
  for (let type = 0; type < 256; type++) {
    if (known.has(type)) assert.deepEqual(assemble([Uint8Array.of(type)]).frames, []);
    else {
      assertFails(
        () => assemble([Uint8Array.of(type)]),
        "malformed",
        new RegExp(`type ${type} does not exist`),
      );
    }
  }
});

Deno.test("a first byte that begins no frame is told as another program, a later one is not", () => {
  const other = /does not seem to speak stx: a frame of type 72/;
  const { hint } = assertFails(() => assemble([utf8("HTTP/1.1 400 Bad Request")]), "malformed", other);
  assert.match(hint!, /compare host and port/);
  const later = [encodeFrame("hello", counting(3)), utf8("H")];
  const error = assertFails(
    () => assemble(later),
    "malformed",
    /^Cannot read a frame: type 72 does not exist$/,
  );
  assert.equal(error.hint, undefined);
});

Deno.test("frames and rest are copies, and so is what was pushed", () => {
  const bytes = concat(encodeFrame("hello", utf8("body")), utf8("\x02rest"));
  const assembler = new FrameAssembler();
  assembler.push(bytes);
  bytes.fill(0xee);
  const frame = assembler.next()!;
  const rest = assembler.takeRest();
  assembler.push(new Uint8Array(4096).fill(0xdd));
  assert.deepEqual(frame.header, Uint8Array.of(1, 0, 0, 4));
  assert.deepEqual(frame.body, utf8("body"));
  assert.deepEqual(rest, utf8("\x02rest"));
});

Deno.test("the rest is given out once", () => {
  const assembler = new FrameAssembler();
  assembler.push(utf8("abc"));
  assert.deepEqual(assembler.takeRest(), utf8("abc"));
  assert.deepEqual(assembler.takeRest(), new Uint8Array(0));
  assembler.push(encodeFrame("alert", Uint8Array.of(1)));
  assert.equal(assembler.next()!.type, "alert");
});

Deno.test("many small pieces cost no more than a few large ones", () => {
  // Copying all of it for each piece would move 32 GiB.
  const assembler = new FrameAssembler();
  const bytes = new Uint8Array(1024 * 1024);
  const startMs = performance.now();
  for (const piece of piecesOf(bytes, [16])) assembler.push(piece);
  const tookMs = performance.now() - startMs;
  assert.equal(assembler.takeRest().length, bytes.length);
  assert.ok(tookMs < 2000, `${tookMs} ms`);
});

Deno.test("many frames in one piece cost no more than one by one", () => {
  // Copying what is left for each frame would move 32 GiB.
  const frame = encodeFrame("alert", new Uint8Array(12));
  const startMs = performance.now();
  const { frames } = assemble([concat(...new Array<Bytes>(65_536).fill(frame))]);
  const tookMs = performance.now() - startMs;
  assert.equal(frames.length, 65_536);
  assert.ok(tookMs < 2000, `${tookMs} ms`);
});

Deno.test("any bytes in any pieces give frames or malformed, the same as in one piece", () => {
  const frame = fc.record({
    type: fc.constantFrom(...TYPES),
    size: fc.oneof(fc.nat(40), fc.nat(5000)),
  });
  const outcome = (pieces: readonly Bytes[]) => {
    try {
      return assemble(pieces);
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      return error.code;
    }
  };
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 }),
      (parts, tail, sizes) => {
        const stream = concat(...parts.map(({ type, size }) => encodeFrame(type, counting(size))), tail);
        const whole = outcome([stream]);
        assert.ok(whole === "malformed" || typeof whole === "object");
        assert.deepEqual(outcome(piecesOf(stream, sizes)), whole);
        if (typeof whole === "string") return;
        const back = whole.frames.map(({ type, header, body }) => {
          assert.deepEqual(header, frameHeader(type, body.length));
          return concat(header, body);
        });
        assert.deepEqual(concat(...back, whole.rest), stream);
        assert.ok(FRAME_HEADER_SIZE * whole.frames.length <= stream.length);
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
