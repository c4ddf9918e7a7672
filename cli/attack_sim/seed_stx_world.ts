/**
 * A sender, a receiver and a man in the middle that speak the first design of STX over real sockets with a real file.
 * @module
 */
import { SEED_SUITES, SeedStxUnits } from "../../lib/attacks/seed_stx_units.ts";
import type { Attacker, End } from "../../lib/attacks/wire.ts";
import { SeedLine } from "../../lib/attacks/weak/seed_line.ts";
import { acceptSeedSession, openSeedSession, type SeedSession } from "../../lib/attacks/weak/seed_stx.ts";
import {
  receiveSeedFile,
  type SeedInbox,
  type SeedSource,
  sendSeedFile,
} from "../../lib/attacks/weak/seed_stx_transfer.ts";
import { type Bytes, equal, toHex } from "../../lib/bytes/bytes.ts";
import { codeOf } from "../../lib/errors.ts";
import { BLOCK_SIZE_MIN } from "../../lib/limits.ts";
import { systemClock, systemRandom } from "../../lib/net/tcp.ts";
import type { Duplex, Identity, Random } from "../../lib/ports.ts";
import type { Played, Stage } from "./attack.ts";
import { Wires, withWorld } from "./wires.ts";
import { FILE_NAME, newIdentity } from "./stx_world.ts";

/** How the ends differ from the usual. */
export interface SeedStxOptions {
  /** The man in the middle of the n-th connection, from 0; nobody by default. */
  readonly attacker?: (connection: number, world: SeedStxWorld) => Attacker;
  /** The name that the client gives. */
  readonly name?: string;
  /** The client's randomness. */
  readonly random?: Random;
  /** What the server does in an open session: for one that lies. */
  readonly receive?: (line: SeedLine, session: SeedSession) => Promise<void>;
  /** What the client does in an open session: for one that lies. */
  readonly send?: (line: SeedLine, session: SeedSession) => Promise<void>;
  /** Another sender that the receiver takes. */
  readonly other?: Identity;
  /** The sender and the receiver, if they are to be known beforehand. */
  readonly identities?: Readonly<Record<End, Identity>>;
  /** The identity that the server has, if not the receiver's. */
  readonly serverIdentity?: Identity;
  /** The identity that the client has, if not the sender's. */
  readonly clientIdentity?: Identity;
  /** The key of the receiver that the client means, if not the receiver's. */
  readonly meantKey?: Bytes;
}

/** Connections that a sender makes for one file, at most. */
const ATTEMPTS = 8;

/** A file that a server has, as it knows it. */
export interface SeedReceived {
  readonly client: Bytes;
  readonly name: string;
}

/** See the module's text. Made by {@link withSeedStxWorld}. */
export class SeedStxWorld {
  readonly wires: Wires;
  readonly sender: Identity;
  readonly receiver: Identity;
  /** What is sent. */
  readonly content: Bytes;
  /** The sender's file. */
  readonly outboxFile: string;
  /** Where files arrive. */
  readonly inbox: string;
  /** Files that the server holds to be whole. */
  readonly received: SeedReceived[] = [];
  /** Sessions that each end has opened. */
  readonly sessions: Record<End, SeedSession[]> = { client: [], server: [] };
  /** Connections that the sender has made. */
  attemptCount = 0;
  readonly #options: SeedStxOptions;
  #nonces = new Set<string>();
  readonly #lastBlocks = new Map<string, number>();

  constructor(stage: Stage, options: SeedStxOptions, sender: Identity, receiver: Identity) {
    this.#options = options;
    this.sender = sender;
    this.receiver = receiver;
    this.inbox = `${stage.folder}/inbox`;
    this.outboxFile = `${stage.folder}/${FILE_NAME}`;
    this.content = stage.seeded.bytes(5 * BLOCK_SIZE_MIN - 100);
    Deno.mkdirSync(this.inbox);
    Deno.writeFileSync(this.outboxFile, this.content);
    const attacker = options.attacker;
    this.wires = new Wires(stage, {
      protocol: (from) => new SeedStxUnits(from),
      serve: (duplex) => this.#serve(duplex),
      attacker: attacker === undefined ? undefined : (connection) => attacker(connection, this),
    });
  }

