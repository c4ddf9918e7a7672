/** The attacks on records and sessions, on real sockets, and what the attackers do with what passes. */
import assert from "node:assert/strict";
import { RECORD_ATTACKS } from "../../../cli/attack_sim/attacks/records.ts";
import { SESSION_ATTACKS } from "../../../cli/attack_sim/attacks/sessions.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { readRecord } from "../../../lib/attacks/stx_units.ts";
import {
  compareRepetitions,
  eavesdrop,
  includes,
  inject,
} from "../../../lib/attacks/transforms/ciphertexts.ts";
import { drop, reflect, reorder, replay, splice, truncate } from "../../../lib/attacks/transforms/records.ts";
import { pass } from "../../../lib/attacks/wire.ts";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { BLOCK_SIZE_MIN, TAG_SIZE } from "../../../lib/limits.ts";
import { u32, u64 } from "../../../lib/wire/fields.ts";
import { MESSAGE_TYPES } from "../../../lib/wire/message.ts";
import { block, movesFor, record, sentTo } from "./fake_units.ts";

for (const attack of [...RECORD_ATTACKS, ...SESSION_ATTACKS]) {
  Deno.test(`${attack.name} fails, and succeeds without its defences alone`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      assert.ok(isProved(verdict), `seed ${seed}: ${verdict.problem} ${JSON.stringify(verdict.controls)}`);
    }
  });
}

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function blocks(seeded: Seeded, count = 5) {
  return Array.from({ length: count }, (_, i) => block(seeded, 3 + i));
}

Deno.test("a replay sends one block twice in a row, a drop leaves one out", () => {
  for (const seed of SEEDS) {
    const units = blocks(new Seeded(seed));
    const all = units.map((unit) => unit.bytes);
    const twice = sentTo("server", movesFor(replay(new Seeded(seed)), units));
    assert.equal(twice.length, all.length + 1);
    assert.deepEqual(twice.filter((bytes, i) => bytes !== twice[i - 1]), all);
    const without = sentTo("server", movesFor(drop(new Seeded(seed)), units));
    assert.equal(without.length, all.length - 1);
    assert.deepEqual(all.filter((bytes) => without.includes(bytes)), without);
  }
});

Deno.test("a reordering exchanges two blocks beside each other and loses none", () => {
  for (const seed of SEEDS) {
    const units = blocks(new Seeded(seed));
    const sent = sentTo("server", movesFor(reorder(new Seeded(seed)), units));
    const at = units.findIndex((unit, i) => unit.bytes !== sent[i]);
    const expected = units.map((unit) => unit.bytes);
    [expected[at], expected[at + 1]] = [expected[at + 1]!, expected[at]!];
    assert.deepEqual(sent, expected);
  }
});

Deno.test("a reflection waits until there is something to send back", () => {
  const own = record("client", 0, new Uint8Array(40));
  const theirs = record("server", 0, new Uint8Array(50));
  assert.deepEqual(sentTo("client", movesFor(reflect(), [theirs])), [theirs.bytes]);
  assert.deepEqual(sentTo("client", movesFor(reflect(), [own, theirs])), [own.bytes]);
  assert.deepEqual(sentTo("server", movesFor(reflect(), [own, theirs])), [own.bytes]);
});

Deno.test("behind a truncation nothing goes to the server, and all of the server's words go on", () => {
  for (const seed of SEEDS) {
    const seeded = new Seeded(seed);
    const attacker = truncate(seeded);
    const answer = record("server", 4, new Uint8Array(30));
    const moves = movesFor(attacker, [...blocks(seeded), answer, ...blocks(seeded, 2)]);
    const sent = sentTo("server", moves).length;
    assert.ok(sent >= 1 && sent <= 3);
    assert.equal(moves.filter(({ kind }) => kind === "end").length, 1);
    assert.deepEqual(sentTo("client", moves), [answer.bytes]);
    assert.deepEqual(attacker.end!("client"), []);
    assert.equal(attacker.end!("server").length, 1);
  }
});

