/**
 * The decoders of what goes over the wire of STX/1, and the assemblers of its frames and records.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { RECORD_CIPHERTEXT_SIZE_MAX, TAG_SIZE } from "../../../lib/limits.ts";
import { encodeFrame, type Frame, FrameAssembler } from "../../../lib/wire/frame.ts";
import { expectEmpty, MESSAGE_TYPES, type MessageType } from "../../../lib/wire/message.ts";
import { RecordAssembler, recordHeader, recordParts } from "../../../lib/wire/record.ts";
import { CODECS } from "../../unit/wire/codecs.ts";
import { readVectors } from "../../unit/vectors/files.ts";
import { piecesOf } from "../../support/pieces.ts";
import { Dice } from "../dice.ts";
import { canonicalTarget, settlingTarget, type Target, target } from "../target.ts";

interface MessageVectors {
  readonly messages: readonly { readonly name: string; readonly body: string }[];
  readonly refused: readonly { readonly type: number; readonly body: string }[];
}
interface HandshakeVectors {
  readonly cases: readonly Readonly<Record<"hello" | "welcome" | "verify" | "ready", string>>[];
}
interface RecordVectors {
  readonly cases: readonly { readonly records: readonly { readonly record: string }[] }[];
}

const MESSAGES = readVectors<MessageVectors>("messages");
const HANDSHAKES = readVectors<HandshakeVectors>("handshake").cases;
const RECORDS = readVectors<RecordVectors>("records").cases
  .flatMap(({ records }) => records.map(({ record }) => fromHex(record)))
  .filter((record) => record.length < 4096);

/** Bodies of vectors that have this message's name; `START` stands for DURABLE too. */
function bodies(name: string): readonly Bytes[] {
  const number = MESSAGE_TYPES[name.toLowerCase() as MessageType] ?? -1;
  return [
    ...MESSAGES.messages.filter((message) => message.name === name).map(({ body }) => fromHex(body)),
    ...MESSAGES.refused.filter(({ type }) => type === number).map(({ body }) => fromHex(body)),
    ...(name === "HELLO" ? HANDSHAKES.map(({ hello }) => fromHex(hello).slice(4)) : []),
    ...(name === "WELCOME" ? HANDSHAKES.map(({ welcome }) => fromHex(welcome).slice(4)) : []),
  ];
}

const CODEC_TARGETS = CODECS.map(({ name, decode, encode, values, isLenient }) => {
  const seeds = [...values.map((value) => encode(value as never)), ...bodies(name)];
  const more = { codes: ["malformed", "unsupported_version"] } as const;
  const make = isLenient ? settlingTarget : canonicalTarget;
  return make(`wire ${name}`, seeds, decode, encode as (value: unknown) => Bytes, more);
});

/** What an assembler gave: its units, and how it ended. */
interface Assembled {
  readonly units: readonly unknown[];
  readonly code: string | undefined;
}

/** The input in pieces of any sizes gives what it gives whole. */
function assertChunkingIsNothing<Result extends Assembled>(
  input: Bytes,
  assemble: (pieces: readonly Bytes[]) => Result,
): Result {
  const whole = assemble([input]);
  const dice = new Dice(input.length + (input[0] ?? 0));
  for (const sizes of [[1, 2, 3, 5, 7], [1 + dice.below(300), 1 + dice.below(30)]]) {
    // Large inputs byte by byte would be a test of patience.
    const pieces = input.length > 20_000 ? piecesOf(input, [9000, 1]) : piecesOf(input, sizes);
    assert.deepEqual(assemble(pieces), whole);
  }
  return whole;
}

function assembleFrames(
  pieces: readonly Bytes[],
): { readonly units: readonly Frame[]; readonly code: string | undefined } {
  const assembler = new FrameAssembler();
  const units: Frame[] = [];
  try {
    for (const piece of pieces) {
      assembler.push(piece);
      for (let frame; (frame = assembler.next()) !== undefined;) units.push(frame);
    }
    return { units, code: undefined };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { units, code };
  }
}

function checkFrames(input: Bytes): void {
  const { units, code } = assertChunkingIsNothing(input, assembleFrames);
  assert.ok(code === undefined || code === "malformed", code);
  const again = concat(...units.map(({ type, body }) => encodeFrame(type, body)));
  assert.deepEqual(again, input.slice(0, again.length));
}

/** Takes records until there are none: first as they come, and where one is damaged by the search for an intact one. */
function assembleRecords(pieces: readonly Bytes[]): Assembled {
  const assembler = new RecordAssembler();
  const units: string[] = [];
  let searched: number | undefined;
  try {
    for (const piece of pieces) {
      assembler.push(piece);
      for (;;) {
        const record = searched === undefined ? assembler.next() : assembler.findIntact(searched).record;
        if (record === undefined) break;
        if (record.kind === "whole") {
          searched = undefined;
          assert.ok(record.sealed.length - TAG_SIZE <= RECORD_CIPHERTEXT_SIZE_MAX);
          const header = recordHeader(record.sequence, record.sealed.length - TAG_SIZE);
          assert.deepEqual(header, record.header);
          units.push(concat(...recordParts(header, record.sealed)).join());
        } else if (searched === undefined) {
          searched = 0;
        } else {
          break;
        }
      }
    }
    return { units, code: undefined };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { units, code };
  }
}

/** Every record that comes out stands in the input as it is. */
function checkRecords(input: Bytes): void {
  const { units, code } = assembleRecords([input]);
  assert.ok(code === undefined || code === "connection_lost", code);
  const text = `,${input.join()},`;
  for (const unit of units) assert.ok(text.includes(`,${unit},`), "a record came out that was not put in");
  assembleRecords(piecesOf(input, [1000, 1]));
}

/** All decoders of the wire. */
export const WIRE_TARGETS: readonly Target[] = [
  ...CODEC_TARGETS,
  target("wire empty", [""], (input) => expectEmpty({ type: "wantManifest", body: input })),
  target(
    "wire frames",
    HANDSHAKES.flatMap(({ hello, welcome, verify, ready }) => [
      concat(...[hello, verify].map(fromHex)),
      concat(...[welcome, ready].map(fromHex)),
    ]),
    checkFrames,
    { cost: 10 },
  ),
  target("wire records", [...RECORDS, concat(...RECORDS)], checkRecords, { cost: 10 }),
];
