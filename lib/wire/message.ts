/**
 * What records carry: a type byte, the acknowledgement, a body. Control messages keep the session going, the
 * others are the transfer.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { REJECT_TEXT_SIZE_MAX, TIME_MS_MAX } from "../limits.ts";
import { ByteReader, u32, u64, u8, vector16 } from "./fields.ts";
import { IDENTITY_SIZE, SESSION_ID_SIZE, SIGNATURE_SIZE } from "./handshake_messages.ts";

/** The number of each message type. Below 16: the session's own; from 16: the transfer's. */
export const MESSAGE_TYPES = {
  /** Carries nothing but its acknowledgement. */
  ack: 1,
  /** Asks for the same bytes again, from a sequence number on. */
  nak: 2,
  /** Asks for an ACK, so that the line is not silent. */
  ping: 3,
  /** Says why its sender ends the session at once. */
  alert: 4,
  /** The last record of a direction. */
  close: 5,
  /** The sender of this message changes its identity: signed by the old key and the new one. */
  rotation: 6,
  /** What is to be sent. */
  offer: 16,
  /** Names, sizes, times and modes of what is to be sent, or some of them. */
  manifest: 17,
  /** Asks for the manifest, whole. */
  wantManifest: 18,
  /** Takes the transfer, and says how much of it is here already. */
  accept: 19,
  /** Does not take the transfer, or gives it up. */
  reject: 20,
  /** Where in the stream the data begins. */
  start: 21,
  /** One block of the stream. */
  data: 22,
  /** How much of the stream survives a crash of the receiver. */
  durable: 23,
  /** SHA-256 of files, in their order. */
  digests: 24,
  /** The stream is over. */
  end: 25,
  /** Everything is in place: the signed receipt. */
  done: 26,
} as const;

/** A message type's name. */
export type MessageType = keyof typeof MESSAGE_TYPES;

const TYPE_NAMES = new Map<number, MessageType>(
  Object.entries(MESSAGE_TYPES).map(([name, number]) => [number, name as MessageType] as const),
);

/** Bytes before a message's body: type and acknowledgement. */
export const MESSAGE_HEADER_SIZE = 5;
/** Bytes before the data in a DATA record's plaintext: the message header and the block's index. */
export const DATA_HEADER_SIZE = MESSAGE_HEADER_SIZE + 8;

/** A message as it came out of a record. */
export interface Message {
  /** What kind of message it is. */
  readonly type: MessageType;
  /** Its content, as the type says. */
  readonly body: Bytes;
}

/** Says whether messages of this type belong to the session itself, not to what it carries. */
export function isControl(type: MessageType): boolean {
  return MESSAGE_TYPES[type] < 16;
}

/** Writes a message's header into the first five bytes of `plaintext`. */
export function writeMessageHeader(plaintext: Bytes, type: MessageType, acknowledged: number): void {
  plaintext[0] = MESSAGE_TYPES[type];
  new DataView(plaintext.buffer, plaintext.byteOffset).setUint32(1, acknowledged);
}

/** Reads a record's plaintext; throws `malformed`. The body is a view of `plaintext`. */
export function decodeMessage(plaintext: Bytes): Message & { acknowledged: number } {
  const reader = new ByteReader(plaintext, "a message");
  const number = reader.u8();
  const acknowledged = reader.u32();
  const type = TYPE_NAMES.get(number) ?? reader.fail(`type ${number} does not exist`);
  return { type, acknowledged, body: plaintext.subarray(MESSAGE_HEADER_SIZE) };
}

/** NAK's body. */
export function encodeNak(sequence: number): Bytes {
  return u32(sequence);
}

/** Reads NAK's body; throws `malformed`. */
export function decodeNak(body: Bytes): number {
  const reader = new ByteReader(body, "NAK");
  const sequence = reader.u32();
  reader.end();
  return sequence;
}

/** Bytes of ROTATION's body. */
export const ROTATION_SIZE = 2 * IDENTITY_SIZE + 8 + 2 * SIGNATURE_SIZE;

/**
 * ROTATION: `old_key(32) | new_key(32) | time(8) | old_signature(64) | new_signature(64)`. What is signed, and what it
 * means, says lib/identity/rotation.ts.
 */
export interface Rotation {
  /** The Ed25519 public key that is given up. */
  readonly oldKey: Bytes;
  /** The one that follows it. */
  readonly newKey: Bytes;
  /** When the new key was made, in milliseconds since 1970. */
  readonly timeMs: number;
  /** By the old key, 64 bytes. */
  readonly oldSignature: Bytes;
  /** By the new key, 64 bytes. */
  readonly newSignature: Bytes;
}