Deno.test("a splice takes from the first connection alone, and puts a record where its number is", () => {
  for (const seed of SEEDS) {
    const seeded = new Seeded(seed);
    const attackers = splice(seeded);
    const [first, second, third] = [blocks(seeded), blocks(seeded), blocks(seeded)];
    assert.deepEqual(sentTo("server", movesFor(attackers(0), first)), first.map((unit) => unit.bytes));
    for (const [connection, units] of [[1, second], [2, third]] as const) {
      const sent = sentTo("server", movesFor(attackers(connection), units));
      const at = sent.findIndex((bytes, i) => bytes !== units[i]!.bytes);
      assert.equal(sent[at], first[at]!.bytes);
      assert.equal(sent.filter((bytes, i) => bytes !== units[i]!.bytes).length, 1);
    }
  }
});

Deno.test("with one keystream for all, what is injected reads as a block of the attacker's at that place", () => {
  const known = new Seeded(1).bytes(BLOCK_SIZE_MIN);
  const text: Bytes = new Uint8Array(BLOCK_SIZE_MIN).fill(33);
  for (const seed of SEEDS) {
    const seeded = new Seeded(seed);
    const keystream = seeded.bytes(BLOCK_SIZE_MIN + 13);
    const plaintextOf = (index: number, content: Bytes) =>
      concat(Uint8Array.of(MESSAGE_TYPES.data), u32(2), u64(index), content);
    const seal = (plaintext: Bytes) =>
      concat(plaintext.map((byte, i) => byte ^ keystream[i]!), seeded.bytes(TAG_SIZE));
    const units = [
      record("server", 0, new Uint8Array(21)),
      record("server", 1, new Uint8Array(21)),
      ...Array.from(
        { length: 5 },
        (_, i) =>
          record("client", 3 + i, seal(plaintextOf(i, i === 0 ? known : seeded.bytes(BLOCK_SIZE_MIN)))),
      ),
    ];
    const sent = sentTo("server", movesFor(inject(new Seeded(seed), known, text), units));
    const at = sent.findIndex((bytes, i) => bytes !== units[2 + i]!.bytes);
    const { sequence, sealed } = readRecord(sent[at]!);
    assert.equal(sequence, 3 + at);
    assert.deepEqual(
      sealed.slice(0, -TAG_SIZE).map((byte, i) => byte ^ keystream[i]!),
      plaintextOf(at, text),
    );
  }
});

Deno.test("a probe damages one record, and tells repetitions from other bytes under the same number", () => {
  const seeded = new Seeded(3);
  const units = blocks(seeded);
  const seen = { count: 0, otherCount: 0 };
  const attacker = compareRepetitions(seeded, seen);
  const first = sentTo("server", movesFor(attacker, units));
  assert.equal(first.filter((bytes, i) => bytes !== units[i]!.bytes).length, 1);
  assert.deepEqual(seen, { count: 0, otherCount: 0 });
  movesFor(attacker, units.slice(2));
  assert.deepEqual(seen, { count: 3, otherCount: 0 });
  movesFor(attacker, [block(seeded, 4)]);
  assert.deepEqual(seen, { count: 4, otherCount: 1 });
});

Deno.test("a listener finds a word wherever it stands, and only whole", () => {
  const word = utf8("letter");
  for (
    const [text, isThere] of [["letter", true], ["llelletter", true], ["lette", false], ["", false]] as const
  ) {
    assert.equal(includes(utf8(text), word), isThere, text);
  }
  const found: Bytes[] = [];
  const unit = record("client", 1, utf8("a letter goes by in the clear"));
  const moves = eavesdrop([word, utf8("parcel")], (each) => found.push(each)).take(unit);
  assert.deepEqual(found, [word]);
  assert.deepEqual(moves, [{ ...pass(unit), note: "it can be read" }]);
  assert.deepEqual(eavesdrop([utf8("parcel")], (each) => found.push(each)).take(unit), [pass(unit)]);
});
