/**
 * A pair of Web Streams as a duplex: sessions over whatever has a readable and a writable side.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { deferred } from "../bytes/deferred.ts";
import { StxError } from "../errors.ts";
import type { Duplex } from "../ports.ts";

/** As much as Linux hands over at once. */
const BUFFER_SIZE = 256 * 1024;

/** A connection as Web Streams: reliable and in order in both directions. */
export interface ByteStreams {
  /** What the peer sends, cut into chunks of any size. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer gets. */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * A pair of Web Streams as a duplex. It takes both streams for itself and throws `TypeError` if one of them is locked
 * already. The end of one direction leaves the other as it is, so far as the streams themselves do: a WebSocket's,
 * and those of a `Deno.Conn`, end together, for which {@link connDuplex} is the better choice with the latter.
 *
 * Bytes are copied on their way in and out, since the receiver of a chunk may do with it as it likes. A write takes as
 * long as the stream's own, so a slow peer is felt. `close` cancels the one stream and aborts the other.
 *
 * @example Both ends of a line in memory
 * ```ts
 * import { streamDuplex } from "@stx/stx";
 *
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 * const left = streamDuplex({ readable: back.readable, writable: there.writable });
 * const right = streamDuplex({ readable: there.readable, writable: back.writable });
 *
 * const writing = left.write(new TextEncoder().encode("hello"));
 * const buffer = new Uint8Array(100);
 * const size = await right.read(buffer);
 * await writing;
 * if (new TextDecoder().decode(buffer.subarray(0, size!)) !== "hello") throw new Error("not what was written");
 * left.close();
 * right.close();
 * ```
 */
export function streamDuplex({ readable, writable }: ByteStreams): Duplex {
  const writer = writable.getWriter();
  let reader: ChunkReader;
  try {
    reader = chunksOf(readable);
  } catch (error) {
    writer.releaseLock();
    throw error;
  }
  /** What is left of a chunk that was larger than its reader's buffer. */
  let rest: Uint8Array | undefined;
  let isClosed = false;
  /** What ends those that wait. */
  const waiting = new Set<(reason: unknown) => void>();

  /** As `work`, but not beyond the end: a stream may hold on to a write that is under way. */
  async function untilClosed<T>(work: () => Promise<T>): Promise<T> {
    if (isClosed) throw closedHere();
    const { promise, resolve, reject } = deferred<T>();
    waiting.add(reject);
    work().then(resolve, reject);
    try {
      return await promise;
    } finally {
      waiting.delete(reject);
    }
  }

  return {
    read: (into) =>
      untilClosed(async () => {
        while (rest === undefined) {
          const chunk = await reader.next();
          if (chunk === undefined) return null;
          if (!(chunk instanceof Uint8Array)) {
            throw new TypeError("Cannot read from a stream: it is not one of bytes");
          }
          if (chunk.length > 0) rest = chunk;
        }
        const part = rest.subarray(0, into.length);
        into.set(part);
        rest = part.length < rest.length ? rest.subarray(part.length) : undefined;
        return part.length;
      }),
    // A stream may detach what it is given, and a record may have to be sent again.
    write: (bytes: Bytes) => untilClosed(() => writer.write(bytes.slice())),
    closeWrite: () => untilClosed(() => writer.close()),
    close() {
      isClosed = true;
      const reason = closedHere();
      for (const reject of waiting) reject(reason);
      // Nobody is left to hear how the streams take it.
      reader.cancel(reason).catch(() => {});
      writer.abort(reason).catch(() => {});
    },
  };
}

/** Reads a stream, however it wants to be read. */
interface ChunkReader {
  /** The next chunk, `undefined` at the end; it may be overwritten by the next call. */
  next(): Promise<Uint8Array | undefined>;
  cancel(reason: unknown): Promise<void>;
}

/** Streams that fill a buffer of their reader's, as sockets do, are read that way: twice as fast. */
function chunksOf(readable: ReadableStream<Uint8Array>): ChunkReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = readable.getReader({ mode: "byob" });
  } catch {
    // It cannot do that; if it is locked, it cannot do this either.
    const plain = readable.getReader();
    return { next: async () => (await plain.read()).value, cancel: (reason) => plain.cancel(reason) };
  }
  let buffer = new ArrayBuffer(BUFFER_SIZE);
  return {
    async next() {
      // A read takes the buffer away, and gives it back unless it ends or fails.
      if (buffer.byteLength === 0) buffer = new ArrayBuffer(BUFFER_SIZE);
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return undefined;
      buffer = value.buffer;
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function closedHere(): StxError {
  return new StxError("connection_lost", "The connection was closed by this side");
}
