/**
 * A client, a server and a man in the middle that speak the first design of the rounds protocol over real sockets.
 * @module
 */
import { SeedLine } from "../../lib/attacks/weak/seed_line.ts";
import { SeedRoundsClient, SeedRoundsServer } from "../../lib/attacks/weak/seed_rounds.ts";
import type { Attacker } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { Duplex } from "../../lib/ports.ts";
import type { Played, Stage } from "./attack.ts";
import { Wires, withWorld } from "./wires.ts";

/** The client that every play has. */
export const CLIENT_ID = "meter-1";
/** Values of one session. */
export const VALUE_COUNT = 3;
/** Values have seven digits, so that they fill most of a block. */
const VALUE_MIN = 10 ** 6;

/** See the module's text. Made by {@link withSeedRoundsWorld}. */
export class SeedRoundsWorld {
  readonly wires: Wires;
  /** What the client has sent; no two are equal. */
  readonly sent: string[] = [];
  /** What the server has counted, also before it began anew. */
  readonly counted: string[] = [];
  /** Whether the client has had an answer that is not the one to its value. */
  isDeceived = false;
  readonly #stage: Stage;
  #server = new SeedRoundsServer([CLIENT_ID], systemRandom);

  constructor(
    stage: Stage,
    attacker: ((connection: number, world: SeedRoundsWorld) => Attacker) | undefined,
  ) {
    this.#stage = stage;
    this.wires = new Wires(stage, {
      protocol: "rounds",
      serve: (duplex) => this.#server.serve(new SeedLine(duplex), (value) => this.counted.push(value)),
      attacker: attacker === undefined ? undefined : (connection) => attacker(connection, this),
    });
  }

  /** A value that nobody has sent yet. */
  value(): string {
    return `${VALUE_MIN * (this.sent.length + 1) + this.#stage.seeded.below(VALUE_MIN)}`;
  }

  /** One session of the client with its master key, through the middle. */
  async join(key: Bytes, valueCount = VALUE_COUNT): Promise<void> {
    await this.#session("client", await this.wires.dial(), key, () => {
      const value = this.value();
      this.sent.push(value);
      return value;
    }, valueCount);
  }

  /** A stranger's session with a key that it has made by itself, past the middle: one value. */
  async intrude(key: Bytes, value: string): Promise<void> {
    const told = { from: "attacker", to: "server", sizeBytes: 0 } as const;
    this.wires.tell({ ...told, name: "HELLO", note: "in the client's name, past the middle" });
    this.wires.tell({ ...told, name: "DATA", note: `the value ${value}` });
    await this.#session(undefined, await this.wires.dialServer(), key, () => value, 1);
  }

  async #session(
    end: "client" | undefined,
    duplex: Duplex,
    key: Bytes,
    next: () => string,
    valueCount: number,
  ): Promise<void> {
    const line = new SeedLine(duplex);
    try {
      const client = new SeedRoundsClient(CLIENT_ID, key, line, systemRandom);
      await client.open();
      for (let i = 0; i < valueCount; i++) {
        const value = next();
        // One client is a round's only one: its sum is the product.
        if (await client.send(value) !== `${value} ${value}`) this.isDeceived = true;
      }
      await line.closeWrite();
      while (await line.more() !== undefined);
    } catch (error) {
      if (end !== undefined) this.wires.note(end, error);
    } finally {
      duplex.close();
    }
  }

  /** The server begins anew, with its list of clients alone. */
  restartServer(): void {
    this.#server = new SeedRoundsServer([CLIENT_ID], systemRandom);
  }

  /** Whether the server has counted what the client has sent, each value once and nothing else. */
  get isIntact(): boolean {
    return this.counted.join() === this.sent.join();
  }

  /** Whether something counts that the client has not sent just there, or twice, or the client believes a wrong answer. */
  get isForged(): boolean {
    const isOwn = this.counted.every((value, i) =>
      this.sent.includes(value) && this.counted.indexOf(value) === i
    );
    return !isOwn || this.isDeceived;
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
export async function withSeedRoundsWorld(
  stage: Stage,
  attacker: ((connection: number, world: SeedRoundsWorld) => Attacker) | undefined,
  play: (world: SeedRoundsWorld) => Promise<Played>,
): Promise<Played> {
  const world = new SeedRoundsWorld(stage, attacker);
  return await withWorld(world, play);
}