/** ROTATION's body. */
export function encodeRotation(rotation: Rotation): Bytes {
  const { oldKey, newKey, timeMs, oldSignature, newSignature } = rotation;
  return concat(oldKey, newKey, u64(timeMs), oldSignature, newSignature);
}

/** Reads ROTATION's body, whose signatures say nothing yet; throws `malformed`. */
export function decodeRotation(body: Bytes): Rotation {
  const reader = new ByteReader(body, "ROTATION");
  const rotation = {
    oldKey: reader.bytes(IDENTITY_SIZE),
    newKey: reader.bytes(IDENTITY_SIZE),
    timeMs: reader.u64(),
    oldSignature: reader.bytes(SIGNATURE_SIZE),
    newSignature: reader.bytes(SIGNATURE_SIZE),
  };
  reader.end();
  if (rotation.timeMs > TIME_MS_MAX) reader.fail("its time is none");
  return rotation;
}

/** Throws `malformed` if a message that has no body has one. */
export function expectEmpty(message: Message): void {
  new ByteReader(message.body, message.type.toUpperCase()).end();
}

/**
 * OFFER: `transfer_id(32) | flags(1) | size(8) | count(4) | block_size(4) | manifest_digest(32)`. Flag 1: the
 * size is not known before the end, and the field is 0. Flag 2: each file's SHA-256 follows before END. Flag 4: this
 * run of the sender has sent all of it before, and only the answer was lost.
 */
export interface Offer {
  readonly transferId: Bytes;
  /** Bytes of the whole stream, or `null` where nobody knows yet. */
  readonly sizeBytes: number | null;
  readonly entryCount: number;
  readonly blockSizeBytes: number;
  readonly manifestDigest: Bytes;
  readonly withDigests: boolean;
  readonly isRepeated: boolean;
}

const FLAG_SIZE_UNKNOWN = 1;
const FLAG_WITH_DIGESTS = 2;
const FLAG_REPEATED = 4;
/** Bytes of a SHA-256 hash. */
export const DIGEST_SIZE = 32;

/** OFFER's body. */
export function encodeOffer(offer: Offer): Bytes {
  const flags = (offer.sizeBytes === null ? FLAG_SIZE_UNKNOWN : 0) |
    (offer.withDigests ? FLAG_WITH_DIGESTS : 0) | (offer.isRepeated ? FLAG_REPEATED : 0);
  return concat(
    offer.transferId,
    u8(flags),
    u64(offer.sizeBytes ?? 0),
    u32(offer.entryCount),
    u32(offer.blockSizeBytes),
    offer.manifestDigest,
  );
}

/** Reads OFFER's body; throws `malformed`. */
export function decodeOffer(body: Bytes): Offer {
  const reader = new ByteReader(body, "OFFER");
  const transferId = reader.bytes(DIGEST_SIZE);
  const flags = reader.u8();
  if ((flags & ~(FLAG_SIZE_UNKNOWN | FLAG_WITH_DIGESTS | FLAG_REPEATED)) !== 0) {
    reader.fail(`its flags are ${flags}`);
  }
  const size = reader.u64();
  const offer: Offer = {
    transferId,
    sizeBytes: (flags & FLAG_SIZE_UNKNOWN) !== 0 ? null : size,
    entryCount: reader.u32(),
    blockSizeBytes: reader.u32(),
    manifestDigest: reader.bytes(DIGEST_SIZE),
    withDigests: (flags & FLAG_WITH_DIGESTS) !== 0,
    isRepeated: (flags & FLAG_REPEATED) !== 0,
  };
  reader.end();
  if (offer.sizeBytes === null && size !== 0) reader.fail("it gives a size and says that none is known");
  return offer;
}

/** ACCEPT: `offset(8) | sha256(32)`: the durable prefix and its hash, both as they stand on disk now. */
export interface Accept {
  readonly offsetBytes: number;
  readonly sha256: Bytes;
}

/** ACCEPT's body. */
export function encodeAccept(accept: Accept): Bytes {
  return concat(u64(accept.offsetBytes), accept.sha256);
}

/** Reads ACCEPT's body; throws `malformed`. */
export function decodeAccept(body: Bytes): Accept {
  const reader = new ByteReader(body, "ACCEPT");
  const accept = { offsetBytes: reader.u64(), sha256: reader.bytes(DIGEST_SIZE) };
  reader.end();
  return accept;
}

/** Numbers of the reasons in REJECT. */
export const REJECT_REASONS = {
  /** Any reason that is not named below. */
  policy: 1,
  /** The receiver's disk is full. */
  space: 2,
  /** A name that the receiver refuses. */
  name: 3,
  /** A name that is taken there, or files that were kept in place of those that were sent. */
  exists: 4,
  /** Larger than the receiver's user allows, or a manifest that is too large. */
  quota: 5,
  /** The receiver failed by itself. */
  local: 6,
  /** What the receiver has, or reads back from its disk, is not what was sent. */
  integrity: 7,
} as const;
/** Why a receiver does not take a transfer. */
export type RejectReason = keyof typeof REJECT_REASONS;

