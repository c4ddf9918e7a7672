/**
 * How much of a stream survives a crash. The mark moves in the background, every so many bytes or seconds, and
 * only after the data itself is durable: first the disk, then the journal, then the peer.
 * @module
 */
import { DURABLE_EVERY_BYTES, DURABLE_EVERY_MS } from "../limits.ts";
import type { Clock, PartialTransfer } from "../ports.ts";

/** What a mark works with. */
export interface DurableMarkOptions {
  readonly partial: PartialTransfer;
  readonly clock: Clock;
  /** The mark stands at whole blocks, since a transfer continues with a whole block. */
  readonly blockSizeBytes: number;
  readonly startBytes: number;
  /** Writes the mark to the journal; durable when the call returns. */
  readonly save: (durableBytes: number) => void;
  /** Tells the sender. */
  readonly tell: (durableBytes: number) => void;
}

/** See the module's text. */
export class DurableMark {
  readonly #options: DurableMarkOptions;
  #writtenBytes: number;
  #durableBytes: number;
  #lastMs: number;
  #syncing: Promise<void> | undefined;
  #failure: unknown;

  constructor(options: DurableMarkOptions) {
    this.#options = options;
    this.#writtenBytes = options.startBytes;
    this.#durableBytes = options.startBytes;
    this.#lastMs = options.clock.nowMs();
  }

  /** The stream has been written up to here. Waits only where the disk is a whole step behind; throws its failure. */
  async advance(writtenBytes: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#writtenBytes = writtenBytes;
    const behind = writtenBytes - this.#durableBytes;
    if (this.#syncing !== undefined) {
      // Without this, a slow disk would be left behind by hundreds of megabytes of memory.
      if (behind > 4 * DURABLE_EVERY_BYTES) await this.#syncing;
      return;
    }
    const nowMs = this.#options.clock.nowMs();
    // The machine's clock may be set back: the next mark must not wait until it has caught up.
    this.#lastMs = Math.min(this.#lastMs, nowMs);
    const elapsedMs = nowMs - this.#lastMs;
    if (behind >= DURABLE_EVERY_BYTES || (elapsedMs >= DURABLE_EVERY_MS && behind > 0)) this.#sync();
  }

  #sync(): void {
    const { partial, clock, blockSizeBytes, save, tell } = this.#options;
    const mark = Math.floor(this.#writtenBytes / blockSizeBytes) * blockSizeBytes;
    this.#syncing = (async () => {
      try {
        await partial.sync();
        if (mark > this.#durableBytes) {
          save(mark);
          this.#durableBytes = mark;
          tell(mark);
        }
      } catch (error) {
        this.#failure = error;
      }
      this.#lastMs = clock.nowMs();
      this.#syncing = undefined;
    })();
  }

  /** Makes everything written so far durable and moves the mark there; throws the disk's failure. */
  async settle(): Promise<void> {
    await this.#syncing;
    if (this.#failure === undefined) {
      this.#sync();
      await this.#syncing;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when nothing is being made durable any more, whatever came of it. */
  async idle(): Promise<void> {
    await this.#syncing;
  }

  /** Sets the mark back to the stream's start, and leaves it there: what is on disk is not to be continued. */
  async reset(): Promise<void> {
    await this.#syncing;
    this.#durableBytes = 0;
    this.#writtenBytes = 0;
    this.#options.save(0);
  }
}
