/**
 * What the worlds of the two first designs have in common: a server and a man in the middle that listen, on the loopback
 * interface as a rule, and an end to everything.
 * @module
 */
import { Middle, type Protocol, type Step, type UnitReader } from "../../lib/attacks/middle.ts";
import { type Attacker, type End, NOBODY } from "../../lib/attacks/wire.ts";
import { codeOf } from "../../lib/errors.ts";
import type { Duplex } from "../../lib/ports.ts";
import type { EndError, Played, Stage } from "./attack.ts";
import { type Listening, loopback, type Network } from "./network.ts";
import { runMiddle } from "./relay.ts";

/** What the sockets are for. */
export interface SeedWiresOptions {
  /** How the protocol's units are read. */
  readonly protocol: Protocol | ((from: End) => UnitReader);
  /** Serves one connection to its end; its error is noted as the server's. */
  readonly serve: (duplex: Duplex) => Promise<void>;
  /** The man in the middle of the n-th connection, from 0; nobody by default. */
  readonly attacker: ((connection: number) => Attacker) | undefined;
}

/** A play that takes longer hangs. */
const HANG_GUARD_MS = 20_000;

/** See the module's text. */
export class SeedWires {
  readonly steps: Step[] = [];
  readonly errors: { client?: EndError; server?: EndError } = {};
  readonly #options: SeedWiresOptions;
  readonly #network: Network;
  readonly #server: Listening;
  readonly #middle: Listening;
  readonly #open = new Set<Duplex>();
  readonly #work = new Set<Promise<void>>();
  readonly #accepting: Promise<unknown>;
  #connectionCount = 0;

  constructor({ network = loopback }: Stage, options: SeedWiresOptions) {
    this.#options = options;
    this.#network = network;
    this.#server = network.listen();
    this.#middle = network.listen();
    this.#accepting = Promise.all([
      this.#accept(this.#server, (duplex) => this.#serve(duplex)),
      this.#accept(this.#middle, (duplex) => this.#stand(duplex)),
    ]);
  }

  /** A client's connection, through the middle. */
  async dial(): Promise<Duplex> {
    return this.#keep(await this.#network.dial(this.#middle.port));
  }

  /** A connection to the server, past the middle: a stranger's. */
  async dialServer(): Promise<Duplex> {
    return this.#keep(await this.#network.dial(this.#server.port));
  }

  /** Notes an end's failure. The first counts: what follows is its consequence. */
  note(end: End, error: unknown): void {
    this.errors[end] ??= {
      code: codeOf(error) ?? "internal",
      message: error instanceof Error ? error.message : String(error),
    };
  }

  /** Adds an arrow to the diagram for something that did not pass the middle. */
  tell(step: Step): void {
    this.steps.push(step);
  }

  /** Waits until every connection has come to its end. */
  async settle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#server.close();
    this.#middle.close();
    for (const duplex of this.#open) duplex.close();
    await this.#accepting;
    await this.settle();
  }

  async #serve(duplex: Duplex): Promise<void> {
    try {
      await this.#options.serve(duplex);
    } catch (error) {
      this.note("server", error);
    } finally {
      duplex.close();
    }
  }

  async #stand(client: Duplex): Promise<void> {
    const attacker = this.#options.attacker?.(this.#connectionCount) ?? NOBODY;
    this.#connectionCount += 1;
    const server = await this.dialServer();
    const middle = new Middle(this.#options.protocol, attacker, (step) => this.tell(step));
    await runMiddle({ client, server }, middle, () => this.dialServer());
  }

  async #accept(listening: Listening, handle: (duplex: Duplex) => Promise<void>): Promise<void> {
    for await (const duplex of listening.connections()) {
      const work = handle(this.#keep(duplex));
      this.#work.add(work);
      void work.finally(() => this.#work.delete(work));
    }
  }

  #keep(duplex: Duplex): Duplex {
    this.#open.add(duplex);
    return duplex;
  }
}

/** Plays over such sockets, and ends them afterwards. Throws if it hangs. */
export async function withSeedWires(wires: SeedWires, play: () => Promise<Played>): Promise<Played> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The play hangs")), HANG_GUARD_MS);
  });
  try {
    return await Promise.race([play(), hang]);
  } finally {
    clearTimeout(timer);
    await wires.close();
  }
}
