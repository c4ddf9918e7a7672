/** Every attack on the rounds is proved, and its parts do what they say. */
import assert from "node:assert/strict";
import { ROUNDS_ATTACKS } from "../../../cli/attack_sim/attacks/rounds.ts";
import { type CountedRound, RoundsBooks } from "../../../cli/attack_sim/rounds_books.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";
import { packetOffsets } from "../../../lib/attacks/rounds_units.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import {
  flipPacketBits,
  injectData,
  PACKET_BITS,
  tamperData,
} from "../../../lib/attacks/transforms/rounds_change.ts";
import { halfDeadLine, truncateAggregate } from "../../../lib/attacks/transforms/rounds_lines.ts";
import {
  dropAggregate,
  reflectData,
  reorderClose,
  replayData,
  spliceData,
} from "../../../lib/attacks/transforms/rounds_repeat.ts";
import type { Attacker, End, Move, Unit } from "../../../lib/attacks/wire.ts";
import { concat } from "../../../lib/bytes/bytes.ts";
import { encodeHeader, type Opcode, OPCODES } from "../../../lib/rounds/packet.ts";

for (const attack of ROUNDS_ATTACKS) {
  Deno.test(`rounds ${attack.name} is proved, whatever the attacker chooses`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      assert.ok(isProved(verdict), JSON.stringify([verdict.problem, verdict.controls], undefined, 2));
    }
  });
}

const FROM: Readonly<Record<Opcode, End>> = {
  hello: "client",
  challenge: "server",
  data: "client",
  aggregate: "server",
  close: "client",
};

/** A packet with a body of three blocks, as it passes. */
function packet(opcode: Opcode, round: number, fill = 7): Unit {
  const header = { version: 1, opcode: OPCODES[opcode], direction: 0, id: "ab", epoch: 0, round };
  const bytes = concat(encodeHeader(header, 48), new Uint8Array(16 + 48 + 32).fill(fill));
  return { from: FROM[opcode], kind: "packet", name: opcode.toUpperCase(), number: 0, bytes };
}

/** The packets of a session, in their order. */
const SESSION = [
  packet("hello", 0),
  packet("challenge", 0),
  ...[1, 2, 3].flatMap((round) => [packet("data", round), packet("aggregate", round)]),
  packet("close", 4),
];

/** What an attacker does to a session, by the packet that it got. */
function movesOf(attacker: Attacker, session = SESSION): readonly (readonly Move[])[] {
  return session.map((unit) => attacker.take(unit));
}

const passed = (unit: Unit): Move => ({
  kind: "send",
  to: unit.from === "client" ? "server" : "client",
  name: unit.name,
  bytes: unit.bytes,
});

/** The packets that did not go on as they came, with their places in the session. */
function touched(attacker: Attacker, session = SESSION): readonly (readonly [number, readonly Move[]])[] {
  return movesOf(attacker, session).flatMap((moves, at) => {
    const [only] = moves;
    const isUntouched = moves.length === 1 && only!.kind === "send" && only!.bytes === session[at]!.bytes &&
      only!.to === (session[at]!.from === "client" ? "server" : "client");
    return isUntouched ? [] : [[at, moves] as const];
  });
}

const seeds = Array.from({ length: 40 }, (_, seed) => seed);

Deno.test("a replayed value is a later one than the first, and comes before its answer goes on", () => {
  const places = seeds.map((seed) => {
    const [[at, moves] = [], ...more] = touched(replayData(new Seeded(seed)));
    assert.equal(more.length, 0);
    const [again, answer] = moves!;
    assert.deepEqual(answer, passed(SESSION[at!]!));
    assert.ok(again!.kind === "send" && again!.to === "server" && again!.bytes === SESSION[at! - 1]!.bytes);
    return at;
  });
  assert.deepEqual(new Set(places), new Set([5, 7]));
});

Deno.test("a reflected value goes back to its sender alone", () => {
  const [[at, moves] = [], ...more] = touched(reflectData());
  assert.equal(more.length, 0);
  assert.equal(SESSION[at!], SESSION[4]);
  assert.deepEqual(moves!.map((move) => move.kind === "send" && [move.to, move.bytes]), [
    ["client", SESSION[4]!.bytes],
  ]);
});

