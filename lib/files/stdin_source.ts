/**
 * A stream without a file behind it, such as standard input, as the source of a transfer.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Clock, Entry, Source } from "../ports.ts";

/**
 * Offers `readable` as one file `name`, modified now, readable by all. Its size is not known: the entry says 0.
 * It can be read once, so a transfer of it cannot be resumed.
 */
export function stdinSource(readable: ReadableStream<Uint8Array>, name: string, clock: Clock): StdinSource {
  return new StdinSource(readable, {
    path: name,
    kind: "file",
    sizeBytes: 0,
    mtimeMs: clock.nowMs(),
    mode: 0o644,
  });
}

/** A source that is read once, from its start. */
export class StdinSource implements Source {
  /** The one file that the stream becomes. */
  readonly entries: readonly Entry[];
  /** Not known before the end. */
  readonly sizeBytes: undefined = undefined;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What the last chunk had beyond the room of the last read. */
  #rest: Uint8Array = new Uint8Array(0);
  #hasBegun = false;

  /** Reads `readable` as the content of `entry`. */
  constructor(readable: ReadableStream<Uint8Array>, entry: Entry) {
    this.entries = [entry];
    this.#reader = readable.getReader();
  }

  /** Throws `disk` if the stream fails. */
  async read(into: Bytes): Promise<number> {
    this.#hasBegun = true;
    let filled = 0;
    while (filled < into.length) {
      if (this.#rest.length === 0) {
        const chunk = await this.#nextChunk();
        if (chunk === undefined) break;
        this.#rest = chunk;
      }
      const part = this.#rest.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return filled;
  }

  /** Throws `source_changed` for any place but the start, and for that once reading has begun. */
  seek(offsetBytes: number): void {
    if (offsetBytes === 0 && !this.#hasBegun) return;
    throw new StxError("source_changed", "Cannot send standard input again: what was read from it is gone", {
      hint: "Write it to a file and send that, if the connection may be cut.",
    });
  }

  /** A stream that is read once has nothing to compare with. */
  checkUnchanged(): void {}

  /** Gives the stream up; what it still holds is dropped. */
  close(): void {
    this.#rest = new Uint8Array(0);
    // A stream that has failed says so again here, and nobody is left to hear it.
    this.#reader.cancel().catch(() => {});
  }

  async #nextChunk(): Promise<Uint8Array | undefined> {
    try {
      const { value } = await this.#reader.read();
      return value;
    } catch (error) {
      throw new StxError("disk", "Cannot read standard input: the stream failed", { cause: error });
    }
  }
}
