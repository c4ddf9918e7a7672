/**
 * Packets, the rounds protocol's wire unit, big-endian:
 *
 * ```
 * [1 version][1 opcode][1 direction: C2S 0, S2C 1][1 id size][id][4 epoch][4 round][4 ciphertext size]
 * [16 IV][ciphertext: AES-128-CBC, PKCS#7][32 HMAC-SHA256(header | IV | ciphertext)]
 * ```
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { CBC_BLOCK_SIZE } from "../crypto/cbc.ts";
import { HASH_SIZE } from "../crypto/hkdf.ts";
import { ROUNDS_CIPHERTEXT_SIZE_MAX, ROUNDS_ID_SIZE_MAX } from "../limits.ts";
import { u32, u8 } from "../wire/fields.ts";
import { LimitError } from "./errors.ts";

/** The protocol's version on the wire. */
export const ROUNDS_VERSION = 1;

/** The largest epoch and the largest round of a session: either has 32 bits. */
export const COUNTER_MAX = 2 ** 32 - 1;

/** The number of each opcode. */
export const OPCODES = {
  /** The client's first word: a nonce. */
  hello: 1,
  /** The server's answer: a challenge and its own round number. */
  challenge: 2,
  /** One value of a client for one round. */
  data: 3,
  /** What became of the round. */
  aggregate: 4,
  /** The last packet of either end, and why. */
  close: 5,
} as const;

/** An opcode's name. */
export type Opcode = keyof typeof OPCODES;

/** The number of each direction. */
export const DIRECTIONS = {
  /** From the client to the server. */
  c2s: 0,
  /** From the server to the client. */
  s2c: 1,
} as const;

/** A direction's name. */
export type Direction = keyof typeof DIRECTIONS;

/** What a packet says of itself before anything is known of its MAC. */
export interface PacketHeader {
  readonly version: number;
  readonly opcode: number;
  readonly direction: number;
  readonly id: string;
  readonly epoch: number;
  readonly round: number;
}

/** A whole packet. */
export interface Packet {
  readonly header: PacketHeader;
  /** Everything, as it came. */
  readonly bytes: Bytes;
  /** What the MAC is over: everything before it. */
  readonly covered: Bytes;
  readonly iv: Bytes;
  readonly ciphertext: Bytes;
  readonly mac: Bytes;
}

/** Bytes before the id: version, opcode, direction, the id's size. */
const HEAD_SIZE = 4;
/** Bytes from the id to the IV: epoch, round, the ciphertext's size. */
const NUMBERS_SIZE = 12;
/** What an id is made of: it is printed, and looked up by its bytes. */
const ID_PATTERN = /^[A-Za-z0-9._-]+$/;

/** Says whether `id` may name a client: 1 to 64 letters, digits, dots, lines and underscores. */
export function isClientId(id: string): boolean {
  return id.length <= ROUNDS_ID_SIZE_MAX && ID_PATTERN.test(id);
}

/** A packet's header. */
export function encodeHeader(header: PacketHeader, ciphertextSizeBytes: number): Bytes {
  const id = utf8(header.id);
  return concat(
    u8(header.version),
    u8(header.opcode),
    u8(header.direction),
    u8(id.length),
    id,
    u32(header.epoch),
    u32(header.round),
    u32(ciphertextSizeBytes),
  );
}

/** Puts packets together from bytes that arrive in pieces of any size. */
export class PacketAssembler {
  #buffer: Bytes = new Uint8Array(256);
  #size = 0;

  /** Takes bytes as they arrived. */
  push(bytes: Bytes): void {
    const needed = this.#size + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#size);
    this.#size = needed;
  }

  /**
   * The next whole packet, `undefined` where there is none yet. Throws `LimitError` as soon as a size is out of
   * bounds, before anything is kept for it.
   * @param ciphertextSizeMax a multiple of 16: what the next packet may have
   */
  next(ciphertextSizeMax = ROUNDS_CIPHERTEXT_SIZE_MAX): Packet | undefined {
    const bytes = this.#buffer.subarray(0, this.#size);
    if (bytes.length < HEAD_SIZE) return undefined;
    const idSize = bytes[3]!;
    this.checkIdSize(idSize);
    const headerSize = HEAD_SIZE + idSize + NUMBERS_SIZE;
    if (bytes.length < headerSize) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, headerSize);
    const numbersAt = HEAD_SIZE + idSize;
    const ciphertextSize = view.getUint32(numbersAt + 8);
    this.checkCiphertextSize(ciphertextSize, ciphertextSizeMax);
    const macAt = headerSize + CBC_BLOCK_SIZE + ciphertextSize;
    const packetSize = macAt + HASH_SIZE;
    if (bytes.length < packetSize) return undefined;
    const whole = bytes.slice(0, packetSize);
    const numbers = new DataView(whole.buffer, numbersAt);
    this.#buffer.copyWithin(0, packetSize, this.#size);
    this.#size -= packetSize;
    return {
      header: {
        version: whole[0]!,
        opcode: whole[1]!,
        direction: whole[2]!,
        // One character a byte: whatever is not an id's letter matches no client.
        id: String.fromCharCode(...whole.subarray(HEAD_SIZE, numbersAt)),
        epoch: numbers.getUint32(0),
        round: numbers.getUint32(4),
      },
      bytes: whole,
      covered: whole.subarray(0, macAt),
      iv: whole.subarray(headerSize, headerSize + CBC_BLOCK_SIZE),
      ciphertext: whole.subarray(headerSize + CBC_BLOCK_SIZE, macAt),
      mac: whole.subarray(macAt),
    };
  }
  /** Throws `LimitError` for an id that nobody can have. */
  protected checkIdSize(sizeBytes: number): void {
    if (sizeBytes > 0 && sizeBytes <= ROUNDS_ID_SIZE_MAX) return;
    throw new LimitError(
      `Cannot read a packet: its id has ${sizeBytes} bytes, 1 to ${ROUNDS_ID_SIZE_MAX} may be`,
    );
  }

  /** Throws `LimitError` for a ciphertext that is larger than what may come, or not in whole blocks. */
  protected checkCiphertextSize(sizeBytes: number, sizeMax: number): void {
    if (sizeBytes > 0 && sizeBytes <= sizeMax && sizeBytes % CBC_BLOCK_SIZE === 0) return;
    throw new LimitError(
      `Cannot read a packet: its ciphertext has ${sizeBytes} bytes, 16 to ${sizeMax} in blocks of 16 may be`,
    );
  }
}
