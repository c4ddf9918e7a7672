import assert from "node:assert/strict";
import fc from "fast-check";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX } from "../../../lib/limits.ts";
import { Admission } from "../../../lib/net/admission.ts";
import type { Random } from "../../../lib/ports.ts";
import { seededFractions } from "../../support/random.ts";

/** Deals out these numbers in order, as four bytes each. */
function dealt(...numbers: readonly number[]): Random {
  let next = 0;
  return {
    bytes(size) {
      assert.equal(size, 4);
      assert.ok(next < numbers.length, "nothing is left to draw");
      // The bytes stand inside a larger buffer, as a random source may hand them out.
      const bytes = new Uint8Array(6).subarray(1, 5);
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, numbers[next++]!);
      return bytes;
    },
  };
}

function seeded(seed: number): Random {
  const fractions = seededFractions(seed);
  return { bytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(fractions() * 256)) };
}

/** A handshake as its owner sees it. */
interface Handshake {
  readonly address: string;
  readonly leave: () => void;
  state: "open" | "left" | "evicted";
}

/** An admission and everybody who was ever let in, with the rules that always hold checked at each step. */
class Hall {
  readonly all: Handshake[] = [];
  readonly #admission: Admission;
  #evicted: Handshake | undefined;

  constructor(random: Random) {
    this.#admission = new Admission(random);
  }

  /** Lets a newcomer in; returns who had to go for it. */
  enter(address: string): Handshake | undefined {
    this.#evicted = undefined;
    const leave = this.#admission.enter(address, () => {
      assert.equal(handshake.state, "open", "only who is there is evicted, and once");
      assert.equal(this.#evicted, undefined, "at most one has to go");
      handshake.state = "evicted";
      this.#evicted = handshake;
    });
    const handshake: Handshake = { address, leave, state: "open" };
    this.all.push(handshake);
    return this.#evicted;
  }

  enterMany(count: number, address: (index: number) => string): readonly (Handshake | undefined)[] {
    return Array.from({ length: count }, (_, index) => this.enter(address(index)));
  }

  open(address?: string): readonly Handshake[] {
    return this.all.filter((each) =>
      each.state === "open" && (address === undefined || each.address === address)
    );
  }
}

/** Distinct IPv4 addresses. */
function v4(index: number): string {
  return `10.${index >> 16 & 255}.${index >> 8 & 255}.${index & 255}`;
}

function leave(handshake: Handshake): void {
  handshake.leave();
  if (handshake.state === "open") handshake.state = "left";
}

Deno.test("everybody gets a place without anybody's loss while there are places", () => {
  const hall = new Hall(dealt());
  assert.ok(hall.enterMany(HANDSHAKES_MAX, v4).every((evicted) => evicted === undefined));
  assert.equal(hall.open().length, HANDSHAKES_MAX);
});

Deno.test("one address has so many places, and a newcomer from it takes one of its own", () => {
  const hall = new Hall(dealt(7));
  hall.enter("192.0.2.2");
  hall.enterMany(HANDSHAKES_PER_ADDRESS_MAX, () => "192.0.2.1");
  assert.equal(hall.enter("192.0.2.1"), hall.all[1 + 7]);
  assert.equal(hall.open("192.0.2.1").length, HANDSHAKES_PER_ADDRESS_MAX);
  assert.equal(hall.open("192.0.2.2").length, 1);
});

Deno.test("when every place is taken, the network with the most loses one", () => {
  const hall = new Hall(seeded(1));
  hall.enterMany(HANDSHAKES_MAX - 3, v4);
  hall.enterMany(3, () => "192.0.2.1");
  assert.equal(hall.enter("198.51.100.1")?.address, "192.0.2.1");
  assert.equal(hall.enter("198.51.100.2")?.address, "192.0.2.1");
});

Deno.test("a newcomer counts for its network, so it takes no place from one that has fewer", () => {
  for (let seed = 0; seed < 20; seed++) {
    const hall = new Hall(seeded(seed));
    hall.enterMany(HANDSHAKES_MAX - 4, v4);
    hall.enterMany(2, () => "192.0.2.1");
    hall.enterMany(2, () => "192.0.2.2");
    // Before it came both had two; with it, its own network has the most.
    assert.equal(hall.enter("192.0.2.1")?.address, "192.0.2.1");
  }
});

