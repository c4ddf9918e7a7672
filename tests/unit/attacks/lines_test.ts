/** What lines do to a transfer, on real sockets, and that they do no more than lines do. */
import assert from "node:assert/strict";
import { LINE_ATTACKS } from "../../../cli/attack_sim/attacks/lines.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { cut, forgeAlert, noise } from "../../../lib/attacks/transforms/lines.ts";
import type { Move } from "../../../lib/attacks/wire.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import { RECORD_HEADER_SIZE } from "../../../lib/limits.ts";
import { block, frame, movesFor, record, sentTo } from "./fake_units.ts";

for (const attack of LINE_ATTACKS) {
  Deno.test(`${attack.name} is survived, and not without its defence`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      assert.ok(isProved(verdict), `seed ${seed}: ${verdict.problem} ${JSON.stringify(verdict.controls)}`);
    }
  });
}

Deno.test("noise leaves every header as it is and no damaged CRC right", () => {
  for (let seed = 0; seed < 50; seed++) {
    const seeded = new Seeded(seed);
    const attacker = noise(seeded);
    let damagedCount = 0;
    for (let number = 0; number < 12; number++) {
      const unit = block(seeded, number);
      const [move] = attacker.take(unit);
      assert.equal(move!.kind, "send");
      const { bytes } = move as Move & { kind: "send" };
      assert.deepEqual(bytes.slice(0, RECORD_HEADER_SIZE), unit.bytes.slice(0, RECORD_HEADER_SIZE));
      if (bytes === unit.bytes) continue;
      damagedCount += 1;
      const crc = new DataView(bytes.buffer).getUint32(bytes.length - 4);
      assert.notEqual(crc32(bytes.subarray(0, -4)), crc);
    }
    assert.ok(damagedCount >= 1, "the first block is hit whatever the seed");
    assert.ok(damagedCount < 12);
  }
});

Deno.test("noise hits no record more than twice, and no connection more than 40 times", () => {
  for (let seed = 0; seed < 10; seed++) {
    const seeded = new Seeded(seed);
    const attacker = noise(seeded);
    const one = block(seeded, 0);
    const again = Array.from({ length: 100 }, () => attacker.take(one)).flat();
    assert.equal(sentTo("server", again).filter((bytes) => bytes !== one.bytes).length, 2);
    const many = Array.from({ length: 400 }, (_, i) => ({ ...one, number: 1 + i }));
    const sent = sentTo("server", movesFor(attacker, many));
    assert.equal(sent.filter((bytes) => bytes !== one.bytes).length, 38);
  }
});

Deno.test("noise spares the handshake and the ends' other words", () => {
  const seeded = new Seeded(1);
  const attacker = noise(seeded);
  const units = [
    frame("client", "HELLO"),
    record("client", 1, new Uint8Array(30)),
    record("server", 2, new Uint8Array(30)),
  ];
  for (const unit of units) {
    for (let i = 0; i < 20; i++) {
      assert.equal((attacker.take(unit)[0] as { bytes: unknown }).bytes, unit.bytes);
    }
  }
});

Deno.test("a cut comes inside a unit, and behind it nothing passes either way", () => {
  for (let seed = 0; seed < 20; seed++) {
    const seeded = new Seeded(seed);
    const attacker = cut(seeded, 2, (unit) => unit.kind === "record");
    const units = [frame("client", "HELLO"), block(seeded, 0), block(seeded, 1), block(seeded, 2)];
    const moves = movesFor(attacker, units);
    const sent = sentTo("server", moves);
    assert.deepEqual(sent.slice(0, 3), units.slice(0, 3).map((unit) => unit.bytes));
    assert.deepEqual(sent[3], units[3]!.bytes.slice(0, sent[3]!.length));
    assert.ok(sent[3]!.length < units[3]!.bytes.length);
    assert.equal(moves.at(-1)!.kind, "cut");
    assert.deepEqual(movesFor(attacker, [block(seeded, 3), record("server", 0, new Uint8Array(20))]), []);
    assert.deepEqual(attacker.end!("client"), []);
  }
  const attacker = cut(new Seeded(1), 2, () => true);
  assert.deepEqual(attacker.end!("server"), [{ kind: "end", to: "client", note: "" }]);
});

Deno.test("a forged alert stands in WELCOME's place and nowhere else", () => {
  const [hello, welcome] = [frame("client", "HELLO"), frame("server", "WELCOME")];
  const moves = movesFor(forgeAlert(), [hello, welcome]);
  assert.deepEqual(sentTo("server", moves), [hello.bytes]);
  assert.deepEqual(sentTo("client", moves), [Uint8Array.of(5, 0, 0, 1, 1)]);
});