Deno.test("a spliced value is the first session's, in each later one", () => {
  const attackerOf = spliceData(new Seeded(1));
  assert.deepEqual(touched(attackerOf(0)), []);
  for (const connection of [1, 2]) {
    const later = SESSION.map((unit) => ({ ...unit, bytes: unit.bytes.map((byte, i) => i < 20 ? byte : 9) }));
    const [[at, moves] = [], ...more] = touched(attackerOf(connection), later);
    assert.equal(more.length, 0);
    assert.ok(moves![0]!.kind === "send" && moves![0]!.bytes === SESSION[at!]!.bytes);
  }
});

Deno.test("an answer is dropped, a farewell overtakes a value", () => {
  assert.deepEqual(touched(dropAggregate()).map(([at, moves]) => [at, moves.map(({ kind }) => kind)]), [
    [5, ["keep"]],
  ]);
  const leaving = [...SESSION.slice(0, 5), packet("close", 2)];
  const [[at, held] = [], [, moves] = [], ...more] = touched(reorderClose(), leaving);
  assert.equal(more.length, 0);
  assert.deepEqual([at, held!.map(({ kind }) => kind)], [4, ["keep"]]);
  assert.deepEqual(moves!.map((move) => move.kind === "send" && move.bytes), [
    leaving[5]!.bytes,
    leaving[4]!.bytes,
  ]);
});

Deno.test("tampering flips one bit of one of the first six bytes of an IV", () => {
  for (const seed of seeds) {
    const [[at, moves] = [], ...more] = touched(tamperData(new Seeded(seed)));
    assert.deepEqual([at, more.length, moves!.length], [4, 0, 1]);
    const [move] = moves!;
    assert.ok(move?.kind === "send");
    const { ivAt } = packetOffsets(SESSION[4]!.bytes);
    const changed = differences(SESSION[4]!.bytes, move.bytes);
    assert.equal(changed.length, 1);
    assert.ok(changed[0]!.at >= ivAt && changed[0]!.at < ivAt + 6);
    assert.equal(changed[0]!.bits, 1);
  }
});

Deno.test("an injected packet has a copied header and is whole", () => {
  const [[at, moves] = []] = touched(injectData(new Seeded(3)));
  const [move] = moves!;
  assert.ok(at === 4 && move?.kind === "send");
  const { ivAt } = packetOffsets(SESSION[4]!.bytes);
  assert.deepEqual(move.bytes.subarray(0, ivAt - 4), SESSION[4]!.bytes.subarray(0, ivAt - 4));
  assert.equal(packetOffsets(move.bytes).macAt! + 32, move.bytes.length);
  assert.match(new TextDecoder("latin1").decode(move.bytes.subarray(ivAt + 16)), /^1[0-9]{6}\t{9}/);
});

Deno.test("in each connection one bit is flipped, where it is said to be", () => {
  const parts = { header: [0, 18], rest: [18, 18 + 16 + 48 + 32], count: [26, 30] } as const;
  for (const seed of seeds) {
    const attackerOf = flipPacketBits(new Seeded(seed));
    for (const [connection, { name, part }] of [...PACKET_BITS, ...PACKET_BITS].entries()) {
      const [[at, moves] = [], ...more] = touched(attackerOf(connection));
      assert.equal(more.length, 0);
      assert.equal(SESSION[at!]!.name, name);
      const [move, end] = moves!;
      assert.ok(move?.kind === "send");
      const changed = differences(SESSION[at!]!.bytes, move.bytes);
      assert.equal(changed.length, 1);
      const [{ at: byte, bits }] = changed as [{ at: number; bits: number }];
      assert.ok(byte >= parts[part][0] && byte < parts[part][1], `${name} ${part} ${byte}`);
      assert.equal(Math.log2(bits) % 1, 0);
      // Nobody is left waiting for what a larger size announces.
      assert.equal(end?.kind, byte === 3 || (byte >= 14 && byte < 18) ? "end" : undefined);
    }
  }
});

