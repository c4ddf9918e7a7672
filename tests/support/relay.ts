/**
 * A line between a sender and a receiver that does to them what lines do: it counts, it is slow, it is cut, it is
 * noisy, and somebody may listen in.
 * @module
 */

/** What the line does, mostly to what the client sends. */
export interface RelayOptions {
  /** Limits the rate. */
  readonly bytesPerSecond?: number;
  /**
   * After how many of the client's bytes the n-th connection is cut, 0 for the first; `undefined` for not at all.
   */
  readonly cutAfter?: (connection: number) => number | undefined;
  /** Changes bytes in place; `at` is how many the client sent before them over this connection. */
  readonly damage?: (bytes: Uint8Array, at: number) => void;
  /** The same for what the server answers. */
  readonly damageAnswers?: (bytes: Uint8Array, at: number) => void;
  /**
   * Says whether what the server answers over the n-th connection gets lost, once the client has sent this much.
   */
  readonly mute?: (connection: number, bytesFromClient: number) => boolean;
  /**
   * What somebody on the way answers the first bytes of the n-th connection with, before hanging up, in the server's
   * place; `undefined` lets it through.
   */
  readonly answer?: (connection: number) => Uint8Array | undefined;
  /** Keeps all that goes through, in both directions, for {@link Relay.captured}. */
  readonly capture?: boolean;
}

/** How far one connection is. */
interface Progress {
  readonly connection: number;
  /** Bytes that its client has sent. */
  bytes: number;
}

/** A TCP relay on a free port of 127.0.0.1. */
export class Relay implements AsyncDisposable {
  /** The port of 127.0.0.1 to which connections lead; it may change with a receiver that is started anew. */
  upstreamPort: number;
  /** Bytes that clients sent, over all connections. */
  bytesFromClient = 0;
  /** Connections so far. */
  connectionCount = 0;
  readonly #options: RelayOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #captured: Uint8Array[] = [];
  #change = Promise.withResolvers<void>();

  /** Leads to `upstream`, a port of 127.0.0.1. */
  constructor(upstream: { readonly port: number }, options: RelayOptions = {}) {
    this.upstreamPort = upstream.port;
    this.#options = options;
    this.#accepting = this.#accept();
  }

  /** The port to connect to. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Resolves when clients have sent this many bytes. */
  async passed(bytes: number): Promise<void> {
    while (this.bytesFromClient < bytes) await this.#change.promise;
  }

  /** Cuts the connections that are open now. */
  cut(): void {
    this.#cut(...this.#open);
  }

  /** All that went through, in both directions, each piece as it came. */
  captured(): Uint8Array {
    const all = new Uint8Array(this.#captured.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of this.#captured) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const connection = this.connectionCount++;
      const answer = this.#options.answer?.(connection);
      if (answer !== undefined) {
        await answerAndHangUp(client, answer);
        continue;
      }
      let server: Deno.TcpConn;
      try {
        server = await Deno.connect({ hostname: "127.0.0.1", port: this.upstreamPort });
      } catch {
        // Nobody listens at the moment: the client sees its connection end.
        client.close();
        continue;
      }
      this.#open.add(client).add(server);
      const progress = { connection, bytes: 0 };
      const both = Promise.all([
        this.#carry(client, server, progress),
        this.#carryBack(server, client, progress),
      ]).then(() => this.#cut(client, server));
      this.#pumps.add(both);
      both.finally(() => this.#pumps.delete(both));
    }
  }

  async #carry(client: Deno.TcpConn, server: Deno.TcpConn, progress: Progress): Promise<void> {
    const { bytesPerSecond = Infinity, damage } = this.#options;
    const cutAfter = this.#options.cutAfter?.(progress.connection) ?? Infinity;
    // A slow line that carried large pieces would stand still in between.
    const buffer = new Uint8Array(Math.min(64 * 1024, Math.max(1024, bytesPerSecond / 50)));
    const start = performance.now();
    try {
      for (;;) {
        const size = await client.read(buffer);
        if (size === null) break;
        const bytes = buffer.subarray(0, Math.min(size, cutAfter - progress.bytes));
        damage?.(bytes, progress.bytes);
        progress.bytes += bytes.length;
        this.#keep(bytes);
        await writeAll(server, bytes);
        this.bytesFromClient += bytes.length;
        this.#change.resolve();
        this.#change = Promise.withResolvers();
        if (progress.bytes >= cutAfter) return this.#cut(client, server);
        const aheadMs = start + progress.bytes / bytesPerSecond * 1000 - performance.now();
        if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      }
      await server.closeWrite();
    } catch {
      this.#cut(client, server);
    }
  }

  async #carryBack(server: Deno.TcpConn, client: Deno.TcpConn, progress: Progress): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let count = 0;
    try {
      for (;;) {
        const size = await server.read(buffer);
        if (size === null) break;
        if (this.#options.mute?.(progress.connection, progress.bytes)) continue;
        const bytes = buffer.subarray(0, size);
        this.#options.damageAnswers?.(bytes, count);
        count += size;
        this.#keep(bytes);
        await writeAll(client, bytes);
      }
      await client.closeWrite();
    } catch {
      this.#cut(client, server);
    }
  }

  #keep(bytes: Uint8Array): void {
    if (this.#options.capture) this.#captured.push(bytes.slice());
  }

  #cut(...connections: readonly Deno.TcpConn[]): void {
    for (const connection of connections) if (this.#open.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#cut(...this.#open);
    await this.#accepting;
    this.#cut(...this.#open);
    await Promise.all(this.#pumps);
  }
}

async function answerAndHangUp(client: Deno.TcpConn, answer: Uint8Array): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    await client.read(buffer);
    await writeAll(client, answer);
    await client.closeWrite();
    // What is left unread would reset the connection, and the answer with it.
    while (await client.read(buffer) !== null);
  } catch {
    // The client was quicker.
  } finally {
    client.close();
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