Deno.test("where networks have equally many, any of the older half of their handshakes may be the one, and no other", () => {
  const total = HANDSHAKES_MAX;
  const lost = new Set<number>();
  for (let drawn = 0; drawn < 4; drawn++) {
    const hall = new Hall(dealt(drawn));
    hall.enterMany(2, () => "192.0.2.1");
    hall.enterMany(2, () => "192.0.2.2");
    hall.enterMany(total - 4, v4);
    lost.add(hall.all.indexOf(hall.enter("198.51.100.1")!));
  }
  assert.deepEqual([...lost].sort(), [0, 1]);
});

Deno.test("the draw is unbiased: numbers behind the last whole multiple are drawn again", () => {
  const losers = 192;
  const older = losers / 2;
  const usable = 2 ** 32 - 2 ** 32 % older;
  assert.notEqual(usable, 2 ** 32);
  const fill = (hall: Hall) => {
    for (let network = 0; network < losers / 64; network++) hall.enterMany(64, () => v4(network));
    hall.enterMany(HANDSHAKES_MAX - losers, (index) => v4(1000 + index));
    return hall;
  };
  const last = fill(new Hall(dealt(usable - 1)));
  assert.equal(last.enter("198.51.100.1"), last.all[older - 1]);
  const again = fill(new Hall(dealt(usable, 2 ** 32 - 1, 5)));
  assert.equal(again.enter("198.51.100.1"), again.all[5]);
});

Deno.test("who has left gave the place back, once, however often it says so", () => {
  const hall = new Hall(dealt(0, 0));
  hall.enterMany(HANDSHAKES_PER_ADDRESS_MAX, () => "192.0.2.1");
  const first = hall.all[0]!;
  leave(first);
  first.leave();
  assert.equal(hall.enter("192.0.2.1"), undefined);
  const evicted = hall.enter("192.0.2.1")!;
  // Whoever was evicted leaves too, when its connection has ended; that gives nothing back a second time.
  evicted.leave();
  assert.notEqual(hall.enter("192.0.2.1"), undefined);
});

Deno.test("a network that has left altogether may come back to all its places", () => {
  const hall = new Hall(dealt());
  for (let round = 0; round < 3; round++) {
    hall.enterMany(HANDSHAKES_PER_ADDRESS_MAX, () => "192.0.2.1");
    hall.open().forEach(leave);
  }
});

Deno.test("eviction may call back: leaving from inside it does no harm", () => {
  const admission = new Admission(seeded(1));
  let evictedCount = 0;
  const leaves: (() => void)[] = [];
  for (let index = 0; index <= HANDSHAKES_PER_ADDRESS_MAX; index++) {
    leaves.push(admission.enter("192.0.2.1", () => {
      evictedCount += 1;
      leaves.forEach((leave) => leave());
    }));
  }
  assert.equal(evictedCount, 1);
  // All but the newcomer have left, so there is room for all of them but one.
  for (let index = 1; index < HANDSHAKES_PER_ADDRESS_MAX; index++) {
    admission.enter("192.0.2.1", () => assert.fail("there was room"));
  }
});

Deno.test("an IPv4 address is a network, and so is an IPv6 /64; how it is written does not matter", () => {
  const same = [
    ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201"],
    ["2001:db8::1", "2001:db8::2", "2001:DB8:0:0:ffff::%eth0", "2001:db8::1%3"],
    ["fe80::1%eth0", "fe80::2%eth1"],
    ["something else"],
    ["192.0.2.2"],
    ["192.0.3.1"],
    ["::ffff:192.0.2.3"],
    ["2001:db8:0:1::1"],
    ["::1"],
    ["another thing"],
  ];
  for (const [index, spellings] of same.entries()) {
    const hall = new Hall(seeded(index));
    for (const each of same.flat()) hall.enter(each);
    const taken = spellings.length;
    const evicted = hall.enterMany(HANDSHAKES_PER_ADDRESS_MAX - taken, (count) => spellings[count % taken]!);
    assert.ok(evicted.every((each) => each === undefined), `${spellings} shares with nobody`);
    for (const spelling of spellings) {
      assert.ok(spellings.includes(hall.enter(spelling)!.address), `${spelling} takes from its own`);
    }
    const others = same.filter((each) => each !== spellings).flat();
    for (const other of others) assert.equal(hall.open(other).length, 1);
  }
});

/** A history: who comes or leaves after the first so many have come. */
const HISTORY = fc.record({
  seed: fc.integer(),
  /** Few large networks, or many small ones. */
  networkCount: fc.constantFrom(3, 5, 30, 400),
  firstCount: fc.nat({ max: HANDSHAKES_MAX }),
  steps: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ enters: fc.nat({ max: 999 }) }) },
      { weight: 1, arbitrary: fc.record({ leaves: fc.nat({ max: 999 }) }) },
    ),
    { maxLength: 200, size: "max" },
  ),
});

