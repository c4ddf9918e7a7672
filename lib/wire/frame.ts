/**
 * Frames, the handshake's wire unit: `type(1) | size(3) | body`, a body of at most 16 KiB.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { HANDSHAKE_BODY_SIZE_MAX } from "../limits.ts";

/** Bytes before a frame's body. */
export const FRAME_HEADER_SIZE = 4;

/** The number of each frame type. */
export const FRAME_TYPES = {
  /** What the client can do, its nonce and its ephemeral keys; in clear. */
  hello: 1,
  /** What the server chose, its nonce and its ephemeral keys in clear; who it is and its proof, sealed. */
  welcome: 2,
  /** Who the client is, what it wants, and its proof; sealed. */
  verify: 3,
  /** The session's name, what may be in flight, and the proof that the server has taken the client; sealed. */
  ready: 4,
  /** Why the sender of this frame ends the handshake: one byte, in clear. */
  alert: 5,
  /** The same, sealed, once there are keys for it. */
  sealedAlert: 6,
} as const;

/** A frame's name. */
export type FrameType = keyof typeof FRAME_TYPES;

const TYPE_NAMES = new Map<number, FrameType>(
  Object.entries(FRAME_TYPES).map(([name, number]) => [number, name as FrameType] as const),
);

/** A whole frame. */
export interface Frame {
  readonly type: FrameType;
  /** The four header bytes, the additional data of a seal in the body. */
  readonly header: Bytes;
  readonly body: Bytes;
}

/** The header of a frame whose body has `bodySizeBytes`. */
export function frameHeader(type: FrameType, bodySizeBytes: number): Bytes {
  return Uint8Array.of(
    FRAME_TYPES[type],
    bodySizeBytes >> 16,
    (bodySizeBytes >> 8) & 0xff,
    bodySizeBytes & 0xff,
  );
}

/** A whole frame's bytes. */
export function encodeFrame(type: FrameType, body: Bytes): Bytes {
  return concat(frameHeader(type, body.length), body);
}

/** Room for HELLO or WELCOME and a little more; it grows where a frame needs it. */
const BUFFER_SIZE_START = 2048;

/** Puts frames together from bytes that arrive in pieces of any size. */
export class FrameAssembler {
  // Doubling keeps the work in proportion to the bytes, however small the pieces are that they come in.
  #buffer: Bytes = new Uint8Array(BUFFER_SIZE_START);
  #start = 0;
  #end = 0;
  #isFirst = true;

  /** Adds bytes as they arrived. They are copied. */
  push(bytes: Bytes): void {
    if (this.#end + bytes.length > this.#buffer.length) {
      const kept = this.#buffer.subarray(this.#start, this.#end);
      const needed = kept.length + bytes.length;
      const target = needed > this.#buffer.length
        ? new Uint8Array(Math.max(needed, 2 * this.#buffer.length))
        : this.#buffer;
      target.set(kept);
      this.#buffer = target;
      this.#start = 0;
      this.#end = kept.length;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * Takes the next frame, or returns `undefined` where more bytes are needed. Throws `malformed` for an
   * unknown type or a body over the limit as soon as the header shows it, before anything more is kept.
   */
  next(): Frame | undefined {
    const pending = this.#buffer.subarray(this.#start, this.#end);
    if (pending.length === 0) return undefined;
    const type = TYPE_NAMES.get(pending[0]!);
    if (type === undefined) throw unknownType(pending[0]!, this.#isFirst);
    if (pending.length < FRAME_HEADER_SIZE) return undefined;
    const size = (pending[1]! << 16) | (pending[2]! << 8) | pending[3]!;
    if (size > HANDSHAKE_BODY_SIZE_MAX) {
      throw new StxError(
        "malformed",
        `Cannot read a frame: its body has ${size} bytes, at most ${HANDSHAKE_BODY_SIZE_MAX} are allowed`,
      );
    }
    const end = FRAME_HEADER_SIZE + size;
    if (pending.length < end) return undefined;
    this.#start += end;
    this.#isFirst = false;
    return {
      type,
      header: pending.slice(0, FRAME_HEADER_SIZE),
      body: pending.slice(FRAME_HEADER_SIZE, end),
    };
  }

  /** Takes everything that no frame was made of. */
  takeRest(): Bytes {
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#start = this.#end;
    return rest;
  }
}

/** Where all begins with such a byte, most often another program is at the other end, and only rarely noise. */
function unknownType(type: number, isFirst: boolean): StxError {
  if (!isFirst) return new StxError("malformed", `Cannot read a frame: type ${type} does not exist`);
  return new StxError(
    "malformed",
    `The other end does not seem to speak stx: a frame of type ${type} does not exist`,
    { hint: "compare host and port: it may be another program" },
  );
}
