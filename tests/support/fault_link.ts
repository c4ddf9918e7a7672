/**
 * A long, thin line: so many bytes a second and so much delay in each direction, with a short queue before it, as a
 * modem has. What one end has sent and the line has not carried yet is lost with a cut.
 * @module
 */

/** What the line is like. */
export interface LinkOptions {
  readonly bytesPerSecond: number;
  /** One way. */
  readonly delayMs: number;
}

/** Bytes that wait before the line at most; more is left with whoever sends it. */
const QUEUE_SIZE_MAX = 16 * 1024;
const PIECE_SIZE = 1024;

/** See the module's text: a TCP relay on a free port of 127.0.0.1. */
export class FaultLink implements AsyncDisposable {
  /** Bytes of clients that came out at the other end. */
  carriedBytes = 0;
  /** Connections so far. */
  connectionCount = 0;
  readonly #upstreamPort: number;
  readonly #options: LinkOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Leads to a port of 127.0.0.1. */
  constructor(upstream: { readonly port: number }, options: LinkOptions) {
    this.#upstreamPort = upstream.port;
    this.#options = options;
    this.#accepting = this.#accept();
  }

  /** The port to connect to. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.connectionCount += 1;
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#upstreamPort });
      client.setNoDelay(true);
      server.setNoDelay(true);
      this.#open.add(client).add(server);
      const both = Promise.all([
        this.#carry(client, server, (size) => this.carriedBytes += size),
        this.#carry(server, client, () => {}),
      ]).then(() => {
        for (const each of [client, server]) if (this.#open.delete(each)) each.close();
      });
      this.#pumps.add(both);
      both.finally(() => this.#pumps.delete(both));
    }
  }

  /** Carries one direction until it ends or is cut. */
  async #carry(from: Deno.TcpConn, to: Deno.TcpConn, onCarried: (size: number) => void): Promise<void> {
    const { bytesPerSecond, delayMs } = this.#options;
    let freeAtMs = performance.now();
    let last: Promise<unknown> = Promise.resolve();
    try {
      for (;;) {
        const piece = new Uint8Array(PIECE_SIZE);
        const size = await from.read(piece);
        if (size === null) break;
        freeAtMs = Math.max(freeAtMs, performance.now()) + size / bytesPerSecond * 1000;
        const atMs = freeAtMs + delayMs;
        last = last.then(async () => {
          await until(atMs);
          await writeAll(to, piece.subarray(0, size));
          onCarried(size);
        });
        last.catch(() => {});
        await until(freeAtMs - QUEUE_SIZE_MAX / bytesPerSecond * 1000);
      }
      await last;
      await to.closeWrite();
    } catch {
      // Cut, by either end or by the line.
      for (const each of [from, to]) if (this.#open.delete(each)) each.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
    this.cut();
    await Promise.all(this.#pumps);
  }
}

async function until(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 1) await new Promise((resolve) => setTimeout(resolve, leftMs));
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
