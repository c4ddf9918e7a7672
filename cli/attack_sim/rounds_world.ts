/**
 * A rounds server, its clients and a man in the middle on the loopback interface, with real sockets and key files, and
 * where it matters a real database of keys: the ends as users run them, or with some of their defences off.
 * @module
 */
import type { Off } from "../../lib/attacks/defences.ts";
import type { Step } from "../../lib/attacks/middle.ts";
import type { Attacker } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { deferred } from "../../lib/bytes/deferred.ts";
import { ROUND_DEADLINE_MS } from "../../lib/limits.ts";
import { joinRounds, OWN_ROUNDS_PARTS, type RoundsMembership } from "../../lib/net/rounds_client.ts";
import {
  RoundsService,
  type RoundsServiceEvent,
  type RoundsServiceOptions,
} from "../../lib/net/rounds_server.ts";
import { systemClock, systemRandom } from "../../lib/net/tcp.ts";
import type { Clock, Duplex, RoundsKeyStore } from "../../lib/ports.ts";
import type { RoundsClient, RoundsClientOptions } from "../../lib/rounds/client.ts";
import { formatClientKey } from "../../lib/rounds/key_files.ts";
import { MemoryRoundsKeys } from "../../lib/store/memory_rounds_keys.ts";
import { SqliteRoundsKeys } from "../../lib/store/sqlite_rounds_keys.ts";
import { takeEpoch } from "../rounds_key_files.ts";
import type { Played, Stage } from "./attack.ts";
import { RoundsBooks } from "./rounds_books.ts";
import { makeWeakRoundsService, weakRoundsParts } from "./weak_rounds.ts";
import { Wires, withWorld } from "./wires.ts";

/** How a group differs from the usual. */
export interface RoundsWorldOptions {
  /** The man in the middle of the n-th connection, from 0; nobody by default. */
  readonly attacker?: (connection: number) => Attacker;
  /** A round waits for so many clients; one by default. */
  readonly minClients?: number;
  /** From a round's opening to its end at the latest, where it is not the usual. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** The server keeps its keys in a database on the disk, in place of its memory. */
  readonly isOnDisk?: boolean;
}

/** How a client joins. */
export interface JoinOptions {
  /** Past the man in the middle: somebody who is there for the rounds only, and not in the diagram. */
  readonly isDirect?: boolean;
  /** It is the attacker, whose failures are no end's. */
  readonly isAttacker?: boolean;
  /** In place of what the key file has. */
  readonly key?: { readonly epoch: number; readonly root: Bytes };
}

/** One client's session. */
export class Participant {
  readonly id: string;
  /** Its session, with the keys in it. */
  readonly session: RoundsClient;
  readonly #membership: RoundsMembership;
  readonly #duplex: Duplex;
  /** Where an honest client's values are noted; the attacker's are nobody's. */
  readonly #books: RoundsBooks | undefined;
  readonly #onError: (error: unknown) => void;
  #hasLeft = false;

  /** Made by {@link RoundsWorld.join}. */
  constructor(
    id: string,
    session: RoundsClient,
    membership: RoundsMembership,
    duplex: Duplex,
    books: RoundsBooks | undefined,
    onError: (error: unknown) => void,
  ) {
    this.id = id;
    this.session = session;
    this.#membership = membership;
    this.#duplex = duplex;
    this.#books = books;
    this.#onError = onError;
  }

  /** Sends a value, and notes what it hears, or how it fails; says whether it has heard anything. */
  async round(text: string): Promise<boolean> {
    const note = this.#books?.send(this.id, text);
    try {
      const aggregate = await this.#membership.round(text);
      note?.(aggregate);
      return true;
    } catch (error) {
      // Whoever leaves without waiting for an answer gets none.
      if (!this.#hasLeft) this.#onError(error);
      this.#duplex.close();
      return false;
    }
  }

  /** Sends several values, one after the other, until one of them fails. */
  async rounds(...texts: readonly string[]): Promise<void> {
    for (const text of texts) if (!await this.round(text)) return;
  }

  /** Says goodbye, whether its last value was answered or not. */
  async close(): Promise<void> {
    this.#hasLeft = true;
    await this.#membership.close();
  }
}

/** See the module's text. Made by {@link withRoundsWorld}. */
export class RoundsWorld {
  /** What was sent, counted and heard. */
  readonly books: RoundsBooks;
  /** What the server has reported. */
  readonly events: RoundsServiceEvent[] = [];
  readonly #folder: string;
  readonly #off: Off;
  readonly #options: RoundsWorldOptions;
  readonly #clock: Clock;
  /** Its connections, their steps, and how each end has failed. */
  readonly wires: Wires;
  /** Connections through the middle whose client is the attacker. */
  readonly #attackers = new Set<number>();
  #keys: RoundsKeyStore & { close?(): void };
  #service: RoundsService;
  #joinCount = 0;
  #change = deferred<void>();

  constructor(stage: Stage, options: RoundsWorldOptions) {
    this.#folder = stage.folder;
    this.#off = stage.off;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.books = new RoundsBooks(stage.seeded);
    this.#keys = this.#openKeys();
    this.#service = this.#makeService();
    this.wires = new Wires(stage, {
      protocol: "rounds",
      serve: (duplex) => this.serve(duplex),
      attacker: options.attacker,
      show: (step, connection) => this.#show(step, connection),
    });
  }

