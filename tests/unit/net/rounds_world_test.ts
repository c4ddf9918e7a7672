/**
 * A group under faults: lines that break, bits that flip, recordings that come again, clients and servers that crash
 * before, between and behind their writes. What must hold whatever happens is held, and in the end all go on.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concat, toHex } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { joinRounds, type RoundsMembership } from "../../../lib/net/rounds_client.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import { Chain } from "../../../lib/rounds/chain.ts";
import type { Aggregate } from "../../../lib/rounds/messages.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import type { MemoryDuplex } from "../../support/memory_duplex.ts";
import { Group, KeyFile, type Line } from "./rounds_group.ts";

const IDS = ["a", "b", "c"];

/** When a process dies, seen from the write that it dies at. */
type Moment = "before" | "behind";

/** A server's keys on a disk: what `advance` has written outlives the process. */
class Disk extends MemoryRoundsKeys {
  /** Dies with the next write. */
  dieAt: Moment | undefined;
  onDeath: () => void = () => {};
  readonly #epochs = new Map<string, number>();
  readonly #roots = new Set<string>();

  override advance(id: string, from: Bytes, to: number, root: Bytes): boolean {
    const { dieAt } = this;
    this.dieAt = undefined;
    if (dieAt === "before") this.#die();
    const isDone = super.advance(id, from, to, root);
    if (isDone) {
      assert.ok(to > (this.#epochs.get(id) ?? 0), "the server's epoch has gone back");
      this.#epochs.set(id, to);
      const used = `${id} ${to - 1} ${toHex(from)}`;
      assert.ok(!this.#roots.has(used), "an epoch has opened two sessions");
      this.#roots.add(used);
    }
    if (dieAt === "behind") this.#die();
    return isDone;
  }

  #die(): never {
    this.onDeath();
    throw new StxError("disk", "The process is dead");
  }
}

/** One client: its key file, and the session that it has, if any. */
class Person {
  readonly file: KeyFile;
  membership: RoundsMembership | undefined;
  line: Line | undefined;
  isWaiting = false;

  constructor(file: KeyFile) {
    this.file = file;
  }
}

class World {
  readonly disk = new Disk();
  readonly people: readonly Person[];
  readonly groups: Group[] = [];
  readonly recorded: Bytes[] = [];
  /** Every value that was sent, none twice, and what its sender heard. */
  readonly heard = new Map<string, { readonly id: string; readonly group: Group; aggregate?: Aggregate }>();
  #lastValue = 1n;

  constructor() {
    this.people = IDS.map((id) => {
      const root = systemRandom.bytes(32);
      this.disk.enroll(id, root);
      return new Person(new KeyFile(id, root));
    });
    this.startServer(2);
    this.disk.onDeath = () => this.#killServer();
  }

  get group(): Group {
    return this.groups.at(-1)!;
  }

  startServer(minClients: number): void {
    this.groups.push(new Group({ minClients, deadlineMs: 4_000 }, this.disk));
  }

  /** The process is gone: nobody is told anything. */
  #killServer(): void {
    for (const { client } of this.group.lines) client.cut();
    this.group.onEvent = () => {};
  }

  async crashServer(): Promise<void> {
    this.#killServer();
    await this.quiet();
    this.startServer(2);
  }

  async join(person: Person): Promise<void> {
    // A client that runs takes an epoch for each session, whatever becomes of it.
    const options = person.file.next();
    const line = this.group.line();
    const sent: Bytes[] = [];
    line.client.tap = (bytes) => {
      sent.push(bytes.slice());
      return bytes;
    };
    const { group } = this;
    const joining = joinRounds(line.client, options, group.clock).then((membership) => {
      this.#leave(person);
      [person.membership, person.line, person.isWaiting] = [membership, line, false];
    }).catch((error) => assert.ok(error instanceof StxError, String(error)));
    await this.quiet();
    this.recorded.push(concat(...sent));
    // A server that has died, or a line on which a byte has changed, answers nothing.
    if (line.client.isClosed || person.line === line) await joining;
    else {
      line.client.cut();
      await joining;
    }
    line.client.tap = undefined;
  }

  #leave(person: Person): void {
    person.line?.client.close();
    person.membership = undefined;
    person.line = undefined;
  }