  /** Sends the file, with as many connections as it takes; says whether the sender holds it to have arrived. */
  async send(attempts = ATTEMPTS): Promise<boolean> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      // In place of the pauses of "exponential backoff": what came before is over at both ends.
      if (attempt > 0) await this.wires.settle();
      this.attemptCount += 1;
      const duplex = await this.wires.dial();
      try {
        await this.#sendOver(duplex);
        return true;
      } catch (error) {
        this.wires.note("client", error);
        // A failure of authentication ends the session, and is not tried again.
        if (codeOf(error) !== "connection_lost") return false;
      } finally {
        duplex.close();
      }
    }
    return false;
  }

  async #sendOver(duplex: Duplex): Promise<void> {
    const line = new SeedLine(duplex);
    const session = await openSeedSession(line, {
      identity: this.#options.clientIdentity ?? this.sender,
      serverKey: this.#options.meantKey ?? this.receiver.publicKey,
      suites: [SEED_SUITES["aes-256-gcm"], SEED_SUITES["chacha20-poly1305"]],
      random: this.#options.random ?? systemRandom,
      clock: systemClock,
    });
    this.sessions.client.push(session);
    if (this.#options.send !== undefined) return await this.#options.send(line, session);
    await sendSeedFile(line, session, this.source(), systemClock);
    while (await line.more() !== undefined);
  }

  /** The sender's file, as it is whenever a block is read. */
  source(): SeedSource {
    const file = this.outboxFile;
    return {
      name: this.#options.name ?? FILE_NAME,
      blockCount: Math.ceil(this.content.length / BLOCK_SIZE_MIN),
      block: (number) => {
        const start = (number - 1) * BLOCK_SIZE_MIN;
        return Deno.readFileSync(file).slice(start, start + BLOCK_SIZE_MIN);
      },
    };
  }

  async #serve(duplex: Duplex): Promise<void> {
    const line = new SeedLine(duplex);
    const session = await acceptSeedSession(line, {
      identity: this.#options.serverIdentity ?? this.receiver,
      clientKeys: [this.sender, ...(this.#options.other === undefined ? [] : [this.#options.other])]
        .map(({ publicKey }) => publicKey),
      random: systemRandom,
      clock: systemClock,
      nonces: this.#nonces,
    });
    this.sessions.server.push(session);
    if (this.#options.receive !== undefined) return await this.#options.receive(line, session);
    const name = await receiveSeedFile(line, session, this.#inbox(), systemClock);
    this.received.push({ client: session.peer, name });
  }

  #inbox(): SeedInbox {
    const key = (client: Bytes, name: string) => `${toHex(client)} ${name}`;
    const lastBlock = (client: Bytes, name: string) => this.#lastBlocks.get(key(client, name)) ?? 0;
    return {
      lastBlock,
      append: (client, name, content) => {
        Deno.writeFileSync(`${this.inbox}/${name}`, content, { append: true });
        this.#lastBlocks.set(key(client, name), lastBlock(client, name) + 1);
      },
    };
  }

  /** The receiver begins anew: its record of nonces was in memory. */
  restartReceiver(): void {
    this.#nonces = new Set();
  }

  /** What is in place under the file's name. */
  arrived(): Bytes | undefined {
    try {
      return Deno.readFileSync(`${this.inbox}/${FILE_NAME}`);
    } catch {
      return undefined;
    }
  }

  /** Whether the file is in place, and exactly as it was sent. */
  get isIntact(): boolean {
    const arrived = this.arrived();
    return arrived !== undefined && equal(arrived, this.content);
  }

  /** Whether the server holds something to be the whole file that is not. */
  get isForged(): boolean {
    return this.received.length > 0 && !this.isIntact;
  }

  /** Ends everything. */
  close(): Promise<void> {
    return this.wires.close();
  }

  /** What became of it. */
  played(hasSucceeded: boolean, evidence: string): Played {
    const { errors, steps } = this.wires;
    return { hasSucceeded, evidence, errors, isIntact: this.isIntact, steps };
  }
}

/** Plays in a fresh world, which is gone afterwards. Throws if it hangs. */
export async function withSeedStxWorld(
  stage: Stage,
  options: SeedStxOptions,
  play: (world: SeedStxWorld) => Promise<Played>,
): Promise<Played> {
  const { client: sender, server: receiver } = options.identities ??
    { client: await newIdentity(stage), server: await newIdentity(stage) };
  const world = new SeedStxWorld(stage, options, sender, receiver);
  return await withWorld(world, play);
}
