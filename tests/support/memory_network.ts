/** A network in memory: who dials a port is connected to whoever listens there. */
import type { Listening, Network } from "../../cli/attack_sim/network.ts";
import { StxError } from "../../lib/errors.ts";
import type { Duplex } from "../../lib/ports.ts";
import { memoryLine } from "./memory_duplex.ts";

/** A port with its connections that nobody has taken yet. */
class MemoryListening implements Listening {
  readonly port: number;
  readonly #waiting: Duplex[] = [];
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(port: number) {
    this.port = port;
  }

  async *connections(): AsyncIterable<Duplex> {
    for (;;) {
      const duplex = this.#waiting.shift();
      if (duplex !== undefined) yield duplex;
      else if (this.#isClosed) return;
      else await this.#changed.promise;
    }
  }

  connect(): Duplex {
    if (this.#isClosed) throw new StxError("connection_lost", "Nobody listens there any more");
    const [there, here] = memoryLine();
    this.#waiting.push(here);
    this.#signal();
    return there;
  }

  close(): void {
    this.#isClosed = true;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** See the module's text. Each has ports of its own. */
export function memoryNetwork(): Network {
  const ports: MemoryListening[] = [];
  return {
    listen() {
      const listening = new MemoryListening(ports.length);
      ports.push(listening);
      return listening;
    },
    // Dialling takes a turn, as with a socket.
    dial: (port) => Promise.resolve().then(() => ports[port]!.connect()),
  };
}