  send(person: Person): void {
    if (person.membership === undefined || person.isWaiting) return;
    this.#lastValue += 1n;
    const value = String(this.#lastValue);
    const { membership } = person;
    const entry: { readonly id: string; readonly group: Group; aggregate?: Aggregate } = {
      id: person.file.id,
      group: this.group,
    };
    this.heard.set(value, entry);
    person.isWaiting = true;
    membership.round(value).then((aggregate) => {
      entry.aggregate = aggregate;
      if (person.membership === membership) person.isWaiting = false;
    }).catch((error) => {
      assert.ok(error instanceof StxError, String(error));
      if (person.membership === membership) this.#leave(person);
    });
  }

  async quiet(): Promise<void> {
    await this.group.quiet();
  }

  /** Once, the next bytes that this end writes are changed like this. */
  tapOnce(end: MemoryDuplex | undefined, change: (bytes: Bytes) => Bytes): void {
    if (end === undefined) return;
    end.tap = (bytes) => {
      end.tap = undefined;
      return change(bytes);
    };
  }

  /** Everything that must hold, whatever has happened. */
  check(): void {
    const counted = new Set<string>();
    for (const group of this.groups) {
      for (const [i, { number, sums, product }] of group.told("round").entries()) {
        assert.equal(number, i + 1);
        // Computed by itself, from what was sent.
        let expected = 1n;
        for (const [id, sum] of Object.entries(sums)) {
          assert.ok(!counted.has(sum), "a value has counted twice");
          counted.add(sum);
          assert.equal(this.heard.get(sum)?.id, id, "a value was never sent");
          assert.equal(this.heard.get(sum)?.group, group, "a value has outlived its server");
          expected *= BigInt(sum);
        }
        assert.equal(product, String(expected));
      }
    }
    for (const [value, { id, group, aggregate }] of this.heard) {
      if (aggregate === undefined) continue;
      const round = group.told("round")[aggregate.serverRound - 1];
      assert.ok(round !== undefined, "an aggregate of no round");
      assert.equal(round.sums[id], value);
      assert.deepEqual(aggregate, {
        serverRound: round.number,
        sum: value,
        product: round.product,
        clients: Object.keys(round.sums).length,
      });
    }
  }

  /** After all this, everybody joins a new server, and makes a round with the others. */
  async recover(): Promise<void> {
    this.disk.dieAt = undefined;
    this.#killServer();
    await this.quiet();
    this.startServer(IDS.length);
    for (const person of this.people) {
      await this.join(person);
      assert.ok(person.membership !== undefined, `${person.file.id} does not get in any more`);
    }
    for (const person of this.people) this.send(person);
    await this.quiet();
    this.check();
    assert.equal(this.group.service.lastRound, 1);
    assert.equal(
      [...this.heard.values()].slice(-IDS.length).filter(({ aggregate }) => aggregate).length,
      IDS.length,
    );
    for (const group of this.groups) await group.end();
  }
}

type Step = (world: World) => Promise<void> | void;

const PERSON = fc.integer({ min: 0, max: IDS.length - 1 });

/** Names stand for steps, so that a failure can be read. */
function step(name: string, run: (world: World, person: Person, number: number) => Promise<void> | void) {
  return fc.tuple(PERSON, fc.nat(1_000_000)).map(([index, number]) => {
    const each: Step = (world) => run(world, world.people[index]!, number);
    return Object.assign(each, { toString: () => `${name} ${IDS[index]} ${number}` });
  });
}

const FLIP = (number: number) => (bytes: Bytes) => {
  const copy = bytes.slice();
  copy[number % copy.length]! ^= 1 << (number % 8);
  return copy;
};
const CUT = (number: number) => (bytes: Bytes) => bytes.slice(0, number % bytes.length);

const STEP = fc.oneof(
  { weight: 3, arbitrary: step("join", (world, person) => world.join(person)) },
  { weight: 6, arbitrary: step("send", (world, person) => world.send(person)) },
  {
    weight: 10,
    arbitrary: step("everybody", async (world) => {
      for (const person of world.people) {
        if (person.membership === undefined) await world.join(person);
        world.send(person);
      }
    }),
  },
  { weight: 2, arbitrary: step("time", ({ group }, _, number) => group.pass(number % 6_000)) },
  { weight: 1, arbitrary: step("cut", (_, person) => person.line?.client.cut()) },
  { weight: 1, arbitrary: step("leave", (_, person) => person.membership?.close()) },
  // A client that dies between its write and its HELLO.
  { weight: 1, arbitrary: step("lost epoch", (_, person) => void person.file.next()) },
  { weight: 1, arbitrary: step("server crash", (world) => world.crashServer()) },
  {
    weight: 1,
    arbitrary: step("server crash at a write", async (world, person, number) => {
      world.disk.dieAt = number % 2 === 0 ? "before" : "behind";
      await world.join(person);
      if (world.disk.dieAt === undefined) await world.crashServer();
    }),
  },
  {
    weight: 1,
    arbitrary: step("flip there", (world, { line }, number) => world.tapOnce(line?.client, FLIP(number))),
  },
  {
    weight: 1,
    arbitrary: step("flip back", (world, { line }, number) => world.tapOnce(line?.server, FLIP(number))),
  },
  {
    weight: 1,
    arbitrary: step("drop there", (world, { line }, number) => world.tapOnce(line?.client, CUT(number))),
  },
  {
    weight: 1,
    arbitrary: step("drop back", (world, { line }, number) => world.tapOnce(line?.server, CUT(number))),
  },
  {
    weight: 1,
    arbitrary: step("replay", async ({ group, recorded }, _, number) => {
      const recording = recorded[number % Math.max(1, recorded.length)];
      if (recording === undefined) return;
      const line = group.line();
      await line.client.write(recording);
      await group.quiet();
      line.client.close();
    }),
  },
);

Deno.test("whatever happens, rounds agree, nothing counts twice, no key comes back, and all recover", async () => {
  const used = new Set<string>();
  const { seal } = Chain.prototype;
  Chain.prototype.seal = function (this: Chain, ...args) {
    const key = toHex(this.key);
    assert.ok(!used.has(key), "a chain key was used twice");
    used.add(key);
    return seal.apply(this, args);
  };
  let rounds = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 10, maxLength: 50 }), async (steps) => {
        const world = new World();
        for (const each of steps) {
          await each(world);
          await world.quiet();
        }
        world.check();
        rounds += world.groups.reduce((sum, { service }) => sum + service.lastRound, 0);
        await world.recover();
      }),
      { numRuns: 150 },
    );
  } finally {
    Chain.prototype.seal = seal;
  }
  // If the faults stopped everything, nothing was tested.
  assert.ok(rounds > 700, `${rounds} rounds`);
});
