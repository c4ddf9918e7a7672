/**
 * Complete, synchronous writing to a standard stream.
 * @module
 */

/** A stream that takes bytes at once, as `Deno.stdout` does. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes all of `text` as UTF-8. Throws whatever the stream throws, except for "would block": a pipe that
 * another program has switched to non-blocking is waited for.
 */
export function writeAll(sink: Sink, text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(sink.writeSync(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
