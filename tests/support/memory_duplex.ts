/**
 * Two connected duplexes in memory: reliable and in order as TCP, with a buffer of a size that a test chooses, and
 * an attacker's or a bad line's hand on the bytes where a test wants one.
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Duplex } from "../../lib/ports.ts";

/** How a line behaves. */
export interface LineOptions {
  /** Bytes that are under way in one direction before a writer has to wait. */
  readonly capacityBytes?: number;
  /** What one read gives at most. */
  readonly readSizeMax?: number;
}

/** Makes a line and returns its two ends. */
export function memoryLine(options: LineOptions = {}): [MemoryDuplex, MemoryDuplex] {
  const left = new MemoryDuplex(options);
  const right = new MemoryDuplex(options);
  left.connectTo(right);
  right.connectTo(left);
  return [left, right];
}

/** One end of a line. */
export class MemoryDuplex implements Duplex {
  readonly #capacityBytes: number;
  readonly #readSizeMax: number;
  #peer!: MemoryDuplex;
  #incoming: Bytes[] = [];
  #incomingSizeBytes = 0;
  #readSizeBytes = 0;
  #hasEnd = false;
  #readError: Error | undefined;
  #writeError: Error | undefined;
  #isWriteClosed = false;
  #isClosed = false;
  #isPaused = false;
  #changed = Promise.withResolvers<void>();
  /** What becomes of the bytes that this end writes; as they are where it is not set. */
  tap: ((bytes: Bytes) => Bytes) | undefined;
  #breaks = Promise.withResolvers<void>();
  /** Resolves when this end is closed or the line is cut. */
  readonly broken = this.#breaks.promise;
  /** Every byte that this end wrote, as it left it. */
  writtenSizeBytes = 0;

  constructor(options: LineOptions) {
    this.#capacityBytes = options.capacityBytes ?? Infinity;
    this.#readSizeMax = options.readSizeMax ?? Infinity;
  }

  connectTo(peer: MemoryDuplex): void {
    this.#peer = peer;
  }

  /** Whether this end was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes that wait to be read here. */
  get waitingSizeBytes(): number {
    return this.#incomingSizeBytes;
  }

  async read(into: Bytes): Promise<number | null> {
    for (;;) {
      if (this.#isClosed) throw new Error("this end is closed");
      if (this.#readError !== undefined) throw this.#readError;
      if (this.#isPaused) {
        await this.#changed.promise;
        continue;
      }
      const first = this.#incoming[0];
      if (first !== undefined) {
        const part = first.subarray(0, Math.min(into.length, this.#readSizeMax));
        into.set(part);
        if (part.length === first.length) this.#incoming.shift();
        else this.#incoming[0] = first.subarray(part.length);
        this.#incomingSizeBytes -= part.length;
        this.#readSizeBytes += part.length;
        this.#signal();
        this.#peer.#signal();
        return part.length;
      }
      if (this.#hasEnd) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Bytes): Promise<void> {
    // Another turn, as with a socket: nothing of this may be relied on to happen at once.
    await Promise.resolve();
    const changed = this.tap === undefined ? bytes.slice() : this.tap(bytes.slice());
    this.writtenSizeBytes += changed.length;
    for (let at = 0; at < changed.length;) {
      if (this.#isClosed || this.#isWriteClosed) throw new Error("this end is closed");
      if (this.#writeError !== undefined) throw this.#writeError;
      const room = this.#capacityBytes - this.#peer.#incomingSizeBytes;
      if (room <= 0) {
        await this.#changed.promise;
        continue;
      }
      const part = changed.subarray(at, at + room);
      this.#peer.inject(part);
      at += part.length;
    }
  }

  /** Resolves when so many bytes have been read here. */
  async arrived(sizeBytes: number): Promise<void> {
    while (this.#readSizeBytes < sizeBytes) await this.#changed.promise;
  }

  /** Puts bytes where this end will read them. */
  inject(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#incoming.push(bytes.slice());
    this.#incomingSizeBytes += bytes.length;
    this.#signal();
  }

  closeWrite(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("this end is closed"));
    this.#endForPeer();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#endForPeer();
    this.#isClosed = true;
    this.#peer.#writeError ??= new Error("broken pipe");
    this.#peer.#signal();
    this.#signal();
    this.#breaks.resolve();
  }

  #endForPeer(): void {
    this.#isWriteClosed = true;
    this.#peer.#hasEnd = true;
    this.#peer.#signal();
  }

  /** The line breaks: what is under way is lost, and both ends notice. */
  cut(): void {
    for (const end of [this, this.#peer]) {
      end.#incoming = [];
      end.#incomingSizeBytes = 0;
      end.#readError = end.#writeError = new Error("connection reset");
      end.#signal();
      end.#breaks.resolve();
    }
  }

  /** Until {@link MemoryDuplex.resume}, nothing arrives here; it waits on the line. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#signal();
  }

  /** From now on this end cannot write; what it reads still comes. */
  failWrites(): void {
    this.#writeError = new Error("broken pipe");
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
