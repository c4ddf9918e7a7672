/**
 * What every world has in common: a server and a man in the middle that listen, on the loopback interface as a rule, what
 * passes there, how each end has failed, and an end to everything.
 * @module
 */
import { Middle, type Protocol, type Step, type UnitReader } from "../../lib/attacks/middle.ts";
import { type Attacker, type End, NOBODY } from "../../lib/attacks/wire.ts";
import { codeOf } from "../../lib/errors.ts";
import type { Duplex } from "../../lib/ports.ts";
import type { EndError, Played, Stage } from "./attack.ts";
import { type Listening, loopback, type Network } from "./network.ts";
import { runMiddle } from "./relay.ts";

/** Somebody who has both ends of a connection. */
export type Between = (
  ends: Readonly<Record<End, Duplex>>,
  onStep: (step: Step) => void,
) => Promise<void>;

/** What the sockets are for. */
export interface WiresOptions {
  /** How the protocol's units are read. */
  readonly protocol: Protocol | ((from: End) => UnitReader);
  /** Serves one connection to its end; its error is noted as the server's. */
  readonly serve: (duplex: Duplex) => Promise<void>;
  /** The man in the middle of the n-th connection, from 0; nobody by default. */
  readonly attacker: ((connection: number) => Attacker) | undefined;
  /** Who stands between the two in place of the man in the middle: one who has keys. */
  readonly between?: Between | undefined;
  /** How the diagram shows a step of the n-th connection: as it is by default. */
  readonly show?: (step: Step, connection: number) => Step;
}

/** A play that takes longer hangs. */
const HANG_GUARD_MS = 20_000;

/** See the module's text. */
export class Wires {
  readonly steps: Step[] = [];
  readonly errors: { client?: EndError; server?: EndError } = {};
  readonly #options: WiresOptions;
  readonly #network: Network;
  readonly #server: Listening;
  readonly #middle: Listening;
  readonly #open = new Set<Duplex>();
  readonly #work = new Set<Promise<void>>();
  readonly #accepting: Promise<unknown>;
  #connectionCount = 0;

  constructor({ network = loopback }: Stage, options: WiresOptions) {
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
    const { protocol, attacker, between, show } = this.#options;
    const connection = this.#connectionCount++;
    const person = attacker?.(connection) ?? NOBODY;
    const server = await this.dialServer();
    const onStep = (step: Step) => this.tell(show?.(step, connection) ?? step);
    if (between !== undefined) return await between({ client, server }, onStep);
    await runMiddle({ client, server }, new Middle(protocol, person, onStep), () => this.dialServer());
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

/** Plays in a world, which ends afterwards. Throws if it hangs. */
export async function withWorld<W extends { close(): Promise<void> }>(
  world: W,
  play: (world: W) => Promise<Played>,
): Promise<Played> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The play hangs")), HANG_GUARD_MS);
  });
  try {
    return await Promise.race([play(world), hang]);
  } finally {
    clearTimeout(timer);
    await world.close();
  }
}
