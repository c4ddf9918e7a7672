import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClosedRound, Rounds } from "../../../lib/rounds/rounds.ts";

const DEADLINE_MS = 10_000;

/** A round as one line. */
function said({ number, sums, product, late }: ClosedRound<string>): string {
  const parts = sums.map(({ member, sum }) => `${member}=${sum}`);
  return `${number}: ${parts.join(" ")} -> ${product}${late.length === 0 ? "" : ` late ${late.join(" ")}`}`;
}

/** Rounds that a test talks to in words. */
class Talk {
  readonly rounds: Rounds<string>;
  nowMs = 1_000;

  constructor(minClients = 1, deadlineMs?: number) {
    this.rounds = new Rounds(deadlineMs === undefined ? { minClients } : { minClients, deadlineMs });
  }

  take(member: string, text: string): readonly string[] {
    return this.rounds.take(member, text, this.nowMs).map(said);
  }

  leave(member: string): readonly string[] {
    return this.rounds.leave(member, this.nowMs).map(said);
  }

  pass(ms: number): readonly string[] {
    this.nowMs += ms;
    return this.rounds.handleTimeout(this.nowMs).map(said);
  }
}

/** Three clients that have made one round. */
function threeClients(): Talk {
  const talk = new Talk(3);
  assert.deepEqual([talk.take("a", "1"), talk.take("b", "2")], [[], []]);
  assert.deepEqual(talk.take("c", "3"), ["1: a=1 b=2 c=3 -> 6"]);
  return talk;
}

Deno.test("a client alone is a round", () => {
  const talk = new Talk();
  assert.equal(talk.rounds.lastNumber, 0);
  assert.deepEqual(talk.take("a", "2,3"), ["1: a=5 -> 5"]);
  assert.deepEqual(talk.take("a", "hello"), ["2: a=5 -> 5"]);
  assert.equal(talk.rounds.lastNumber, 2);
  assert.equal(talk.rounds.nextTimeoutMs(), undefined);
});

Deno.test("a round waits for as many clients as it should, however long", () => {
  const talk = new Talk(3);
  assert.deepEqual(talk.take("a", "1"), []);
  assert.deepEqual(talk.take("b", "2"), []);
  assert.equal(talk.rounds.clientCount, 2);
  assert.equal(talk.rounds.nextTimeoutMs(), undefined);
  assert.deepEqual(talk.pass(10 * DEADLINE_MS), []);
  assert.deepEqual(talk.take("c", "-1.5"), ["1: a=1 b=2 c=-1.5 -> -3"]);
});

Deno.test("who leaves before a round opens takes its value along", () => {
  const talk = new Talk(2);
  talk.take("a", "5");
  assert.deepEqual(talk.leave("a"), []);
  assert.equal(talk.rounds.clientCount, 0);
  talk.take("b", "2");
  assert.deepEqual(talk.take("c", "3"), ["1: b=2 c=3 -> 6"]);
});

Deno.test("a round is over when each of its members has sent", () => {
  const talk = threeClients();
  assert.deepEqual([talk.take("b", "5"), talk.take("a", "1")], [[], []]);
  assert.deepEqual(talk.take("c", "2"), ["2: b=5 a=1 c=2 -> 10"]);
});

Deno.test("who comes while a round is open is in the next one", () => {
  const talk = threeClients();
  talk.take("a", "2");
  assert.deepEqual(talk.take("d", "7"), []);
  assert.equal(talk.rounds.clientCount, 4);
  talk.take("b", "2");
  assert.deepEqual(talk.take("c", "2"), ["2: a=2 b=2 c=2 -> 8"]);
  // The newcomer's value has opened the next round.
  assert.equal(talk.rounds.nextTimeoutMs(), talk.nowMs + DEADLINE_MS);
  talk.take("a", "1");
  talk.take("b", "1");
  assert.deepEqual(talk.take("c", "1"), ["3: d=7 a=1 b=1 c=1 -> 7"]);
});

Deno.test("the deadline counts from a round's opening, and ends it without those who are late", () => {
  const talk = threeClients();
  talk.pass(5_000);
  talk.take("a", "2");
  assert.equal(talk.rounds.nextTimeoutMs(), talk.nowMs + DEADLINE_MS);
  assert.deepEqual(talk.pass(DEADLINE_MS - 1), []);
  talk.take("b", "4");
  assert.deepEqual(talk.pass(1), ["2: a=2 b=4 -> 8 late c"]);
  assert.equal(talk.rounds.clientCount, 2);
  assert.equal(talk.rounds.nextTimeoutMs(), undefined);
});

