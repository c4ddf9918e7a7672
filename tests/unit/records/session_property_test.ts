import fc from "fast-check";
import assert from "node:assert/strict";
import { type Bytes, concat, equal, toHex } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import type { Message } from "../../../lib/wire/message.ts";
import { piecesOf } from "../../support/pieces.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { crcMended, type End, flipped, joined, recordsIn, ROOMY, SUITES } from "./records.ts";

/** What happens next. Sides are 0, the client, and 1; places are parts of what is under way. */
type Step =
  | { readonly kind: "send"; readonly side: number; readonly sizeBytes: number }
  | { readonly kind: "deliver"; readonly side: number; readonly part: number }
  | { readonly kind: "flip"; readonly side: number; readonly place: number; readonly bit: number }
  | { readonly kind: "wait" };

const side = fc.integer({ min: 0, max: 1 });
const part = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const send: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("send" as const),
  side,
  sizeBytes: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 3000 })),
});
const deliver: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("deliver" as const), side, part });
const wait: fc.Arbitrary<Step> = fc.constant({ kind: "wait" });
const flip: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("flip" as const),
  side,
  place: part,
  bit: fc.integer({ min: 0, max: 7 }),
});
const setup = {
  suite: fc.constantFrom(...SUITES),
  firstSequence: fc.constantFrom(0, 65_530, 3 * 65_536 - 3),
};

/** One direction: what was sent, what is under way, what was delivered. */
class Direction {
  readonly from: End;
  readonly to: End;
  readonly sent: Bytes[] = [];
  readonly delivered: Message[] = [];
  /** What went out under each number. */
  readonly #records = new Map<number, string>();
  #underWay: Bytes = new Uint8Array(0);
  #receiving: Promise<void>[] = [];

  constructor(from: End, to: End) {
    this.from = from;
    this.to = to;
  }

  send(sizeBytes: number): void {
    const { session } = this.from;
    if (session.failure !== undefined || !session.hasRoom(sizeBytes + 4)) return;
    // The number in front tells a repetition from a second message that is the same.
    const body = concat(u32(this.sent.length), new Uint8Array(sizeBytes).fill(this.sent.length));
    session.send("data", body);
    this.sent.push(body);
  }

  /** Takes what the sending end has to say; checks that no number has two meanings. */
  async collect(): Promise<void> {
    const output = await this.from.output();
    for (const record of recordsIn(output)) {
      const sequence = new DataView(record.buffer).getUint32(0);
      const known = this.#records.get(sequence);
      const hex = toHex(record);
      assert.equal(hex, known ?? hex, `record ${sequence} has two meanings`);
      this.#records.set(sequence, hex);
    }
    this.#underWay = concat(this.#underWay, output);
  }

  /** Gives the receiving end some of the bytes, without waiting for what comes of them. */
  deliver(part: number): boolean {
    const bytes = this.#underWay.slice(0, Math.ceil(part * this.#underWay.length));
    this.#underWay = this.#underWay.slice(bytes.length);
    if (bytes.length === 0 || this.to.session.failure !== undefined) return false;
    const receiving = this.to.receive(bytes);
    this.#receiving.push(receiving.then((messages) => void this.delivered.push(...messages), () => {}));
    return true;
  }

