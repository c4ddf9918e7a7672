/**
 * Records made and read without the code under test, from the specification alone, and sessions joined in memory.
 * @module
 */
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import type { Suite } from "../../../lib/crypto/suite.ts";
import { Session } from "../../../lib/records/session.ts";
import type { SessionLimits } from "../../../lib/wire/handshake_messages.ts";
import { type Message, MESSAGE_TYPES, type MessageType } from "../../../lib/wire/message.ts";

export const SUITES: readonly Suite[] = ["aes-256-gcm", "chacha20-poly1305"];
export const ROOMY: SessionLimits = { windowRecords: 256, windowSizeBytes: 16 * 1024 * 1024 };
/** When tests begin. */
export const START_MS = 1_700_000_000_000;

/** A traffic secret; each call gives its own copy, since sessions overwrite theirs. */
export function secretOf(name: string): Bytes {
  return new Uint8Array(32).map((_, i) => name.charCodeAt(i % name.length) + i);
}

// ---- The specification once more, by WebCrypto ----

/** HKDF-Expand-Label for up to 32 bytes: the first block of HKDF-Expand is `HMAC(secret, info | 1)`. */
async function expandLabel(secret: Bytes, label: string, sizeBytes: number): Promise<Bytes> {
  const name = utf8(`stx1 ${label}`);
  const info = concat(Uint8Array.of(0, sizeBytes, name.length), name, Uint8Array.of(0, 1));
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, info)).slice(0, sizeBytes);
}

/** The key and nonce of a sequence number under the direction's first secret. */
async function keyOf(suite: Suite, firstSecret: Bytes, sequence: number, generation = sequence >>> 16) {
  let secret = firstSecret;
  for (let i = 0; i < generation; i++) secret = await expandLabel(secret, "traffic upd", 32);
  const raw = await expandLabel(secret, "key", 32);
  const iv = await expandLabel(secret, "iv", 12);
  [24, 16, 8, 0].forEach((shift, i) => iv[8 + i]! ^= (sequence >>> shift) & 0xff);
  const name = suite === "aes-256-gcm" ? "AES-GCM" : "ChaCha20-Poly1305";
  const format = (suite === "aes-256-gcm" ? "raw" : "raw-secret") as "raw";
  const key = await crypto.subtle.importKey(format, raw, name, false, ["encrypt", "decrypt"]);
  return { key, name, iv };
}

function u32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** A record's wire bytes, sealed by the specification, or under the key of another generation than its own. */
export async function sealed(
  suite: Suite,
  firstSecret: Bytes,
  sequence: number,
  plaintext: Bytes,
  generation?: number,
): Promise<Bytes> {
  const { key, name, iv } = await keyOf(suite, firstSecret, sequence, generation);
  const header = concat(u32(sequence), u32(plaintext.length));
  const body = await crypto.subtle.encrypt({ name, iv, additionalData: header }, key, plaintext);
  return withCrc(concat(header, new Uint8Array(body)));
}

/** Opens a record by the specification; throws if its tag does not fit. */
export async function opened(suite: Suite, firstSecret: Bytes, record: Bytes): Promise<Bytes> {
  const { key, name, iv } = await keyOf(suite, firstSecret, sequenceOf(record));
  const additionalData = record.slice(0, 8);
  return new Uint8Array(
    await crypto.subtle.decrypt({ name, iv, additionalData }, key, record.slice(8, -4)),
  );
}

/** A message's plaintext. */
export function plaintext(
  type: MessageType | number,
  acknowledged: number,
  body: Bytes = new Uint8Array(0),
): Bytes {
  return concat(
    Uint8Array.of(typeof type === "number" ? type : MESSAGE_TYPES[type]),
    u32(acknowledged),
    body,
  );
}

/** `record`, which has no CRC yet, with its CRC. */
export function withCrc(record: Bytes): Bytes {
  return concat(record, u32(crc32(record)));
}

/** `record` with its CRC made right again. */
export function crcMended(record: Bytes): Bytes {
  return withCrc(record.slice(0, -4));
}

/** A copy of `bytes` with one bit of the byte `at` changed; a negative place counts from the end. */
export function flipped(bytes: Bytes, at: number, bit = 0): Bytes {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at]! ^= 1 << bit;
  return copy;
}

export function sequenceOf(record: Bytes): number {
  return new DataView(record.buffer, record.byteOffset).getUint32(0);
}

/** Cuts whole records apart. */
export function recordsIn(bytes: Bytes): Bytes[] {
  const records: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 28 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 4);
    records.push(bytes.slice(at, at + size));
    at += size;
  }
  return records;
}

// ---- Sessions ----

/** What an end is made of. */
export interface EndOptions {
  readonly suite?: Suite;
  readonly limits?: SessionLimits;
  readonly firstSequence?: number;
  /** In place of those that follow from the names, to see what becomes of them. */
  readonly sendSecret?: Bytes;
  readonly receiveSecret?: Bytes;
}

/** A session with its output collected and its time in a test's hand. */
export class End {
  readonly session: Session;
  /** The bodies of the peer's ROTATIONs. */
  readonly rotations: Bytes[] = [];
  nowMs = START_MS;
  #output = Promise.withResolvers<void>();
  readonly #taken: Bytes[] = [];

  constructor(send: string, receive: string, options: EndOptions) {
    const { suite = "aes-256-gcm", limits = ROOMY, firstSequence = 0 } = options;
    const { sendSecret = secretOf(send), receiveSecret = secretOf(receive) } = options;
    const onOutput = () => {
      this.#output.resolve();
      this.#output = Promise.withResolvers<void>();
    };
    const keys = { suite, sendSecret, receiveSecret };
    const onRotation = (statement: Bytes) => void this.rotations.push(statement);
    this.session = new Session({ ...keys, limits, onOutput, onRotation, firstSequence }, START_MS);
  }

  /** Waits until nothing is being sealed any more. */
  async settle(): Promise<void> {
    for (;;) {
      const signal = this.#output.promise;
      this.#taken.push(...this.session.takeOutput());
      if (this.session.waitingCount === 0) return;
      await signal;
    }
  }

  /** Everything that this end has to say, once all of it is sealed. */
  async output(): Promise<Bytes> {
    await this.settle();
    return concat(...this.#taken.splice(0));
  }

  /** Sends one message and returns its record. */
  async record(type: MessageType, body?: Bytes): Promise<Bytes> {
    this.session.send(type, body);
    return await this.output();
  }

  async receive(bytes: Bytes): Promise<readonly Message[]> {
    return await this.session.receive(bytes, this.nowMs);
  }
}

/** Two ends with the same keys: the first is the client. */
export function joined(options: EndOptions = {}): [End, End] {
  return [new End("client", "server", options), new End("server", "client", options)];
}

/** The names of messages, for comparing. */
export function typesOf(messages: readonly Message[]): readonly MessageType[] {
  return messages.map(({ type }) => type);
}
