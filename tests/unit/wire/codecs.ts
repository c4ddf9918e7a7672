/** Every codec of `lib/wire` in one list, with values that it must carry, so that one test covers them all. */
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { TIME_MS_MAX } from "../../../lib/limits.ts";
import { ALERTS, decodeAlert, encodeAlert } from "../../../lib/wire/alert.ts";
import {
  decodeHello,
  decodeReady,
  decodeServerAuthentication,
  decodeVerify,
  decodeWelcome,
  encodeHello,
  encodeReady,
  encodeServerAuthentication,
  encodeVerify,
  encodeWelcome,
  type Hello,
} from "../../../lib/wire/handshake_messages.ts";
import { decodeManifest, encodeManifest } from "../../../lib/wire/manifest.ts";
import {
  decodeAccept,
  decodeData,
  decodeDone,
  decodeEnd,
  decodeMessage,
  decodeNak,
  decodeOffer,
  decodeOffset,
  decodeReject,
  decodeRotation,
  encodeAccept,
  encodeDone,
  encodeEnd,
  encodeNak,
  encodeOffer,
  encodeOffset,
  encodeReject,
  encodeRotation,
  MESSAGE_TYPES,
  type MessageType,
  writeDataIndex,
  writeMessageHeader,
} from "../../../lib/wire/message.ts";

/** A codec with its input type forgotten: `encode(decode(x))` is what is compared. */
export interface Codec {
  readonly name: string;
  readonly decode: (bytes: Bytes) => unknown;
  readonly encode: (value: never) => Bytes;
  /** Values as `decode` returns them. */
  readonly values: readonly unknown[];
  /** Where whatever follows the last field belongs to the value: how many bytes come before that. */
  readonly fixedSizeOf?: (value: never) => number;
  /** Whether two encodings can mean the same, which a later version's numbers make so. */
  readonly isLenient?: boolean;
}

function codec<T>(
  name: string,
  encode: (value: T) => Bytes,
  decode: (bytes: Bytes) => T,
  values: readonly T[],
  more: { fixedSizeOf?: (value: T) => number; isLenient?: boolean } = {},
): Codec {
  return { name, encode, decode, values, ...more } as unknown as Codec;
}

/** `size` bytes that count up from `first`. */
export function counting(size: number, first = 0): Bytes {
  return Uint8Array.from({ length: size }, (_, i) => first + i);
}

const MAX = Number.MAX_SAFE_INTEGER;
const NOTHING: Bytes = new Uint8Array(0);

/** A HELLO as this implementation sends it. */
export const HELLO: Hello = {
  clientTimeS: 1_800_000_000,
  clientNonce: counting(32, 1),
  clientShare: counting(1216, 2),
  suites: [2, 1],
  authModes: [1],
  extensions: [],
  binder: undefined,
};

function encodeMessage(value: { type: MessageType; acknowledged: number; body: Bytes }): Bytes {
  const plaintext = concat(new Uint8Array(5), value.body);
  writeMessageHeader(plaintext, value.type, value.acknowledged);
  return plaintext;
}

function encodeData(value: { index: number; data: Bytes }): Bytes {
  // The index stands behind the message's header.
  const plaintext = concat(new Uint8Array(5 + 8), value.data);
  writeDataIndex(plaintext, value.index);
  return plaintext.slice(5);
}