  flip(place: number, bit: number): void {
    if (this.#underWay.length === 0) return;
    this.#underWay = flipped(this.#underWay, Math.floor(place * this.#underWay.length), bit);
  }

  async received(): Promise<void> {
    await Promise.all(this.#receiving.splice(0));
  }

  assertPrefix(): void {
    assert.ok(this.delivered.length <= this.sent.length, "something came twice");
    for (const [i, { type, body }] of this.delivered.entries()) {
      assert.ok(type === "data" && equal(body, this.sent[i]!), `message ${i} is not what was sent`);
    }
  }
}

/** Plays the steps, then delivers all that is under way until both ends are quiet. */
async function play(ends: [End, End], steps: readonly Step[]): Promise<readonly Direction[]> {
  const directions = [new Direction(...ends), new Direction(ends[1], ends[0])];
  const settle = async () => {
    for (const direction of directions) await direction.received();
    for (const direction of directions) await direction.collect();
  };
  for (const step of steps) {
    if (step.kind === "wait") await settle();
    else if (step.kind === "send") directions[step.side]!.send(step.sizeBytes);
    else {
      const direction = directions[step.side]!;
      await direction.collect();
      if (step.kind === "deliver") direction.deliver(step.part);
      else direction.flip(step.place, step.bit);
    }
  }
  do await settle(); while (directions.map((direction) => direction.deliver(1)).includes(true));
  return directions;
}

cryptoTest("without faults everything is delivered once, in order, whatever the schedule", async () => {
  const schedule = fc.array(fc.oneof(send, deliver, wait), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(schedule, fc.record(setup), fc.boolean(), async (steps, options, isNarrow) => {
      const limits = isNarrow ? { windowRecords: 16, windowSizeBytes: 4000 } : ROOMY;
      const ends = joined({ ...options, limits });
      for (const direction of await play(ends, steps)) {
        direction.assertPrefix();
        assert.equal(direction.delivered.length, direction.sent.length);
        assert.equal(direction.from.session.failure, undefined);
      }
    }),
    { numRuns: 150, seed: 1 },
  );
});

cryptoTest("noise alone, anywhere, never looks like an attack, and delivers nothing wrong", async () => {
  const schedule = fc.array(
    fc.oneof({ weight: 4, arbitrary: send }, { weight: 4, arbitrary: deliver }, {
      weight: 1,
      arbitrary: wait,
    }, {
      weight: 2,
      arbitrary: flip,
    }),
    { minLength: 5, maxLength: 80 },
  );
  let failures = 0;
  let successes = 0;
  await fc.assert(
    fc.asyncProperty(schedule, fc.record(setup), async (steps, options) => {
      for (const direction of await play(joined(options), steps)) {
        direction.assertPrefix();
        const { failure } = direction.to.session;
        assert.ok(failure === undefined || failure.code === "connection_lost", failure?.message);
        if (failure !== undefined) failures += 1;
        else if (steps.some(({ kind }) => kind === "flip")) {
          successes += direction.delivered.length === direction.sent.length ? 1 : 0;
        }
      }
    }),
    { numRuns: 400, seed: 2 },
  );
  assert.ok(failures > 5 && successes > 100, `both happened: ${failures} lost, ${successes} whole`);
});

cryptoTest("noise in headers, many small records under way, never looks like an attack", async () => {
  const header = fc.record({
    record: fc.integer({ min: 0, max: 19 }),
    bit: fc.integer({ min: 24, max: 31 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 6 }), async (flips) => {
      const [client, server] = joined({ firstSequence: 1 });
      for (let i = 0; i < 20; i++) client.session.send("data", Uint8Array.of(i));
      let bytes = await client.output();
      for (const { record, bit } of flips) bytes = flipped(bytes, record * 34 + (bit >> 3), bit & 7);
      const delivered: Message[] = [];
      while (bytes.length > 0) {
        for (const piece of piecesOf(bytes, [50])) delivered.push(...await server.receive(piece));
        await client.receive(await server.output());
        bytes = await client.output();
      }
      assert.deepEqual(delivered.map(({ body }) => body[0]), Array.from({ length: 20 }, (_, i) => i));
    }),
    { numRuns: 300, seed: 3 },
  );
});

cryptoTest(
  "a record that is damaged twice hides nothing, whatever its number, its size and the pieces",
  async () => {
    const numbered = fc.oneof(
      // Nobody sends a larger one as the first of a session.
      fc.record({ sequence: fc.constant(0), sizeBytes: fc.integer({ min: 5, max: 1279 }) }),
      // Where the number stands in the size as well, or half of it in either.
      fc.record({
        sequence: fc.constantFrom(0x00010000, 0x00010001, 0x00020002, 65_548),
        sizeBytes: fc.oneof(fc.integer({ min: 5, max: 300 }), fc.integer({ min: 65_536, max: 65_552 })),
      }),
    );
    /** Bits of both transmissions, and bytes of the ciphertext's beginning that become zeros. */
    const noise = fc.array(
      fc.record({ place: part, bit: fc.integer({ min: 0, max: 7 }), zeros: fc.integer({ min: 0, max: 4 }) }),
      { minLength: 2, maxLength: 3 },
    );
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 100, max: 90_000 })), {
      minLength: 1,
      maxLength: 12,
    }).filter((each) => Math.max(...each) >= 100);
    await fc.assert(
      fc.asyncProperty(numbered, noise, sizes, async ({ sequence, sizeBytes }, hits, pieceSizes) => {
        const [client, server] = joined({ firstSequence: sequence });
        const sent = [new Uint8Array(sizeBytes - 5), ...[1, 2, 3].map((i) => new Uint8Array(30).fill(i))];
        for (const body of sent) client.session.send("data", body);
        const delivered: Message[] = [];
        let bytes = await client.output();
        for (const { place, bit, zeros } of hits) {
          const last = sizeBytes + 28 - 8 - zeros;
          bytes = flipped(bytes, 8 + zeros + Math.floor(place * last), bit);
          bytes.fill(0, 8, 8 + zeros);
          for (const piece of piecesOf(bytes, pieceSizes)) delivered.push(...await server.receive(piece));
          assert.deepEqual(delivered, []);
          await client.receive(await server.output());
          bytes = await client.output();
        }
        for (const piece of piecesOf(bytes, pieceSizes)) delivered.push(...await server.receive(piece));
        assert.deepEqual(delivered.map(({ body }) => body), sent);
      }),
      { numRuns: 200, seed: 5 },
    );
  },
);