const REASON_NAMES = new Map<number, RejectReason>(
  Object.entries(REJECT_REASONS).map(([name, number]) => [number, name as RejectReason] as const),
);

/** Characters of REJECT's text as JavaScript counts them: UTF-8 takes at most three bytes for each. */
const REJECT_TEXT_LENGTH_MAX = REJECT_TEXT_SIZE_MAX / 3;

/** REJECT: `reason(1) | text: size(2), UTF-8`. The text is for people and is escaped before it is shown. */
export interface Reject {
  readonly reason: RejectReason;
  readonly text: string;
}

/** REJECT's body. Only the first 1,000 characters of the text are sent. */
export function encodeReject(reject: Reject): Bytes {
  const text = utf8(reject.text.slice(0, REJECT_TEXT_LENGTH_MAX));
  return concat(u8(REJECT_REASONS[reject.reason]), vector16(text));
}

/** Reads REJECT's body; throws `malformed`. A reason of a later version counts as `policy`. */
export function decodeReject(body: Bytes): Reject {
  const reader = new ByteReader(body, "REJECT");
  const reason = REASON_NAMES.get(reader.u8()) ?? "policy";
  const text = reader.text16(REJECT_TEXT_SIZE_MAX);
  reader.end();
  return { reason, text };
}

/** START's and DURABLE's body: `offset(8)`, a number of bytes from the stream's start. */
export function encodeOffset(offsetBytes: number): Bytes {
  return u64(offsetBytes);
}

/** Reads START's or DURABLE's body; throws `malformed`. */
export function decodeOffset(message: Message): number {
  const reader = new ByteReader(message.body, message.type.toUpperCase());
  const offset = reader.u64();
  reader.end();
  return offset;
}

/** DATA: `index(8) | data`: a block's number from 0 and its bytes. The data is a view of `body`. */
export function decodeData(body: Bytes): { index: number; data: Bytes } {
  const reader = new ByteReader(body.subarray(0, 8), "DATA");
  return { index: reader.u64(), data: body.subarray(8) };
}

/** Writes a block's index behind the message header of a DATA record's plaintext. */
export function writeDataIndex(plaintext: Bytes, index: number): void {
  new DataView(plaintext.buffer, plaintext.byteOffset).setBigUint64(MESSAGE_HEADER_SIZE, BigInt(index));
}

/** END: `size(8) | blocks(8) | crc32(4)` of the whole stream. */
export interface End {
  readonly sizeBytes: number;
  readonly blockCount: number;
  readonly crc32: number;
}

/** END's body. */
export function encodeEnd(end: End): Bytes {
  return concat(u64(end.sizeBytes), u64(end.blockCount), u32(end.crc32));
}

/** Reads END's body; throws `malformed`. */
export function decodeEnd(body: Bytes): End {
  const reader = new ByteReader(body, "END");
  const end = { sizeBytes: reader.u64(), blockCount: reader.u64(), crc32: reader.u32() };
  reader.end();
  return end;
}

/**
 * DONE: `time(8) | size(8) | session_id(16) | with_digests(1) | signature: size(2), bytes`. With what the sender
 * knows itself this makes the receipt; the signature is a binary SSHSIG.
 */
export interface Done {
  /** When the transfer was put in place, in milliseconds since 1970. */
  readonly finishedMs: number;
  readonly sizeBytes: number;
  /** The session that finished it: an earlier one than this where its DONE was lost. */
  readonly sessionId: Bytes;
  readonly withDigests: boolean;
  readonly signature: Bytes;
}

/** DONE's body. */
export function encodeDone(done: Done): Bytes {
  return concat(
    u64(done.finishedMs),
    u64(done.sizeBytes),
    done.sessionId,
    u8(done.withDigests ? 1 : 0),
    vector16(done.signature),
  );
}

/** Reads DONE's body; throws `malformed`. */
export function decodeDone(body: Bytes): Done {
  const reader = new ByteReader(body, "DONE");
  const finishedMs = reader.u64();
  const sizeBytes = reader.u64();
  const sessionId = reader.bytes(SESSION_ID_SIZE);
  const withDigests = reader.u8();
  // Two encodings of one receipt would let its signature fit both.
  if (withDigests > 1) reader.fail(`its flag for digests is ${withDigests}`);
  const signature = reader.vector16();
  reader.end();
  return { finishedMs, sizeBytes, sessionId, withDigests: withDigests === 1, signature };
}
