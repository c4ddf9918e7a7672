/**
 * The first design of STX on the wire, as anybody can read it: how its messages are laid out, and a reader that cuts a
 * stream into them. The design names each message's fields and no layout but a block's; these choices are ours, and
 * no claim hangs on them:
 *
 * - the four messages of the handshake stand in frames like those of STX/1;
 * - HELLO is `nonce(32) | key(32) | count(1) | suites(count)`, WELCOME `nonce(32) | key(32) | suite(1) | signature(64)`,
 *   VERIFY `signature(64) | proof`, READY `proof`;
 * - a block is what STX/1 calls a record, whose structure it is;
 * - a control message, from the server alone, is `kind(1) | block number(4) | HMAC(32)`.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { RECORD_HEADER_SIZE } from "../limits.ts";
import { ByteReader, u32, u8, vector8 } from "../wire/fields.ts";
import { encodeFrame, FRAME_HEADER_SIZE, FRAME_TYPES } from "../wire/frame.ts";
import { RECORD_OVERHEAD } from "../wire/record.ts";
import { UnitStream } from "./unit_stream.ts";
import type { End, Unit } from "./wire.ts";

/** Bytes of a nonce of either end. */
export const SEED_NONCE_SIZE = 32;
/** Bytes of an X25519 public key. */
export const SEED_SHARE_SIZE = 32;
/** Bytes of a control message. */
export const SEED_CONTROL_SIZE = 37;
const SIGNATURE_SIZE = 64;

/** The numbers of the cipher suites in HELLO and WELCOME. The design names the first alone, but speaks of a list. */
export const SEED_SUITES = { "aes-256-gcm": 1, "chacha20-poly1305": 2 } as const;

/** The numbers of the control messages. */
export const SEED_CONTROLS = { ack: 1, resend: 2 } as const;

/** What a client says first. */
export interface SeedHello {
  readonly nonce: Bytes;
  readonly share: Bytes;
  readonly suites: readonly number[];
}

/** What a server answers. */
export interface SeedWelcome {
  readonly nonce: Bytes;
  readonly share: Bytes;
  readonly suite: number;
  readonly signature: Bytes;
}

/** How a client shows who it is. */
export interface SeedVerify {
  readonly signature: Bytes;
  readonly proof: Bytes;
}

/** What a server says of a block. */
export interface SeedControl {
  readonly kind: number;
  readonly number: number;
  readonly mac: Bytes;
}

/** HELLO, with its frame. */
export function encodeSeedHello({ nonce, share, suites }: SeedHello): Bytes {
  return encodeFrame("hello", concat(nonce, share, vector8(Uint8Array.from(suites))));
}

/** Reads HELLO's body; throws `malformed`. */
export function decodeSeedHello(body: Bytes): SeedHello {
  return readWhole(body, "HELLO", (reader) => ({
    nonce: reader.bytes(SEED_NONCE_SIZE),
    share: reader.bytes(SEED_SHARE_SIZE),
    suites: [...reader.vector8()],
  }));
}

/** WELCOME, with its frame. */
export function encodeSeedWelcome({ nonce, share, suite, signature }: SeedWelcome): Bytes {
  return encodeFrame("welcome", concat(nonce, share, u8(suite), signature));
}

/** Reads WELCOME's body; throws `malformed`. */
export function decodeSeedWelcome(body: Bytes): SeedWelcome {
  return readWhole(body, "WELCOME", (reader) => ({
    nonce: reader.bytes(SEED_NONCE_SIZE),
    share: reader.bytes(SEED_SHARE_SIZE),
    suite: reader.u8(),
    signature: reader.bytes(SIGNATURE_SIZE),
  }));
}

/** VERIFY, with its frame. */
export function encodeSeedVerify({ signature, proof }: SeedVerify): Bytes {
  return encodeFrame("verify", concat(signature, proof));
}

/** Reads VERIFY's body; throws `malformed`. */
export function decodeSeedVerify(body: Bytes): SeedVerify {
  return readWhole(
    body,
    "VERIFY",
    (reader) => ({ signature: reader.bytes(SIGNATURE_SIZE), proof: reader.rest() }),
  );
}

/** A control message. */
export function encodeSeedControl({ kind, number, mac }: SeedControl): Bytes {
  return concat(u8(kind), u32(number), mac);
}

/** Reads a control message. */
export function decodeSeedControl(bytes: Bytes): SeedControl {
  return readWhole(bytes, "a control message", (reader) => ({
    kind: reader.u8(),
    number: reader.u32(),
    mac: reader.rest(),
  }));
}

function readWhole<T>(bytes: Bytes, what: string, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes, what);
  const value = read(reader);
  reader.end();
  return value;
}

/** A frame's body. */
export function seedFrameBody(frame: Bytes): Bytes {
  return frame.slice(FRAME_HEADER_SIZE);
}

const FRAME_NAMES: Readonly<Record<number, string>> = {
  [FRAME_TYPES.hello]: "HELLO",
  [FRAME_TYPES.welcome]: "WELCOME",
  [FRAME_TYPES.verify]: "VERIFY",
  [FRAME_TYPES.ready]: "READY",
};
/** The last frame of each direction. */
const LAST_FRAME: Readonly<Record<End, number>> = { client: FRAME_TYPES.verify, server: FRAME_TYPES.ready };

/** One direction of one connection of the first design. */
export class SeedStxUnits extends UnitStream {
  #isOpen = false;
  #count = 0;

  protected override nextSize(there: Bytes): number | undefined {
    if (this.#isOpen && this.from === "server") return SEED_CONTROL_SIZE;
    const view = new DataView(there.buffer, there.byteOffset, there.length);
    if (!this.#isOpen) {
      if (there.length < FRAME_HEADER_SIZE) return undefined;
      return FRAME_HEADER_SIZE + (view.getUint32(0) & 0xffffff);
    }
    if (there.length < RECORD_HEADER_SIZE) return undefined;
    return RECORD_OVERHEAD + view.getUint32(4);
  }

  protected override unit(bytes: Bytes): Unit {
    const from = this.from;
    if (!this.#isOpen) {
      const type = bytes[0]!;
      this.#isOpen = type === LAST_FRAME[from];
      const name = FRAME_NAMES[type] ?? `frame of type ${type}`;
      return { from, kind: "frame", name, number: this.#count++, bytes };
    }
    if (from === "client") {
      const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      return { from, kind: "record", name: `block ${number}`, number, bytes };
    }
    const { kind, number } = decodeSeedControl(bytes);
    const name = `${kind === SEED_CONTROLS.ack ? "ACK" : "RESEND"} ${number}`;
    return { from, kind: "record", name, number, bytes };
  }
}
