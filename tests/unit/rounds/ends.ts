/** A client's and a server's end of one session, in memory, and what tests of them share. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import type { Random } from "../../../lib/ports.ts";
import type { Chain } from "../../../lib/rounds/chain.ts";
import { RoundsClient, type RoundsClientEvent } from "../../../lib/rounds/client.ts";
import { ProtocolError } from "../../../lib/rounds/errors.ts";
import type { Aggregate } from "../../../lib/rounds/messages.ts";
import { type Direction, DIRECTIONS, OPCODES, type PacketHeader } from "../../../lib/rounds/packet.ts";
import { RoundsServerSession } from "../../../lib/rounds/server.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { seededRandom } from "../../support/seeded_random.ts";

export const ID = "sensor-1";
export const ROOT = new Uint8Array(32).fill(7);
export const AGGREGATE: Aggregate = { serverRound: 5, sum: "4.2", product: "-8.4", clients: 2 };

/** A store in which {@link ID} is enrolled with {@link ROOT}. */
export function enrolled(): MemoryRoundsKeys {
  const keys = new MemoryRoundsKeys();
  keys.enroll(ID, ROOT);
  return keys;
}

/** One session's two ends. */
export class Ends {
  readonly client: RoundsClient;
  readonly server: RoundsServerSession;

  constructor(keys = enrolled(), options: { epoch?: number; root?: Bytes; random?: Random } = {}) {
    const { epoch = 0, root = ROOT, random = seededRandom("ends") } = options;
    this.client = RoundsClient.start({ id: ID, epoch, root: root.slice(), random });
    this.server = new RoundsServerSession({ keys, random, serverRound: () => 4 });
  }

  /** What the client has to say reaches the server. */
  toServer() {
    return [...this.server.receive(concat(...this.client.takeOutput()))];
  }

  /** What the server has to say reaches the client. */
  toClient(): readonly RoundsClientEvent[] {
    return [...this.client.receive(concat(...this.server.takeOutput()))];
  }

  /** Shakes hands. */
  open(): this {
    this.toServer();
    this.toClient();
    return this;
  }

  /** Opens a session and brings a value to the server. */
  sent(text = "1"): this {
    this.open().client.sendData(text);
    this.toServer();
    return this;
  }

  /** Makes one round to its end. */
  round(text = "1"): this {
    this.client.sendData(text);
    this.toServer();
    this.server.answer(AGGREGATE);
    this.toClient();
    return this;
  }

  /** Asserts that both ends have the same chains. */
  assertSameChains(): void {
    for (const direction of ["c2s", "s2c"] as const) {
      assert.deepEqual(chainOf(this.client, direction).key, chainOf(this.server, direction).key, direction);
    }
  }
}

/** A chain of a session, which it shows to nobody else. */
export function chainOf(end: RoundsClient | RoundsServerSession, direction: Direction): Chain {
  return (end as unknown as { chains: Record<Direction, Chain> }).chains[direction];
}

/** Sets the round of a session, as if so many had gone before. */
export function setRound(end: RoundsClient | RoundsServerSession, round: number): void {
  (end as unknown as { round: number }).round = round;
}

/** A packet's header in a session's round 1, from the client. */
export const HEADER: PacketHeader = {
  version: 1,
  opcode: OPCODES.data,
  direction: DIRECTIONS.c2s,
  id: ID,
  epoch: 0,
  round: 1,
};

/** Seals a packet as the owner of a session's key could: with whatever header and body. */
export function forge(end: RoundsClient | RoundsServerSession, header: PacketHeader, body: Bytes): Bytes {
  const direction = end instanceof RoundsClient ? "c2s" : "s2c";
  return chainOf(end, direction).seal(header, body, seededRandom("forged"));
}

/** Asserts that `body` throws this kind of error, and returns it. */
export function fails(kind: ProtocolError["kind"], body: () => unknown, message = /./): ProtocolError {
  let thrown: unknown;
  try {
    body();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof ProtocolError, `threw ${thrown}`);
  assert.equal(thrown.kind, kind, thrown.message);
  assert.match(thrown.message, message);
  return thrown;
}
