/** What is encoded is decoded to the same, for any value that an encoder takes. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import {
  CLIENT_SHARE_SIZE,
  HANDSHAKE_BODY_SIZE_MAX,
  PATH_SIZE_MAX,
  SERVER_SHARE_SIZE,
  TIME_MS_MAX,
} from "../../lib/limits.ts";
import { formatSharedKey, parseSharedKeys } from "../../lib/identity/shared_key.ts";
import { isMadeUp } from "../../lib/identity/secret_line.ts";
import { decodeBase64, encodeBase64, unwrapArmor, wrapArmor } from "../../lib/identity/ssh_encoding.ts";
import { formatDecimal, parseDecimal } from "../../lib/rounds/decimal.ts";
import { formatClientKey, parseClientKey } from "../../lib/rounds/key_files.ts";
import * as rounds from "../../lib/rounds/messages.ts";
import { COUNTER_MAX, encodeHeader, PacketAssembler } from "../../lib/rounds/packet.ts";
import { encodeFrame, FRAME_TYPES, FrameAssembler, type FrameType } from "../../lib/wire/frame.ts";
import * as handshake from "../../lib/wire/handshake_messages.ts";
import { decodeManifest, encodeManifest } from "../../lib/wire/manifest.ts";
import * as message from "../../lib/wire/message.ts";
import { RecordAssembler, recordHeader, recordParts } from "../../lib/wire/record.ts";

const MAX = Number.MAX_SAFE_INTEGER;

function bytes(min: number, max = min): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ minLength: min, maxLength: max }).map((value) => new Uint8Array(value));
}

/** Values with these fields, made as the decoders make theirs. */
function record<T>(fields: { readonly [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(fields as { [Key in keyof T]: fc.Arbitrary<T[Key]> }, {
    noNullPrototype: true,
  }) as fc.Arbitrary<T>;
}

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.integer({ min: 0, max: MAX });
const text = (max: number) => fc.string({ unit: "grapheme", maxLength: max });

/** Asserts that `decode(encode(value))` is `value`, for many values; the same ones each time. */
function roundTrip<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Bytes,
  decode: (encoded: Bytes) => unknown,
): void {
  Deno.test(`${name}: what is encoded is decoded to the same`, () => {
    const property = fc.property(values, (value) => assert.deepEqual(decode(encode(value)), value));
    fc.assert(property, { seed: 1, numRuns: 300 });
  });
}

/** Extensions as HELLO and WELCOME have them: in the order of their types, none twice. */
const extensions = fc.uniqueArray(record({ type: u16, data: bytes(0, 40) }), {
  selector: ({ type }) => type,
  maxLength: 4,
}).map((list) => list.sort((left, right) => left.type - right.type));

roundTrip(
  "HELLO",
  record({
    clientTimeS: u64,
    clientNonce: bytes(32),
    clientShare: bytes(CLIENT_SHARE_SIZE),
    suites: fc.array(u16, { minLength: 1, maxLength: 8 }),
    authModes: fc.array(u8, { minLength: 1, maxLength: 8 }),
    extensions,
    binder: bytes(32),
  }).map((hello) => ({
    ...hello,
    binder: handshake.usesSharedKey(hello.authModes) ? hello.binder : undefined,
  })),
  handshake.encodeHello,
  handshake.decodeHello,
);
roundTrip(
  "WELCOME",
  record({
    serverTimeS: u64,
    serverNonce: bytes(32),
    serverShare: bytes(SERVER_SHARE_SIZE),
    suite: u16,
    authMode: u8,
    extensions,
  }),
  handshake.encodeWelcome,
  (encoded) => handshake.decodeWelcome(encoded).welcome,
);
roundTrip(
  "VERIFY",
  record({ clientId: bytes(32), intent: u8, signature: bytes(64), proof: bytes(32) }),
  handshake.encodeVerify,
  handshake.decodeVerify,
);
roundTrip(
  "READY",
  record({
    sessionId: bytes(16),
    limits: record({ windowRecords: u16, windowSizeBytes: u32 }),
    proof: bytes(32),
  }),
  handshake.encodeReady,
  handshake.decodeReady,
);
roundTrip(
  "OFFER",
  record({
    transferId: bytes(32),
    sizeBytes: fc.option(u64),
    entryCount: u32,
    blockSizeBytes: u32,
    manifestDigest: bytes(32),
    withDigests: fc.boolean(),
    isRepeated: fc.boolean(),
  }),
  message.encodeOffer,
  message.decodeOffer,
);
roundTrip(
  "ACCEPT",
  record({ offsetBytes: u64, sha256: bytes(32) }),
  message.encodeAccept,
  message.decodeAccept,
);
roundTrip(
  "REJECT",
  record({
    reason: fc.constantFrom(...Object.keys(message.REJECT_REASONS) as message.RejectReason[]),
    text: text(150),
  }),
  message.encodeReject,
  message.decodeReject,
);
roundTrip(
  "END",
  record({ sizeBytes: u64, blockCount: u64, crc32: u32 }),
  message.encodeEnd,
  message.decodeEnd,
);
roundTrip(
  "DONE",
  record({
    finishedMs: u64,
    sizeBytes: u64,
    sessionId: bytes(16),
    withDigests: fc.boolean(),
    signature: bytes(0, 300),
  }),
  message.encodeDone,
  message.decodeDone,
);
roundTrip(
  "ROTATION",
  record({
    oldKey: bytes(32),
    newKey: bytes(32),
    timeMs: fc.integer({ min: 0, max: TIME_MS_MAX }),
    oldSignature: bytes(64),
    newSignature: bytes(64),
  }),
  message.encodeRotation,
  message.decodeRotation,
);
const entry = record({
  path: text(200).filter((path) => new TextEncoder().encode(path).length <= PATH_SIZE_MAX),
  kind: fc.constantFrom("file" as const, "directory" as const),
  sizeBytes: u64,
  mtimeMs: fc.integer({ min: -TIME_MS_MAX, max: TIME_MS_MAX }),
  mode: fc.integer({ min: 0, max: 0o777 }),
}).map((made) => made.kind === "file" ? made : { ...made, sizeBytes: 0 });
roundTrip(
  "MANIFEST",
  fc.array(entry, { maxLength: 20 }),
  (entries) => concat(...encodeManifest(entries)),
  decodeManifest,
);
roundTrip(
  "a frame",
  record({
    type: fc.constantFrom(...Object.keys(FRAME_TYPES) as FrameType[]),
    body: fc.oneof(bytes(0, 300), fc.constant(new Uint8Array(HANDSHAKE_BODY_SIZE_MAX))),
  }),
  ({ type, body }) => encodeFrame(type, body),
  (encoded) => {
    const assembler = new FrameAssembler();
    assembler.push(encoded);
    const { type, body } = assembler.next()!;
    return { type, body };
  },
);
roundTrip(
  "a record",
  record({ sequence: u32, sealed: bytes(21, 300) }),
  ({ sequence, sealed }) => concat(...recordParts(recordHeader(sequence, sealed.length - 16), sealed)),
  (encoded) => {
    const assembler = new RecordAssembler();
    assembler.push(encoded);
    const record = assembler.next();
    return record?.kind === "whole" ? { sequence: record.sequence, sealed: record.sealed.slice() } : record;
  },
);
roundTrip(
  "a packet's header",
  record({
    version: u8,
    opcode: u8,
    direction: u8,
    id: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    epoch: u32,
    round: u32,
  }),
  (header) => concat(encodeHeader(header, 16), new Uint8Array(16 + 16 + 32)),
  (encoded) => {
    const assembler = new PacketAssembler();
    assembler.push(encoded);
    return assembler.next()!.header;
  },
);
roundTrip(
  "CHALLENGE",
  record({ challenge: bytes(16), serverRound: u64 }),
  rounds.encodeChallenge,
  rounds.decodeChallenge,
);
roundTrip(
  "DATA",
  record({ challenge: bytes(16), text: text(200) }),
  ({ challenge, text }) => rounds.encodeData(challenge, text),
  (encoded) => rounds.decodeData(encoded, true),
);
const number = fc.stringMatching(/^-?[0-9]{1,30}(\.[0-9]{1,20})?$/);
roundTrip(
  "AGGREGATE",
  record({ serverRound: u64, sum: number, product: number, clients: u32 }),
  rounds.encodeAggregate,
  rounds.decodeAggregate,
);

function encoded(line: string): Bytes {
  return new TextEncoder().encode(line);
}
const secret = bytes(32).filter((value) => !isMadeUp(value));
roundTrip("a shared key", secret, (key) => encoded(formatSharedKey(key, "")), (line) => {
  return parseSharedKeys(new TextDecoder().decode(line))[0];
});
roundTrip(
  "a client's key file",
  record({
    id: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    epoch: fc.integer({ min: 0, max: COUNTER_MAX + 1 }),
    root: secret,
    comment: fc.stringMatching(/^([!-~é]( [!-~é])*)?$/),
  }),
  (key) => encoded(formatClientKey(key)),
  parseClientKey,
);
roundTrip("base64", bytes(0, 300), (value) => encoded(encodeBase64(value)), (line) => {
  return decodeBase64(new TextDecoder().decode(line));
});
roundTrip("armor", bytes(1, 300), (value) => encoded(wrapArmor("X", value)), (armored) => {
  return unwrapArmor("X", new TextDecoder().decode(armored));
});
roundTrip(
  "a decimal number",
  record({
    units: fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }),
    scale: fc.integer({ min: 0, max: 32 }),
  })
    // One way to write each number: no zeros at the end of its fraction.
    .map(({ units, scale }) =>
      scale > 0 && units % 10n === 0n ? { units: units + 1n, scale } : { units, scale }
    ),
  (value) => encoded(formatDecimal(value)),
  (line) => parseDecimal(new TextDecoder().decode(line)),
);
