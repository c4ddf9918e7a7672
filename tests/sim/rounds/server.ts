/**
 * A server's process: what `stx rounds serve` does with a database and connections.
 * @module
 */
import { RoundsService, type RoundsServiceEvent } from "../../../lib/net/rounds_server.ts";
import type { Duplex, Random, RoundsKeyStore } from "../../../lib/ports.ts";
import type { Process } from "../process.ts";
import type { RoundsPlan } from "./plan.ts";

/** What a server works with. */
export interface ServerOptions {
  readonly process: Process;
  readonly keys: RoundsKeyStore;
  readonly random: Random;
  readonly plan: RoundsPlan;
  readonly onEvent: (event: RoundsServiceEvent) => void;
  /** Is told when it stops by itself. */
  readonly onStop: () => void;
  /** After so many rounds; asked after each. */
  readonly roundsMax: () => number;
  readonly fail: (text: string) => void;
}

/** See the module's text. */
export class ServerRun {
  readonly #options: ServerOptions;
  readonly #service: RoundsService;
  readonly #serving = new Set<Promise<void>>();
  isListening = true;
  /** Clients that are there, and since when there are enough of them for a round. */
  #memberCount = 0;
  enoughSinceMs: number | undefined;
  /** Members that have gone since the last round. */
  #goneCount = 0;
  /** When the last round closed. */
  closedMs = 0;
  /** Since when it has been asked to stop. */
  stoppingSinceMs: number | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { process, keys, random, plan } = options;
    this.#service = new RoundsService({
      keys,
      random,
      clock: process.clock,
      minClients: plan.minClients,
      deadlineMs: plan.deadlineMs,
      onEvent: (event) => this.#onEvent(event),
    });
  }

  get process(): Process {
    return this.#options.process;
  }

  get connectionCount(): number {
    return this.#serving.size;
  }

  /** Takes a connection. */
  take(duplex: Duplex, address: string): void {
    const { process, fail } = this.#options;
    const serving = this.#service.serve(duplex, address).catch((error) => {
      if (process.isAlive) fail(`a connection's service failed: ${error?.stack ?? error}`);
    }).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  /** Ends every session; resolves when every connection is closed. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.isListening = false;
    this.stoppingSinceMs = this.process.scheduler.nowMs;
    void this.#service.stop();
    await Promise.all(this.#serving);
  }

  #onEvent(event: RoundsServiceEvent): void {
    const { process, plan, onEvent, onStop, roundsMax, fail } = this.#options;
    if (!process.isAlive) return;
    if (event.kind === "joined") this.#memberCount += 1;
    if (event.kind === "left") this.#memberCount -= 1;
    if (event.kind === "left") this.#goneCount += 1;
    if (event.kind === "round") {
      const count = Object.keys(event.sums).length + event.late.length + this.#goneCount;
      if (count < plan.minClients) {
        fail(`round ${event.number} was held with ${count} of ${plan.minClients} clients`);
      }
      this.#goneCount = 0;
    }
    if (this.#memberCount < plan.minClients) this.enoughSinceMs = undefined;
    else this.enoughSinceMs ??= process.scheduler.nowMs;
    onEvent(event);
    if (event.kind === "round") this.closedMs = process.scheduler.nowMs;
    if (event.kind === "round" && event.number >= roundsMax() && this.isListening) onStop();
  }
}