/** What an attacker without keys does to a list of records. */
type Attack =
  | { readonly kind: "flip" | "mend"; readonly record: number; readonly at: number; readonly bit: number }
  | { readonly kind: "drop" | "repeat"; readonly record: number }
  | { readonly kind: "move"; readonly record: number; readonly to: number };

const index = fc.integer({ min: 0, max: 9 });
const attack: fc.Arbitrary<Attack> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("flip" as const, "mend" as const),
    record: index,
    at: fc.nat({ max: 59 }),
    bit: fc.integer({ min: 0, max: 7 }),
  }),
  fc.record({ kind: fc.constantFrom("drop" as const, "repeat" as const), record: index }),
  fc.record({ kind: fc.constant("move" as const), record: index, to: index }),
);

function attacked(records: readonly Bytes[], attacks: readonly Attack[]): Bytes {
  const changed = [...records];
  for (const each of attacks) {
    const record = changed[each.record];
    if (record === undefined) continue;
    switch (each.kind) {
      case "drop":
        changed.splice(each.record, 1);
        break;
      case "repeat":
        changed.splice(each.record, 0, record);
        break;
      case "move":
        changed.splice(each.to, 0, ...changed.splice(each.record, 1));
        break;
      case "flip":
      case "mend": {
        const noisy = flipped(record, each.at % record.length, each.bit);
        changed[each.record] = each.kind === "mend" ? crcMended(noisy) : noisy;
      }
    }
  }
  return concat(...changed);
}

/** Everything that comes of bytes in pieces: what was delivered, and how it ended. */
async function outcome(bytes: Bytes, sizes: readonly number[]) {
  const [, server] = joined();
  const delivered: string[] = [];
  try {
    for (const piece of piecesOf(bytes, sizes)) {
      for (const { type, body } of await server.receive(piece)) delivered.push(`${type} ${toHex(body)}`);
    }
    server.session.receiveEnd();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
  await server.settle();
  return { delivered, end: codeOf(server.session.failure) };
}

cryptoTest(
  "an attacker gets nothing delivered but a beginning of what was sent; cutting changes nothing",
  async () => {
    const [client] = joined();
    for (let i = 0; i < 10; i++) client.session.send("data", new Uint8Array(i * 3).fill(i));
    const records = recordsIn(await client.output());
    const whole = await outcome(concat(...records), [10_000]);
    assert.equal(whole.delivered.length, 10);
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(attack, { maxLength: 5 }), sizes, async (attacks, chunks) => {
        const bytes = attacked(records, attacks);
        const expected = await outcome(bytes, [bytes.length + 1]);
        assert.deepEqual(expected.delivered, whole.delivered.slice(0, expected.delivered.length));
        assert.deepEqual(await outcome(bytes, chunks), expected);
        assert.deepEqual(await outcome(bytes, [1]), expected);
      }),
      { numRuns: 300, seed: 4 },
    );
  },
);
