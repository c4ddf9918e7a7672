/**
 * Standard input as lines of text, each as soon as it is there.
 * @module
 */
import { type Bytes, concat } from "../lib/bytes/bytes.ts";
import { StxError } from "../lib/errors.ts";
import type { Streams } from "./terminal.ts";

const READ_SIZE = 64 * 1024;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** See the module's text. Calls of `next` must not overlap. */
export class InputLines {
  readonly #input: Pick<Streams["stdin"], "read">;
  readonly #sizeMax: number;
  readonly #chunk = new Uint8Array(READ_SIZE);
  #bytes: Bytes = new Uint8Array(0);
  #count = 0;
  #hasEnded = false;

  /** @param sizeMax bytes of one line, in UTF-8 and without its end; more is an error, and not kept */
  constructor(input: Pick<Streams["stdin"], "read">, sizeMax: number) {
    this.#input = input;
    this.#sizeMax = sizeMax;
  }

  /**
   * The next line without its end, LF or CR LF, which the last one need not have; `undefined` at the end of the input.
   * Rejects with `usage` for a line that is too long or no UTF-8, with `disk` where the input cannot be read.
   */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#bytes.indexOf(LINE_FEED);
      if (end >= 0) {
        const line = this.#bytes.subarray(0, end);
        this.#bytes = this.#bytes.subarray(end + 1);
        return this.#text(line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line);
      }
      if (this.#hasEnded) {
        const line = this.#bytes;
        this.#bytes = new Uint8Array(0);
        return line.length === 0 ? undefined : this.#text(line);
      }
      // Its end may be two bytes, of which one is there.
      if (this.#bytes.length > this.#sizeMax + 1) throw this.#tooLong();
      const size = await this.#read();
      if (size === null) this.#hasEnded = true;
      else this.#bytes = concat(this.#bytes, this.#chunk.subarray(0, size));
    }
  }

  async #read(): Promise<number | null> {
    try {
      return await this.#input.read(this.#chunk);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StxError("disk", `Cannot read standard input: ${why}`, { cause: error });
    }
  }

  #text(line: Bytes): string {
    this.#count += 1;
    if (line.length > this.#sizeMax) throw this.#tooLong();
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    } catch {
      throw new StxError("usage", `Cannot use line ${this.#count} of standard input: it is not UTF-8`);
    }
  }

  #tooLong(): StxError {
    return new StxError(
      "usage",
      `Cannot use a line of standard input: it has more than ${this.#sizeMax} bytes`,
      { hint: "a line is one value" },
    );
  }
}