Deno.test("a deadline of one's own counts", () => {
  const talk = new Talk(1, 50);
  talk.take("a", "1");
  talk.take("b", "1");
  assert.equal(talk.rounds.nextTimeoutMs(), talk.nowMs + 50);
  assert.deepEqual(talk.pass(49), []);
  assert.deepEqual(talk.pass(1), ["2: b=1 -> 1 late a"]);
});

Deno.test("nothing is over at a moment that no round waits for", () => {
  const talk = new Talk();
  assert.deepEqual(talk.pass(1e9), []);
  talk.take("a", "1");
  assert.deepEqual(talk.pass(1e9), []);
});

Deno.test("a late client is none any more, and what it sends then is a new client's", () => {
  const talk = new Talk(1);
  talk.take("a", "1");
  talk.take("b", "1");
  assert.deepEqual(talk.pass(DEADLINE_MS), ["2: b=1 -> 1 late a"]);
  assert.deepEqual(talk.leave("a"), []);
  assert.deepEqual(talk.take("a", "3"), []);
  assert.deepEqual(talk.take("b", "2"), ["3: a=3 b=2 -> 6"]);
});

Deno.test("who leaves an open round before it has sent is not waited for", () => {
  const talk = threeClients();
  talk.take("a", "2");
  talk.take("b", "3");
  assert.deepEqual(talk.leave("c"), ["2: a=2 b=3 -> 6"]);
});

Deno.test("who leaves an open round after it has sent still counts in it, and in none behind it", () => {
  const talk = threeClients();
  talk.take("a", "2");
  assert.deepEqual(talk.leave("a"), []);
  talk.take("b", "3");
  assert.deepEqual(talk.take("c", "4"), ["2: a=2 b=3 c=4 -> 24"]);
  talk.take("b", "1");
  assert.equal(talk.rounds.nextTimeoutMs(), undefined, "two are too few");
});

Deno.test("a round goes on if its members become too few for a new one", () => {
  const talk = threeClients();
  talk.take("a", "2");
  assert.deepEqual(talk.leave("b"), []);
  assert.deepEqual(talk.take("c", "4"), ["2: a=2 c=4 -> 8"]);
});

Deno.test("one call may end several rounds", () => {
  const talk = new Talk(1);
  talk.take("a", "1");
  // Opens a round of both, in which "a" is missing; the newer session of "a" waits meanwhile.
  talk.take("b", "2");
  talk.take("a2", "3");
  assert.deepEqual(talk.leave("a"), ["2: b=2 -> 2"]);
  // "a2" has opened the third; its other member is missing.
  assert.deepEqual(talk.leave("b"), ["3: a2=3 -> 3"]);

  const other = new Talk(1);
  other.take("a", "1");
  other.take("b", "2");
  other.take("c", "3");
  // At once: the second round, without the late one, and the third, which waits for "b" alone.
  assert.deepEqual(other.pass(DEADLINE_MS), ["2: b=2 -> 2 late a"]);
  assert.deepEqual(other.leave("b"), ["3: c=3 -> 3"]);

  const both = new Talk(1);
  both.take("a", "1");
  both.take("b", "2");
  both.take("c", "3");
  both.leave("b");
  assert.deepEqual(both.leave("a"), ["2: b=2 -> 2", "3: c=3 -> 3"]);

  const late = new Talk(1);
  late.take("a", "1");
  late.take("b", "2");
  late.take("c", "3");
  late.leave("b");
  assert.deepEqual(late.pass(DEADLINE_MS), ["2: b=2 -> 2 late a", "3: c=3 -> 3"]);
});

Deno.test("a zero spoils the product and nothing else", () => {
  const talk = threeClients();
  talk.take("a", "0");
  talk.take("b", "-2");
  assert.deepEqual(talk.take("c", "-0.0"), ["2: a=0 b=-2 c=0 -> 0"]);
});

// ---- Whatever happens ----

type Step =
  | { readonly kind: "send"; readonly who: number; readonly value: number }
  | { readonly kind: "leave"; readonly who: number }
  | { readonly kind: "pass"; readonly ms: number };

