/**
 * Strangers: connections of their own to a server, with what they take of it counted on the server's side.
 * @module
 */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { deferred } from "../../lib/bytes/deferred.ts";
import { connDuplex, listen } from "../../lib/net/tcp.ts";
import type { Duplex } from "../../lib/ports.ts";
import { type Frame, FrameAssembler } from "../../lib/wire/frame.ts";

const READ_SIZE = 64 * 1024;
/** Where a stranger comes from unless it is told otherwise. */
const HOME = "127.0.0.1";

/** The server's side of a stranger's connection. It notices what the server does and changes nothing. */
export class Visit implements Duplex {
  readonly #duplex: Duplex;
  readonly #nowMs: () => number;
  readonly #onClose: () => void;
  readonly #finished = deferred<void>();
  #taken = deferred<void>();
  /** Bytes that the server has read. */
  takenBytes = 0;
  /** How many these were when it first answered or hung up since {@link mark}. */
  takenAtAnswer: number | undefined;
  /** When it had ended its own direction, on the server's clock. */
  endedMs: number | undefined;
  /** When it had let go of the connection. */
  closedMs: number | undefined;

  /** @param onClose called when the server lets go of the connection */
  constructor(duplex: Duplex, nowMs: () => number, onClose: () => void) {
    this.#duplex = duplex;
    this.#nowMs = nowMs;
    this.#onClose = onClose;
  }

  /** Reads; an end of the stream counts as bytes that were taken, so that nobody waits for more. */
  async read(into: Bytes): Promise<number | null> {
    let size: number | null = null;
    try {
      size = await this.#duplex.read(into);
      return size;
    } finally {
      this.takenBytes += size ?? 0;
      this.#taken.resolve();
      this.#taken = deferred<void>();
    }
  }

  /** Writes. */
  async write(bytes: Bytes): Promise<void> {
    this.#answer();
    await this.#duplex.write(bytes);
  }

  /** Ends the server's direction. */
  async closeWrite(): Promise<void> {
    this.#answer();
    this.endedMs ??= this.#nowMs();
    await this.#duplex.closeWrite();
  }

  /** Ends both. */
  close(): void {
    if (this.closedMs === undefined) {
      this.#answer();
      this.closedMs = this.#nowMs();
      this.endedMs ??= this.closedMs;
      this.#taken.resolve();
      this.#onClose();
    }
    this.#duplex.close();
  }

  #answer(): void {
    this.takenAtAnswer ??= this.takenBytes;
  }

  /** Forgets what the server has answered so far. */
  mark(): void {
    this.takenAtAnswer = undefined;
  }

  /** Resolves once the server has read so many bytes, or has let go. */
  async taken(sizeBytes: number): Promise<void> {
    while (this.takenBytes < sizeBytes && this.closedMs === undefined) await this.#taken.promise;
  }

  /** The server has finished with it. */
  finish(): void {
    this.#finished.resolve();
  }

  /** Resolves when the server has finished with it. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }
}

/** One stranger's connection. Whatever the server does to it, nothing here throws. */
export class Stranger {
  /** What the server makes of it. */
  readonly visit: Visit;
  readonly #duplex: Duplex;
  readonly #frames = new FrameAssembler();
  #saidBytes = 0;

  /** Made by {@link Door.knock}. */
  constructor(duplex: Duplex, visit: Visit) {
    this.#duplex = duplex;
    this.visit = visit;
  }

