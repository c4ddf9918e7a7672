/**
 * A connection from which an end of the first designs reads so many bytes at a time.
 * @module
 */
import { type Bytes, concat } from "../../bytes/bytes.ts";
import { StxError } from "../../errors.ts";
import type { Duplex } from "../../ports.ts";

const READ_SIZE = 64 * 1024;

/** See the module's text. */
export class SeedLine {
  readonly #duplex: Duplex;
  #rest: Bytes = new Uint8Array(0);

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
  }

  /** The next `size` bytes; `undefined` where the stream ends before the first. Throws `connection_lost` within. */
  async take(size: number): Promise<Bytes | undefined> {
    while (this.#rest.length < size) {
      const more = await this.more();
      if (more !== undefined) {
        this.#rest = concat(this.#rest, more);
        continue;
      }
      if (this.#rest.length === 0) return undefined;
      throw new StxError("connection_lost", "Cannot read a message: the connection ended within it");
    }
    const taken = this.#rest.slice(0, size);
    this.#rest = this.#rest.slice(size);
    return taken;
  }

  /** The next `size` bytes. Throws `connection_lost` where the stream ends before them. */
  async need(size: number): Promise<Bytes> {
    const bytes = await this.take(size);
    if (bytes !== undefined) return bytes;
    throw new StxError("connection_lost", "Cannot read a message: the connection has ended");
  }

  /** Whatever arrives next; `undefined` at the end. Throws `connection_lost` for a connection that breaks. */
  async more(): Promise<Bytes | undefined> {
    const buffer = new Uint8Array(READ_SIZE);
    try {
      const size = await this.#duplex.read(buffer);
      return size === null ? undefined : buffer.slice(0, size);
    } catch (cause) {
      throw new StxError("connection_lost", "Cannot read a message: the connection broke", { cause });
    }
  }

  /** Writes all of `bytes`. Throws `connection_lost`. */
  async write(bytes: Bytes): Promise<void> {
    try {
      await this.#duplex.write(bytes);
    } catch (cause) {
      throw new StxError("connection_lost", "Cannot send a message: the connection broke", { cause });
    }
  }

  /** Ends our direction. */
  async closeWrite(): Promise<void> {
    // Where the peer has gone first there is nothing left to end.
    await this.#duplex.closeWrite().catch(() => {});
  }
}