const WHO = fc.integer({ min: 0, max: 5 });
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      who: WHO,
      value: fc.integer({ min: -9, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), who: WHO }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 1_500 }) }),
  },
);

/** The same rules, written down as a list of what everybody is about, and nothing else. */
class Model {
  /** In the order in which they became clients. */
  readonly clients: { who: number; waits: number | undefined }[] = [];
  open: { members: number[]; values: Map<number, number>; endsMs: number } | undefined;
  closed = 0;
  readonly minClients: number;

  constructor(minClients: number) {
    this.minClients = minClients;
  }

  send(who: number, value: number): void {
    if (this.open?.members.includes(who)) {
      this.open.members = this.open.members.filter((each) => each !== who);
      this.open.values.set(who, value);
      return;
    }
    const client = this.clients.find((each) => each.who === who);
    if (client === undefined) this.clients.push({ who, waits: value });
    else client.waits = value;
  }

  leave(who: number): void {
    this.clients.splice(0, Infinity, ...this.clients.filter((each) => each.who !== who));
    if (this.open !== undefined) this.open.members = this.open.members.filter((each) => each !== who);
  }

  /** Every round that is over by now, as {@link said} says it. */
  settle(nowMs: number): readonly string[] {
    const lines: string[] = [];
    for (;;) {
      if (this.open === undefined) {
        const waiting = this.clients.filter(({ waits }) => waits !== undefined);
        if (waiting.length === 0 || this.clients.length < this.minClients) return lines;
        const members = this.clients.filter(({ waits }) => waits === undefined).map(({ who }) => who);
        const values = new Map(waiting.map(({ who, waits }) => [who, waits!]));
        for (const client of waiting) client.waits = undefined;
        this.open = { members, values, endsMs: nowMs + 1_000 };
      }
      const { members, values, endsMs } = this.open;
      if (members.length > 0 && nowMs < endsMs) return lines;
      let product = 1;
      for (const value of values.values()) product *= value;
      const parts = [...values].map(([who, value]) => `${who}=${value}`);
      lines.push(
        `${++this.closed}: ${parts.join(" ")} -> ${product + 0}${
          members.length === 0 ? "" : ` late ${members.join(" ")}`
        }`,
      );
      this.open = undefined;
      for (const who of members) this.leave(who);
    }
  }
}

Deno.test("whatever happens, rounds are those of the rules, and each value counts in exactly one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(STEP, { maxLength: 60 }), (minClients, steps) => {
      const rounds = new Rounds<number>({ minClients, deadlineMs: 1_000 });
      const model = new Model(minClients);
      let nowMs = 0;
      /** Who waits for an answer. */
      const pending = new Set<number>();
      const state = { sent: 0, counted: 0, dropped: 0 };
      for (const step of steps) {
        let closed: readonly ClosedRound<number>[] = [];
        if (step.kind === "send") {
          // A session sends one value and then waits.
          if (pending.has(step.who)) continue;
          pending.add(step.who);
          state.sent += 1;
          model.send(step.who, step.value);
          closed = rounds.take(step.who, String(step.value), nowMs);
        } else if (step.kind === "leave") {
          const isCounted = model.open?.values.has(step.who) ?? false;
          if (pending.delete(step.who) && !isCounted) state.dropped += 1;
          model.leave(step.who);
          closed = rounds.leave(step.who, nowMs);
          // A session that has gone comes back as another one, when its round is over.
          if (isCounted) pending.add(step.who);
        } else {
          nowMs += step.ms;
          closed = rounds.handleTimeout(nowMs);
        }
        assert.deepEqual(
          closed.map((round) => said(round as unknown as ClosedRound<string>)),
          model.settle(nowMs),
        );
        assert.equal(rounds.nextTimeoutMs(), model.open?.endsMs);
        assert.equal(rounds.clientCount, model.clients.length);
        for (const { sums, late } of closed) {
          state.counted += sums.length;
          for (const { member } of sums) {
            assert.ok(pending.delete(member), "counted without a value, or twice");
          }
          for (const member of late) assert.ok(!pending.has(member), "late, and yet it has sent");
        }
      }
      assert.equal(state.sent, state.counted + state.dropped + pending.size, "a value was lost");
    }),
    { numRuns: 300 },
  );
});