Deno.test("a truncated answer ends inside, and so does the stream to the client", () => {
  for (const seed of seeds) {
    const [[at, moves] = [], ...more] = touched(truncateAggregate(new Seeded(seed)));
    const [move, end] = moves!;
    assert.ok(at === 5 && more.length === 0 && move?.kind === "send" && end?.kind === "end");
    assert.equal(end.to, "client");
    assert.ok(move.bytes.length > 0 && move.bytes.length < SESSION[5]!.bytes.length);
    assert.deepEqual(move.bytes, SESSION[5]!.bytes.subarray(0, move.bytes.length));
  }
});

Deno.test("only the first line dies, and the server does not hear of it", () => {
  const line = halfDeadLine(0);
  const moves = movesOf(line, SESSION.slice(0, 4));
  assert.deepEqual(moves.map((each) => each.map(({ kind }) => kind)), [
    ["send"],
    ["send"],
    ["send", "end"],
    [],
  ]);
  assert.deepEqual(line.end!("client"), []);
  assert.deepEqual(line.end!("server").map(({ kind }) => kind), ["end"]);
  assert.deepEqual(touched(halfDeadLine(1)), []);
  assert.equal(halfDeadLine(1).end!("client").length, 1);
});

/** Where two byte strings of one size differ, and in which bits. */
function differences(left: Uint8Array, right: Uint8Array): readonly { at: number; bits: number }[] {
  assert.equal(left.length, right.length);
  return [...left].flatMap((byte, at) => byte === right[at] ? [] : [{ at, bits: byte ^ right[at]! }]);
}

/** Books in which `a` has sent 4 and `b` has sent 6, with the round that they make. */
function books(): {
  all: RoundsBooks;
  round: CountedRound;
  hear: readonly ReturnType<RoundsBooks["send"]>[];
} {
  const all = new RoundsBooks(new Seeded(1));
  const hear = [all.send("a", "4"), all.send("b", "6")];
  return {
    all,
    hear,
    round: { kind: "round", number: 1, product: "24", sums: { a: "4", b: "6" }, late: [] },
  };
}

const HEARD = { serverRound: 1, sum: "4", product: "24", clients: 2 };

Deno.test("the books are right where all was counted once, and intact when all were answered", () => {
  const { all, round, hear } = books();
  assert.ok(!new RoundsBooks(new Seeded(1)).isIntact);
  assert.ok(!all.isIntact);
  all.count(round);
  hear[0]!(HEARD);
  assert.equal(all.wrong, undefined);
  assert.ok(!all.isIntact);
  hear[1]!({ ...HEARD, sum: "6" });
  assert.ok(all.isIntact);
  assert.deepEqual([all.timesCounted("a", "4"), all.timesCounted("a", "6")], [1, 0]);
  all.send("a", "8");
  assert.ok(!all.isIntact);
});

for (
  const [what, sums, product] of [
    ["who never sent", { a: "5", b: "6" }, "30"],
    ["who never sent", { a: "6", b: "4" }, "24"],
    ["not the product", { a: "4", b: "6" }, "96"],
  ] as const
) {
  Deno.test(`the books show what was counted wrongly: ${JSON.stringify(sums)} to ${product}`, () => {
    const { all, round } = books();
    all.count({ ...round, sums, product });
    assert.match(all.wrong!, new RegExp(what));
    assert.ok(!all.isIntact);
  });
}

Deno.test("the books show what was counted twice", () => {
  const { all, round } = books();
  all.count(round);
  all.count({ ...round, number: 2, sums: { a: "4" }, product: "4" });
  assert.match(all.wrong!, /counted twice/);
});

for (const wrong of [{ serverRound: 2 }, { sum: "6" }, { product: "25" }, { clients: 3 }]) {
  Deno.test(`the books show who believes ${JSON.stringify(wrong)}`, () => {
    const { all, round, hear } = books();
    all.count(round);
    hear[0]!({ ...HEARD, ...wrong });
    assert.match(all.wrong!, /^a believes/);
  });
}

Deno.test("values are of digits that are none with a bit flipped, and none comes twice", () => {
  const all = new RoundsBooks(new Seeded(5));
  const values = Array.from({ length: 500 }, () => all.value());
  assert.equal(new Set(values).size, 500);
  for (const value of values) assert.match(value, /^[2468]{6}$/);
});
