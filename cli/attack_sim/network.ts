/**
 * What a world's connections run over: the loopback interface, or memory where a test plays very many of them.
 * @module
 */
import { connDuplex, dial, listen } from "../../lib/net/tcp.ts";
import type { Duplex } from "../../lib/ports.ts";

/** Somebody who listens. */
export interface Listening {
  /** Where to dial. */
  readonly port: number;
  /** The connections as they come, until it is closed. */
  connections(): AsyncIterable<Duplex>;
  /** Takes no more connections; those that there are stay. */
  close(): void;
}

/** See the module's text. */
export interface Network {
  /** Listens on a free port. */
  listen(): Listening;
  /** Connects to a port. Throws `connection_lost` where nobody listens. */
  dial(port: number): Promise<Duplex>;
}

const HOST = "127.0.0.1";

/** Real sockets. */
export const loopback: Network = {
  listen() {
    const listener = listen(HOST, 0);
    return {
      port: listener.addr.port,
      async *connections() {
        for await (const conn of listener) {
          conn.setNoDelay(true);
          yield connDuplex(conn);
        }
      },
      close: () => listener.close(),
    };
  },
  dial: (port) => dial(HOST, port),
};