Deno.test("whatever comes and goes: the caps hold, places come back, and the few lose none to the many", () => {
  fc.assert(
    fc.property(HISTORY, ({ seed, networkCount, firstCount, steps }) => {
      const hall = new Hall(seeded(seed));
      // The square makes some networks come far more often than others.
      const addressOf = (pick: number) => v4(Math.floor((pick / 1000) ** 2 * networkCount));
      const counts = new Map<string, number>();
      const countOf = (address: string) => counts.get(address) ?? 0;
      let openCount = 0;
      const add = (address: string, change: 1 | -1) => {
        openCount += change;
        counts.set(address, countOf(address) + change);
      };
      const fractions = seededFractions(seed);
      const first = Array.from({ length: firstCount }, () => ({ enters: Math.floor(fractions() * 1000) }));
      for (const step of [...first, ...steps]) {
        if ("leaves" in step) {
          const someone = hall.all[step.leaves % Math.max(1, hall.all.length)];
          if (someone?.state === "open") add(someone.address, -1);
          if (someone !== undefined) leave(someone);
          continue;
        }
        const address = addressOf(step.enters);
        const isNetworkFull = countOf(address) === HANDSHAKES_PER_ADDRESS_MAX;
        const isFull = openCount === HANDSHAKES_MAX;
        const evicted = hall.enter(address);
        add(address, 1);
        assert.equal(evicted !== undefined, isNetworkFull || isFull);
        if (evicted === undefined) continue;
        if (isNetworkFull) assert.equal(evicted.address, address);
        else assert.equal(countOf(evicted.address), Math.max(...counts.values()));
        assert.ok(countOf(evicted.address) >= countOf(address), "it was taken from one that has fewer");
        add(evicted.address, -1);
      }
      assert.equal(hall.open().length, openCount);
    }),
    { numRuns: 200 },
  );
});

Deno.test("an honest network with fewer handshakes than each of a few greedy ones never loses one", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, honestCount) => {
      const hall = new Hall(seeded(seed));
      hall.enterMany(honestCount, () => "192.0.2.1");
      hall.enterMany(1000, (index) => v4(index % 5));
      assert.equal(hall.open("192.0.2.1").length, honestCount);
    }),
    { numRuns: 20 },
  );
});

interface Flood {
  readonly perSecond: number;
  readonly address: (index: number) => string;
}

/**
 * Lets honest handshakes of 100 ms try their luck, ten a second, under a flood of silent strangers who stay until
 * a deadline of 10 s. Returns the share of honest handshakes that were finished.
 */
function shareOfHonest({ perSecond, address }: Flood, seed: number): number {
  const tryCount = 1000;
  const admission = new Admission(seeded(seed));
  const events: { readonly atMs: number; readonly happen: () => void }[] = [];
  const enterAt = (atMs: number, untilMs: number, from: string, end: (wasEvicted: boolean) => void) => {
    let wasEvicted = false;
    let leave: () => void;
    events.push({ atMs, happen: () => void (leave = admission.enter(from, () => void (wasEvicted = true))) });
    events.push({
      atMs: untilMs,
      happen: () => {
        leave();
        end(wasEvicted);
      },
    });
  };
  // Ten seconds of flood alone fill every place first.
  const endMs = 10_000 + tryCount * 100;
  for (let index = 0; index < endMs / 1000 * perSecond; index++) {
    const atMs = index * 1000 / perSecond;
    enterAt(atMs, atMs + 10_000, address(index), () => {});
  }
  let finishedCount = 0;
  for (let index = 0; index < tryCount; index++) {
    const atMs = 10_000 + index * 100 + 0.5;
    enterAt(atMs, atMs + 100, "192.0.2.1", (wasEvicted) => {
      if (!wasEvicted) finishedCount += 1;
    });
  }
  events.sort((left, right) => left.atMs - right.atMs);
  for (const { happen } of events) happen();
  return finishedCount / tryCount;
}

Deno.test("an honest handshake survives 500 silent strangers a second, each from another address", () => {
  const share = shareOfHonest({ perSecond: 500, address: v4 }, 1);
  // 50 newcomers come meanwhile, so it does not get into the older half of 256.
  assert.equal(share, 1);
});

Deno.test("it always survives a flood from fewer addresses than there are places", () => {
  // Two places each fill the house, so whoever has one of them loses nothing.
  const share = shareOfHonest({ perSecond: 500, address: (index) => v4(index % (HANDSHAKES_MAX / 2)) }, 1);
  assert.equal(share, 1);
});
