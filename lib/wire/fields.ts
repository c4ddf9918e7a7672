/**
 * Reading and writing of the wire's simple types: big-endian integers and length-prefixed byte strings.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";

/**
 * Reads fields from a message in order. Every method throws `malformed` where the message ends too early;
 * {@link ByteReader.end} throws where it does not end.
 */
export class ByteReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  /** @param what the message's name, for the error */
  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  #take(size: number): number {
    const at = this.#at;
    if (size > this.#bytes.length - at) {
      throw new StxError(
        "malformed",
        `Cannot read ${this.#what}: it ends after ${this.#bytes.length} bytes, expected at least ${
          at + size
        }`,
      );
    }
    this.#at = at + size;
    return at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** An unsigned 64-bit number; above 2^53 - 1 it is `malformed`, since nothing in stx is that large. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`the number ${value} is above 2^53 - 1`);
    return Number(value);
  }

  /** A signed 64-bit number within the range that a JavaScript number counts exactly. */
  i64(): number {
    const value = this.#view.getBigInt64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
      this.fail(`the number ${value} is beyond 2^53 - 1`);
    }
    return Number(value);
  }

  /** `size` bytes, copied, so that a value outlives the buffer that it came in. */
  bytes(size: number): Bytes {
    const at = this.#take(size);
    return this.#bytes.slice(at, at + size);
  }

  /** A byte string behind its length in one byte. */
  vector8(): Bytes {
    return this.bytes(this.u8());
  }

  /** A byte string behind its length in two bytes. */
  vector16(): Bytes {
    return this.bytes(this.u16());
  }

  /** Everything that is left. */
  rest(): Bytes {
    return this.bytes(this.remaining);
  }

  /**
   * UTF-8 of at most `sizeMaxBytes` behind its length in two bytes; invalid UTF-8 is `malformed`, never
   * replaced.
   */
  text16(sizeMaxBytes: number): string {
    const size = this.u16();
    if (size > sizeMaxBytes) this.fail(`a text has ${size} bytes, at most ${sizeMaxBytes} are allowed`);
    const at = this.#take(size);
    try {
      return decoder.decode(this.#bytes.subarray(at, at + size));
    } catch {
      return this.fail("a text is not valid UTF-8");
    }
  }

  /** Throws `malformed` unless everything was read. */
  end(): void {
    if (this.remaining !== 0) this.fail(`${this.remaining} bytes follow its end`);
  }

  /** Throws `malformed` with a reason. */
  fail(why: string): never {
    throw new StxError("malformed", `Cannot read ${this.#what}: ${why}`);
  }
}

// "ignoreBOM" keeps a leading U+FEFF in the text, so that decoding and encoding again gives the same bytes.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function u8(value: number): Bytes {
  return Uint8Array.of(value);
}

export function u16(value: number): Bytes {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value);
  return bytes;
}

export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function u64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

export function i64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
}

/** A byte string of at most 255 bytes behind its length. */
export function vector8(bytes: Uint8Array): Bytes {
  return concat(u8(bytes.length), bytes);
}

/** A byte string of at most 65,535 bytes behind its length. */
export function vector16(bytes: Uint8Array): Bytes {
  return concat(u16(bytes.length), bytes);
}
