/**
 * A rounds server and its clients on lines in memory, with time in a test's hand.
 * @module
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { joinRounds, type RoundsMembership } from "../../../lib/net/rounds_client.ts";
import { RoundsService, type RoundsServiceEvent } from "../../../lib/net/rounds_server.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import type { RoundsKeyStore } from "../../../lib/ports.ts";
import { RoundsClient, type RoundsClientOptions } from "../../../lib/rounds/client.ts";
import { ProtocolError, type ProtocolErrorKind } from "../../../lib/rounds/errors.ts";
import { nextRoot } from "../../../lib/rounds/root.ts";
import type { RoundsOptions } from "../../../lib/rounds/rounds.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { type LineOptions, type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

/** A client's key file. */
export class KeyFile {
  readonly id: string;
  #epoch = 0;
  #root: Bytes;

  constructor(id: string, root: Bytes) {
    this.id = id;
    this.#root = root.slice();
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Goes on to the next epoch, and gives what the session of this one needs. */
  next(): RoundsClientOptions {
    const { id } = this;
    const [epoch, root] = [this.#epoch, this.#root];
    this.#epoch += 1;
    this.#root = nextRoot(root);
    return { id, epoch, root, random: systemRandom };
  }
}

/** A connection to the server. */
export interface Line {
  /** The client's end. */
  readonly client: MemoryDuplex;
  /** The server's. */
  readonly server: MemoryDuplex;
  /** Resolves when the server has done with it. */
  readonly served: Promise<void>;
}

/** See the module's text. Made by {@link withGroup}. */
export class Group {
  readonly clock = new VirtualClock();
  readonly keys: RoundsKeyStore;
  readonly events: RoundsServiceEvent[] = [];
  readonly lines: Line[] = [];
  readonly service: RoundsService;
  readonly #files = new Map<string, KeyFile>();
  /** Called with each event, after it was noted down. */
  onEvent: (event: RoundsServiceEvent) => void = () => {};

  constructor(options: Partial<RoundsOptions> = {}, keys: RoundsKeyStore = new MemoryRoundsKeys()) {
    this.keys = keys;
    this.service = new RoundsService({
      minClients: 1,
      ...options,
      keys,
      random: systemRandom,
      clock: this.clock,
      onEvent: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
    });
  }

  /** The key file of a client, who is enrolled where there is none yet. */
  file(id: string): KeyFile {
    let file = this.#files.get(id);
    if (file === undefined) {
      const root = systemRandom.bytes(32);
      this.keys.enroll(id, root);
      file = new KeyFile(id, root);
      this.#files.set(id, file);
    }
    return file;
  }

  /** Makes a connection. */
  line(options: LineOptions = {}): Line {
    const [client, server] = memoryLine(options);
    const line = { client, server, served: this.service.serve(server, "127.0.0.1") };
    this.lines.push(line);
    return line;
  }

  /** Opens a session; its first value makes a client of it. */
  async open(id: string, line = this.line()): Promise<Client> {
    return new Client(await joinRounds(line.client, this.file(id).next(), this.clock), line);
  }

  /** Opens sessions for all of them, one after the other. */
  async openAll(...ids: readonly string[]): Promise<readonly Client[]> {
    const clients: Client[] = [];
    for (const id of ids) clients.push(await this.open(id));
    return clients;
  }

  /** A session on a line, packet by packet: HELLO is sent, and the answer taken. */
  async raw(id: string, line = this.line()): Promise<RawClient> {
    const client = new RawClient(RoundsClient.start(this.file(id).next()), line);
    await client.say();
    await client.hear();
    return client;
  }

  /** What was told of one kind of event, since the beginning. */
  told<Kind extends RoundsServiceEvent["kind"]>(
    kind: Kind,
  ): readonly Extract<RoundsServiceEvent, { readonly kind: Kind }>[] {
    return this.events.filter((event): event is Extract<RoundsServiceEvent, { readonly kind: Kind }> =>
      event.kind === kind
    );
  }

  /** Waits until everything has happened that happens without time passing. */
  async quiet(): Promise<void> {
    const state = () =>
      this.lines.map(({ client, server }) =>
        [client, server].map((end) => `${end.writtenSizeBytes} ${end.waitingSizeBytes} ${end.isClosed}`)
      ).join() + this.events.length;
    for (let calm = 0, before = ""; calm < 3;) {
      // Nothing here waits for more than other promises.
      await new Promise<void>((resolve) => setImmediate(resolve));
      calm = state() === before ? calm + 1 : 0;
      before = state();
    }
  }

  /** Lets time pass, with whatever follows from it. */
  async pass(ms: number): Promise<void> {
    await this.quiet();
    this.clock.advance(ms);
    await this.quiet();
  }

  /** Ends everything, and checks that nothing is left behind. */
  async end(): Promise<void> {
    const stopped = this.service.stop();
    await this.quiet();
    for (const { client } of this.lines) client.close();
    await stopped;
    await Promise.all(this.lines.map(({ served }) => served));
    for (const { server } of this.lines) assert.ok(server.isClosed);
    assert.equal(this.clock.pendingCount, 0, "a timer was forgotten");
  }
}

/** A session, and the line that it is on. */
export class Client {
  readonly membership: RoundsMembership;
  readonly line: Line;

  constructor(membership: RoundsMembership, line: Line) {
    this.membership = membership;
    this.line = line;
  }

  /** Sends a value; what becomes of it as "sum product clients round", or how it failed. */
  async send(text: string): Promise<string> {
    try {
      const { serverRound, sum, product, clients } = await this.membership.round(text);
      return `${serverRound}: ${sum} of ${product} by ${clients}`;
    } catch (error) {
      if (error instanceof ProtocolError) return `${error.kind} error`;
      if (error instanceof StxError) return `${error.code}: ${error.message}`;
      throw error;
    }
  }
}

/** A session that a test drives packet by packet. */
export class RawClient {
  readonly session: RoundsClient;
  readonly line: Line;

  constructor(session: RoundsClient, line: Line) {
    this.session = session;
    this.line = line;
  }

  /** Sends what the session has to say. */
  async say(): Promise<void> {
    for (const bytes of this.session.takeOutput()) await this.line.client.write(bytes);
  }

  /** Reads once; what the session makes of it. */
  async hear() {
    const buffer = new Uint8Array(1 << 20);
    const size = await this.line.client.read(buffer);
    return size === null ? undefined : [...this.session.receive(buffer.subarray(0, size))];
  }
}

/** Runs `body` with a group, and ends it. */
export async function withGroup(
  options: Partial<RoundsOptions>,
  body: (group: Group) => Promise<void>,
): Promise<void> {
  const group = new Group(options);
  await body(group);
  await group.end();
}

/** Asserts that the last failure was of this kind, and returns it. */
export function lastFailure(group: Group, kind: ProtocolErrorKind) {
  const failure = group.told("failed").at(-1);
  assert.ok(failure?.error instanceof ProtocolError, `the last failure was ${failure?.error}`);
  assert.equal(failure.error.kind, kind, failure.error.message);
  return failure;
}
