/**
 * SHA-256 of each file while all of them go by as one stream.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import type { Entry } from "../ports.ts";

/** See the module's text. */
export class FileDigests {
  readonly #sizes: readonly number[];
  readonly #digests: Bytes[] = [];
  #hash = new StreamSha256();
  #left: number;

  /** @param isSizeKnown if not, the first file takes whatever comes */
  constructor(entries: readonly Entry[], isSizeKnown: boolean) {
    const files = entries.filter((entry) => entry.kind === "file");
    this.#sizes = files.map((file) => isSizeKnown ? file.sizeBytes : Infinity);
    this.#left = this.#sizes[0] ?? 0;
    this.#skipFinished();
  }

  #skipFinished(): void {
    while (this.#left === 0 && this.#digests.length < this.#sizes.length) this.#finishFile();
  }

  #finishFile(): void {
    this.#digests.push(this.#hash.finish());
    this.#hash = new StreamSha256();
    this.#left = this.#sizes[this.#digests.length] ?? 0;
  }

  /** Takes the stream's next bytes. */
  update(bytes: Bytes): void {
    let rest = bytes;
    while (rest.length > 0 && this.#digests.length < this.#sizes.length) {
      const size = Math.min(rest.length, this.#left);
      this.#hash.update(rest.subarray(0, size));
      this.#left -= size;
      rest = rest.subarray(size);
      this.#skipFinished();
    }
  }

  /** One 32-byte hash a file, in entry order; the stream is over. */
  finish(): readonly Bytes[] {
    if (this.#left === Infinity) this.#finishFile();
    return this.#digests;
  }
}
