/**
 * A line between a sender and a receiver, as slow as it is told to be, that looks for what must not be seen on it.
 * @module
 */
import { Buffer } from "node:buffer";

/** What is looked for on the line. */
export interface Needle {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A TCP relay on a free port of 127.0.0.1. */
export class Relay implements AsyncDisposable {
  /** Bytes that went through, both ways together. */
  bytesRelayed = 0;
  /** The names of the needles that were seen in either direction. */
  readonly seen = new Set<string>();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #upstreamPort: number;
  readonly #bytesPerSecond: number;
  /** As texts of one character a byte: a search in those is many times faster than one in bytes. */
  readonly #needles: readonly { readonly name: string; readonly text: string }[];

  /** Relays to `upstreamPort` of 127.0.0.1, at most `bytesPerSecond` from whoever dials. */
  constructor(upstreamPort: number, bytesPerSecond: number, needles: readonly Needle[]) {
    this.#upstreamPort = upstreamPort;
    this.#bytesPerSecond = bytesPerSecond;
    this.#needles = needles.map(({ name, bytes }) => ({ name, text: Buffer.from(bytes).toString("latin1") }));
    this.#accepting = this.#accept();
  }

  /** The port to dial. */
  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      let server: Deno.TcpConn;
      try {
        server = await Deno.connect({ hostname: "127.0.0.1", port: this.#upstreamPort });
      } catch {
        // Nobody listens there at the moment: the client sees its connection end, and dials again.
        client.close();
        continue;
      }
      this.#connections.add(client).add(server);
      const pumps = Promise.all([
        this.#pump(client, server, this.#bytesPerSecond),
        this.#pump(server, client, Infinity),
      ]).then(() => {
        for (const connection of [client, server]) {
          this.#connections.delete(connection);
          close(connection);
        }
      });
      this.#pumps.add(pumps);
      pumps.finally(() => this.#pumps.delete(pumps));
    }
  }

  /** Copies until `from` ends; a broken connection ends both. */
  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, bytesPerSecond: number): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const overlap = Math.max(0, ...this.#needles.map((needle) => needle.text.length - 1));
    let before = "";
    const start = performance.now();
    let count = 0;
    try {
      for (;;) {
        const size = await from.read(buffer);
        if (size === null) break;
        const bytes = buffer.subarray(0, size);
        before = this.#look(before, bytes, overlap);
        for (let at = 0; at < size;) at += await to.write(bytes.subarray(at));
        count += size;
        this.bytesRelayed += size;
        const aheadMs = start + count / bytesPerSecond * 1000 - performance.now();
        if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      }
      await to.closeWrite();
    } catch {
      close(from);
      close(to);
    }
  }

  /** Looks for the needles in what went before and `bytes`; returns what has to be remembered. */
  #look(before: string, bytes: Uint8Array, overlap: number): string {
    const joined = before + Buffer.from(bytes).toString("latin1");
    for (const needle of this.#needles) if (joined.includes(needle.text)) this.seen.add(needle.name);
    return joined.slice(Math.max(0, joined.length - overlap));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#accepting;
    await Promise.all(this.#pumps);
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