  /** Says something; resolves once the server has read all that was said, or has hung up. */
  async say(bytes: Bytes): Promise<void> {
    this.#saidBytes += bytes.length;
    await this.#write(bytes);
    await this.visit.taken(this.#saidBytes);
  }

  /** Says something in pieces, one straight after the other, for as long as the server is there. */
  async pour(pieces: Iterable<Bytes>): Promise<void> {
    for (const piece of pieces) {
      this.#saidBytes += piece.length;
      if (this.visit.closedMs !== undefined || !await this.#write(piece)) return;
    }
  }

  async #write(bytes: Bytes): Promise<boolean> {
    try {
      await this.#duplex.write(bytes);
      return true;
    } catch {
      // The server has hung up, which is what may well happen.
      return false;
    }
  }

  /** The next frame that the server says, or `undefined` where it hangs up. */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#frames.next();
      if (frame !== undefined) return frame;
      const bytes = await this.#read();
      if (bytes === undefined) return undefined;
      this.#frames.push(bytes);
    }
  }

  /** All that the server still says until it hangs up. */
  async rest(): Promise<Bytes> {
    const parts = [this.#frames.takeRest()];
    for (;;) {
      const bytes = await this.#read();
      if (bytes === undefined) return concat(...parts);
      parts.push(bytes);
    }
  }

  async #read(): Promise<Bytes | undefined> {
    const buffer = new Uint8Array(READ_SIZE);
    const size = await this.#duplex.read(buffer).catch(() => null);
    return size === null ? undefined : buffer.slice(0, size);
  }

  /** Goes. */
  leave(): void {
    this.#duplex.close();
  }

  /** Goes, and waits until the server has finished with it. */
  async left(): Promise<void> {
    this.leave();
    await this.visit.finished;
  }
}

/** Where strangers come in: a port of its own, behind which the same server is. */
export class Door implements AsyncDisposable {
  readonly #serve: (duplex: Duplex, address: string) => Promise<void>;
  readonly #addressOf: (visit: number) => string;
  readonly #nowMs: () => number;
  readonly #listener = listen(HOME, 0);
  readonly #accepting: Promise<void>;
  readonly #strangers: Stranger[] = [];
  /** By the stranger's port. */
  readonly #visits = new Map<number, ReturnType<typeof deferred<Visit>>>();
  readonly #serving = new Set<Promise<void>>();
  #count = 0;
  #change = deferred<void>();
  /** Connections that the server has let go of. */
  closedCount = 0;
  /** Connections that the server holds. */
  held = 0;
  /** The most that it has held at once. */
  heldMax = 0;

  /**
   * Opens it.
   * @param serve serves one connection to its end, as the server does; must not reject
   * @param nowMs the server's clock
   * @param addressOf where the n-th visitor seems to come from: one machine has only one address that is sure
   */
  constructor(
    serve: (duplex: Duplex, address: string) => Promise<void>,
    nowMs: () => number,
    addressOf: (visit: number) => string = () => HOME,
  ) {
    this.#serve = serve;
    this.#nowMs = nowMs;
    this.#addressOf = addressOf;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      this.held += 1;
      this.heldMax = Math.max(this.heldMax, this.held);
      const visit = new Visit(connDuplex(conn), this.#nowMs, () => this.#noteClosed());
      const serving = this.#serve(visit, this.#addressOf(this.#count++)).finally(() => {
        visit.close();
        visit.finish();
        this.#serving.delete(serving);
      });
      this.#serving.add(serving);
      this.#visitOf(conn.remoteAddr.port).resolve(visit);
    }
  }

  #visitOf(port: number): ReturnType<typeof deferred<Visit>> {
    const visit = this.#visits.get(port) ?? deferred<Visit>();
    this.#visits.set(port, visit);
    return visit;
  }

  #noteClosed(): void {
    this.held -= 1;
    this.closedCount += 1;
    this.#change.resolve();
    this.#change = deferred<void>();
  }

  /** Resolves once the server has let go of so many. */
  async closed(count: number): Promise<void> {
    while (this.closedCount < count) await this.#change.promise;
  }

  /** Connects; resolves once the server has begun with it. */
  async knock(): Promise<Stranger> {
    const { port } = this.#listener.addr;
    const conn = await Deno.connect({ hostname: HOME, port });
    conn.setNoDelay(true);
    const own = conn.localAddr.port;
    const visit = await this.#visitOf(own).promise;
    // The system gives the number to another one day.
    this.#visits.delete(own);
    const stranger = new Stranger(connDuplex(conn), visit);
    this.#strangers.push(stranger);
    return stranger;
  }

  /** The server's side of all who have come, in the order of their coming. */
  get visits(): readonly Visit[] {
    return this.#strangers.map(({ visit }) => visit);
  }

  /** Everybody goes; resolves when the server has finished with the last. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const stranger of this.#strangers) {
      stranger.leave();
      stranger.visit.close();
    }
    await this.#accepting;
    while (this.#serving.size > 0) await Promise.all(this.#serving);
  }
}