export const CODECS: readonly Codec[] = [
  codec("HELLO", encodeHello, decodeHello, [
    HELLO,
    { ...HELLO, clientTimeS: MAX, suites: [0, 0xffff, 1, 1], authModes: [255, 1] },
    { ...HELLO, clientTimeS: 0, authModes: [1, 2], binder: counting(32, 7) },
    { ...HELLO, authModes: [3], binder: counting(32, 8), extensions: [{ type: 0, data: NOTHING }] },
    {
      ...HELLO,
      extensions: [
        { type: 1, data: counting(300) },
        { type: 2, data: NOTHING },
        { type: 0xffff, data: Uint8Array.of(9) },
      ],
    },
  ]),
  codec(
    "WELCOME",
    (value: ReturnType<typeof decodeWelcome>) => concat(encodeWelcome(value.welcome), value.sealed),
    decodeWelcome,
    [NOTHING, counting(144, 3)].map((sealed) => {
      const welcome = {
        serverTimeS: 1_800_000_001,
        serverNonce: counting(32, 4),
        serverShare: counting(1120, 5),
        suite: 2,
        authMode: 1,
        extensions: sealed.length === 0 ? [] : [{ type: 7, data: counting(3) }],
      };
      return { welcome, clear: encodeWelcome(welcome), sealed };
    }),
    { fixedSizeOf: (value) => value.clear.length },
  ),
  codec("WELCOME's sealed part", encodeServerAuthentication, decodeServerAuthentication, [
    { serverId: counting(32), signature: counting(64, 50), finished: counting(32, 150) },
  ]),
  codec("VERIFY", encodeVerify, decodeVerify, [
    { clientId: counting(32), intent: 1, signature: counting(64, 50), proof: counting(32, 150) },
    { clientId: counting(32), intent: 255, signature: counting(64, 50), proof: counting(32, 150) },
  ]),
  codec("READY", encodeReady, decodeReady, [
    {
      sessionId: counting(16),
      limits: { windowRecords: 256, windowSizeBytes: 2 ** 24 },
      proof: counting(32, 99),
    },
    {
      sessionId: counting(16),
      limits: { windowRecords: 0xffff, windowSizeBytes: 2 ** 32 - 1 },
      proof: counting(32),
    },
    { sessionId: counting(16), limits: { windowRecords: 0, windowSizeBytes: 0 }, proof: counting(32) },
  ]),
  codec("an alert", encodeAlert, decodeAlert, Object.keys(ALERTS) as (keyof typeof ALERTS)[], {
    isLenient: true,
  }),
  codec(
    "a message",
    encodeMessage,
    decodeMessage,
    (Object.keys(MESSAGE_TYPES) as MessageType[]).flatMap((type) => [
      { type, acknowledged: 0, body: NOTHING },
      { type, acknowledged: 2 ** 32 - 1, body: counting(20) },
    ]),
    { fixedSizeOf: () => 5 },
  ),
  codec("NAK", encodeNak, decodeNak, [0, 1, 2 ** 31, 2 ** 32 - 1]),
  codec(
    "ROTATION",
    encodeRotation,
    decodeRotation,
    [0, 1_800_000_000_000, TIME_MS_MAX].map((timeMs) => ({
      oldKey: counting(32),
      newKey: counting(32, 40),
      timeMs,
      oldSignature: counting(64, 80),
      newSignature: counting(64, 150),
    })),
  ),
  codec("OFFER", encodeOffer, decodeOffer, [
    {
      transferId: counting(32),
      sizeBytes: MAX,
      entryCount: 2 ** 21,
      blockSizeBytes: 2 ** 20 - 64,
      manifestDigest: counting(32, 40),
      withDigests: true,
      isRepeated: false,
    },
    {
      transferId: counting(32),
      sizeBytes: 0,
      entryCount: 1,
      blockSizeBytes: 2 ** 14,
      manifestDigest: counting(32, 40),
      withDigests: false,
      isRepeated: true,
    },
    {
      transferId: counting(32),
      sizeBytes: null,
      entryCount: 1,
      blockSizeBytes: 2 ** 14,
      manifestDigest: counting(32, 40),
      withDigests: true,
      isRepeated: false,
    },
  ]),
  codec("ACCEPT", encodeAccept, decodeAccept, [
    { offsetBytes: 0, sha256: counting(32) },
    { offsetBytes: MAX, sha256: counting(32) },
  ]),
  codec("REJECT", encodeReject, decodeReject, [
    { reason: "policy", text: "" },
    { reason: "integrity", text: "no" },
    // The longest that is sent, in characters of three bytes.
    { reason: "space", text: "中".repeat(1000) },
    { reason: "name", text: "\ufeffa\u0000b" },
  ], { isLenient: true }),
  codec(
    "START",
    encodeOffset,
    (body) => decodeOffset({ type: "start", body }),
    [0, 1, 2 ** 32, MAX],
  ),
  codec("DATA", encodeData, decodeData, [
    { index: 0, data: NOTHING },
    { index: MAX, data: counting(9) },
  ], { fixedSizeOf: () => 8 }),
  codec("END", encodeEnd, decodeEnd, [
    { sizeBytes: MAX, blockCount: MAX, crc32: 2 ** 32 - 1 },
    { sizeBytes: 0, blockCount: 0, crc32: 0 },
  ]),
  codec("DONE", encodeDone, decodeDone, [
    {
      finishedMs: 1_800_000_000_123,
      sizeBytes: MAX,
      sessionId: counting(16),
      withDigests: true,
      signature: counting(250),
    },
    { finishedMs: 0, sizeBytes: 0, sessionId: counting(16), withDigests: false, signature: NOTHING },
  ]),
  codec("MANIFEST", (entries) => concat(...encodeManifest(entries)), decodeManifest, [
    [{ path: "a/b", kind: "file", sizeBytes: MAX, mtimeMs: -1, mode: 0o777 }],
    [{ path: "d", kind: "directory", sizeBytes: 0, mtimeMs: 8.64e15, mode: 0 }],
    [{ path: "é中\u{1f600}", kind: "file", sizeBytes: 0, mtimeMs: -8.64e15, mode: 0o640 }],
  ]),
];

/** The bytes of every value of every codec. */
export function samples(): readonly { codec: Codec; value: unknown; bytes: Bytes }[] {
  return CODECS.flatMap((codec) =>
    codec.values.map((value) => ({ codec, value, bytes: codec.encode(value as never) }))
  );
}

/** HELLO's body with other bytes in place of its magic and version. */
export function helloBeginning(text: string, version: number): Bytes {
  return concat(utf8(text), Uint8Array.of(version), encodeHello(HELLO).subarray(4));
}