  #openKeys(): RoundsKeyStore {
    const { isOnDisk = false } = this.#options;
    return isOnDisk ? new SqliteRoundsKeys(`${this.#folder}/clients.db`) : new MemoryRoundsKeys();
  }

  #makeService(): RoundsService {
    const options: RoundsServiceOptions = {
      minClients: this.#options.minClients ?? 1,
      deadlineMs: this.#options.deadlineMs ?? ROUND_DEADLINE_MS,
      keys: this.#keys,
      random: systemRandom,
      clock: this.#clock,
      onEvent: (event) => {
        this.events.push(event);
        if (event.kind === "round") this.books.count(event);
        if (event.kind === "failed") this.wires.note("server", event.error);
        this.#change.resolve();
        this.#change = deferred<void>();
      },
    };
    return this.#off.size === 0 ? new RoundsService(options) : makeWeakRoundsService(this.#off, options);
  }

  /** Enrols a client, as `stx rounds enroll` does. */
  enroll(id: string): void {
    const root = systemRandom.bytes(32);
    this.#keys.enroll(id, root);
    const line = formatClientKey({ id, epoch: 0, root, comment: "" });
    Deno.writeTextFileSync(this.keyFile(id), `${line}\n`, { mode: 0o600 });
  }

  /** The key file of a client. */
  keyFile(id: string): string {
    return `${this.#folder}/${id}.key`;
  }

  /** Opens a session as a client; the error of a failure is in {@link Wires.errors}. */
  async join(id: string, options: JoinOptions = {}): Promise<Participant | undefined> {
    const { isDirect = false, isAttacker = false } = options;
    const onError = (error: unknown) => {
      if (!isDirect && !isAttacker) this.wires.note("client", error);
    };
    if (!isDirect) {
      if (isAttacker) this.#attackers.add(this.#joinCount);
      this.#joinCount += 1;
    }
    const duplex = await (isDirect ? this.wires.dialServer() : this.wires.dial());
    try {
      const { epoch, root } = options.key ?? this.#takeEpoch(id);
      let session: RoundsClient | undefined;
      const parts = this.#off.size === 0 ? OWN_ROUNDS_PARTS : weakRoundsParts(this.#off);
      const membership = await joinRounds(
        duplex,
        { id, epoch, root, random: systemRandom },
        this.#clock,
        { ...parts, startSession: (options) => session = parts.startSession(options) },
      );
      const books = isAttacker ? undefined : this.books;
      return new Participant(id, session!, membership, duplex, books, onError);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  #takeEpoch(id: string): Pick<RoundsClientOptions, "epoch" | "root"> {
    const key = takeEpoch(this.keyFile(id));
    if (this.#off.has("next root")) {
      const line = formatClientKey({ ...key, epoch: key.epoch + 1 });
      Deno.writeTextFileSync(this.keyFile(id), `${line}\n`);
    }
    return key;
  }

  /** Resolves when the server has reported something of which `isIt` holds. */
  async reported(isIt: (event: RoundsServiceEvent) => boolean): Promise<void> {
    while (!this.events.some(isIt)) await this.#change.promise;
  }

  /** Waits until every connection has come to its end at both ends and in the middle. */
  async settle(): Promise<void> {
    await this.wires.settle();
  }

  /** The server begins anew, with what it has on its disk alone, which its keys have to be. Every connection has to be at its end. */
  async restart(): Promise<void> {
    await this.#service.stop();
    this.#keys.close?.();
    this.#keys = this.#openKeys();
    this.#service = this.#makeService();
  }

  /** What became of it. */
  played(hasSucceeded: boolean, evidence: string): Played {
    const { errors, steps } = this.wires;
    return { hasSucceeded, evidence, errors, isIntact: this.books.isIntact, steps };
  }

  /** What became of it, where the attacker wants the numbers to be wrong. */
  judged(): Played {
    const { wrong } = this.books;
    return this.played(wrong !== undefined, wrong ?? "every number that was counted or heard is right");
  }

  /** Serves a connection to its end; never rejects. */
  async serve(duplex: Duplex, address = "127.0.0.1"): Promise<void> {
    await this.#service.serve(duplex, address);
  }

  /** The attacker's own connections are the attacker's in the diagram. */
  #show(step: Step, connection: number): Step {
    const name = (end: Step["from"]) =>
      end === "client" && this.#attackers.has(connection) ? "attacker" : end;
    return { ...step, from: name(step.from), to: name(step.to) };
  }

  /** A connection to the server, past the middle: a stranger's. */
  dialServer(): Promise<Duplex> {
    return this.wires.dialServer();
  }

  /** Ends everything. */
  async close(): Promise<void> {
    const stopped = this.#service.stop();
    await this.wires.close();
    await stopped;
    this.#keys.close?.();
  }
}

/** Plays in a fresh world with these clients enrolled, which is gone afterwards. Throws if it hangs. */
export async function withRoundsWorld(
  stage: Stage,
  ids: readonly string[],
  options: RoundsWorldOptions,
  play: (world: RoundsWorld) => Promise<Played>,
): Promise<Played> {
  const world = new RoundsWorld(stage, options);
  for (const id of ids) world.enroll(id);
  return await withWorld(world, play);
}
