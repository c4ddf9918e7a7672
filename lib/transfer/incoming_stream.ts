/**
 * The data stream on its way in: every block is checked for its place before a byte of it is written.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { escapeControls } from "../bytes/escape.ts";
import { release } from "../bytes/memory.ts";
import { StxError } from "../errors.ts";
import type { Entry } from "../ports.ts";
import { decodeData, decodeEnd, DIGEST_SIZE, type End, type Message, type Offer } from "../wire/message.ts";

/** See the module's text. */
export class IncomingStream {
  readonly #offer: Offer;
  readonly #write: (bytes: Bytes) => void | Promise<void>;
  #index: number;
  #sizeBytes: number;
  #crc: number;
  readonly #digests: Bytes[] = [];

  /**
   * @param startBytes what of the stream is there already, in whole blocks or all of it
   * @param crc its CRC-32
   */
  constructor(offer: Offer, startBytes: number, crc: number, write: (bytes: Bytes) => void | Promise<void>) {
    this.#offer = offer;
    this.#index = Math.ceil(startBytes / offer.blockSizeBytes);
    this.#sizeBytes = startBytes;
    this.#crc = crc;
    this.#write = write;
  }

  /** Bytes of the stream that are written. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Takes a DATA message, whose memory it frees. Throws `malformed` for a block that is not the next one or has
   * not its size.
   * @param check is asked with the size that the stream will have, before anything is written
   */
  async takeBlock(message: Message, check: (sizeBytes: number) => void): Promise<void> {
    const { index, data } = decodeData(message.body);
    this.checkPlace(index, data.length);
    check(this.#sizeBytes + data.length);
    await this.#write(data);
    this.#crc = crc32(data, this.#crc);
    this.#sizeBytes += data.length;
    this.#index += 1;
    release(message.body);
  }

  /** Throws `malformed` for a block that is not the next one or has not its size. */
  protected checkPlace(index: number, blockBytes: number): void {
    const { blockSizeBytes, sizeBytes: total } = this.#offer;
    const at = this.#sizeBytes;
    const left = total === null ? Infinity : total - at;
    const isFull = blockBytes === blockSizeBytes;
    const isLast = total === null ? blockBytes > 0 : blockBytes === left && left > 0;
    if (
      index === this.#index && at % blockSizeBytes === 0 && blockBytes <= Math.min(blockSizeBytes, left) &&
      (isFull || isLast)
    ) {
      return;
    }
    throw new StxError(
      "malformed",
      `Cannot take block ${index} of ${blockBytes} bytes: expected block ${this.#index} at byte ${at}`,
    );
  }

  /** Takes a DIGESTS message; throws `malformed` for what was not announced. */
  takeDigests(message: Message): void {
    if (!this.#offer.withDigests || message.body.length % DIGEST_SIZE !== 0) {
      throw new StxError("malformed", "Cannot take DIGESTS: none were announced, or one is not whole");
    }
    for (let at = 0; at < message.body.length; at += DIGEST_SIZE) {
      this.#digests.push(message.body.slice(at, at + DIGEST_SIZE));
    }
    if (this.#digests.length > this.#offer.entryCount) {
      throw new StxError("malformed", "Cannot take DIGESTS: there are more than files");
    }
  }

  /** Takes END; throws `digest_mismatch` if what it says is not what came. */
  takeEnd(message: Message): void {
    const end = decodeEnd(message.body);
    const total = this.#offer.sizeBytes ?? end.sizeBytes;
    this.checkTotals(end, total);
    this.checkChecksum(end.crc32, this.#crc);
  }

  /** Throws `digest_mismatch` where more or less came than the sender says. */
  protected checkTotals(end: End, total: number): void {
    if (end.sizeBytes === this.#sizeBytes && total === this.#sizeBytes && end.blockCount === this.#index) {
      return;
    }
    throw new StxError(
      "digest_mismatch",
      `Cannot finish: ${this.#sizeBytes} bytes in ${this.#index} blocks came, the sender says ` +
        `${end.sizeBytes} in ${end.blockCount}`,
    );
  }

  /** Throws `digest_mismatch` where the stream's CRC-32 is not the sender's. */
  protected checkChecksum(sent: number, received: number): void {
    if (sent === received) return;
    throw new StxError("digest_mismatch", "Cannot finish: the checksum of the whole is not the sender's");
  }

  /**
   * Returns the files' hashes as they were read back from disk if they are what the sender gave; throws
   * `digest_mismatch` if not, `malformed` if it gave more or fewer.
   */
  compareDigests(onDisk: readonly Bytes[], entries: readonly Entry[]): readonly Bytes[] {
    const files = entries.filter((entry) => entry.kind === "file");
    if (this.#digests.length !== files.length) {
      throw new StxError(
        "malformed",
        `Cannot finish: ${this.#digests.length} digests came for ${files.length} files`,
      );
    }
    this.checkReadBack(onDisk, this.#digests, files);
    return onDisk;
  }

  /** Throws `digest_mismatch` where a file's hash, read back from disk, is not the sender's. */
  protected checkReadBack(onDisk: readonly Bytes[], sent: readonly Bytes[], files: readonly Entry[]): void {
    const wrong = files.findIndex((_, i) => !equal(onDisk[i]!, sent[i]!));
    if (wrong < 0) return;
    const path = escapeControls(files[wrong]!.path);
    throw new StxError("digest_mismatch", `the file ${path} does not read back from disk as it was sent`);
  }
}
