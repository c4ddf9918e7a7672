/** Each attack on the handshake fails for the reason that it should, and succeeds without its defences. */
import assert from "node:assert/strict";
import type { Attack } from "../../../cli/attack_sim/attack.ts";
import { HANDSHAKE_ATTACKS } from "../../../cli/attack_sim/attacks/handshake.ts";
import { MISBINDING_ATTACKS } from "../../../cli/attack_sim/attacks/misbinding.ts";
import { THIEF_ATTACKS } from "../../../cli/attack_sim/attacks/thieves.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { downgrade } from "../../../lib/attacks/transforms/downgrade.ts";
import { anyBit, flipBit, HANDSHAKE_MESSAGES, TIME_BITS } from "../../../lib/attacks/transforms/flip_bit.ts";
import { replaceShares } from "../../../lib/attacks/transforms/replace_shares.ts";
import { replaySession } from "../../../lib/attacks/transforms/replay_session.ts";
import type { Move, Unit } from "../../../lib/attacks/wire.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { decodeHello, decodeWelcome } from "../../../lib/wire/handshake_messages.ts";
import { outputOf, START_MS, startClient, startServer } from "../../support/handshake_ends.ts";

const ATTACKS: readonly Attack[] = [...HANDSHAKE_ATTACKS, ...MISBINDING_ATTACKS, ...THIEF_ATTACKS];

for (const attack of ATTACKS) {
  Deno.test(`${attack.name} is proved`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      const wrong = verdict.controls.filter(({ holds }) => !holds).map(({ off }) => off.join(" and "));
      assert.ok(isProved(verdict), `seed ${seed}: ${verdict.problem} ${wrong.join("; ")}`);
    }
  });
}

/** A HELLO and the WELCOME that answers it, as they pass. */
async function firstFlights(): Promise<Readonly<Record<"hello" | "welcome", Unit>>> {
  const [client, server] = [await startClient(), startServer()];
  const hello = outputOf(client);
  await server.receive(hello, START_MS);
  const unit = (from: "client" | "server", name: string, bytes: Bytes): Unit => {
    return { from, name, kind: "frame", number: 0, bytes };
  };
  return { hello: unit("client", "HELLO", hello), welcome: unit("server", "WELCOME", outputOf(server)) };
}

/** The bytes that the only move sends on. */
function sent(moves: readonly Move[]): Bytes {
  const [move] = moves;
  assert.equal(moves.length, 1);
  assert.ok(move?.kind === "send");
  return move.bytes;
}

Deno.test("a downgrade takes out the first of two suites and changes nothing else", async () => {
  const { hello, welcome } = await firstFlights();
  const before = decodeHello(hello.bytes.slice(4));
  const changed = sent(downgrade().take(hello));
  assert.deepEqual(before.suites, [1, 2]);
  assert.deepEqual(decodeHello(changed.slice(4)), { ...before, suites: [2] });
  assert.equal(changed.length, hello.bytes.length - 2);
  assert.equal(sent(downgrade().take(welcome)), welcome.bytes);
});

Deno.test("a downgrade lets a HELLO pass that has one suite, or that cannot be read", async () => {
  const bytes = outputOf(await startClient({ suites: ["aes-256-gcm"] }));
  const { hello } = await firstFlights();
  for (const each of [{ ...hello, bytes }, { ...hello, bytes: hello.bytes.slice(0, 50) }]) {
    assert.equal(sent(downgrade().take(each)), each.bytes);
  }
});

Deno.test("replaced shares differ in the X25519 key alone, in HELLO and in WELCOME", async () => {
  const { hello, welcome } = await firstFlights();
  const attacker = replaceShares(new Seeded(1));
  const shares = [
    [decodeHello(hello.bytes.slice(4)), decodeHello(sent(attacker.take(hello)).slice(4))],
    [
      decodeWelcome(welcome.bytes.slice(4)).welcome,
      decodeWelcome(sent(attacker.take(welcome)).slice(4)).welcome,
    ],
  ].map((pair) => pair.map((each) => "clientShare" in each! ? each.clientShare : each!.serverShare));
  for (const [before, after] of shares) {
    assert.deepEqual(after!.slice(0, -32), before!.slice(0, -32));
    assert.notDeepEqual(after!.slice(-32), before!.slice(-32));
  }
});

Deno.test("one bit is flipped, wherever it is, and nothing is waited for where it was of the size", async () => {
  const { hello } = await firstFlights();
  const seeded = new Seeded(1);
  const seen = new Set<string>();
  let sizes = 0;
  for (let n = 0; n < 3000; n++) {
    const choice = anyBit(seeded);
    seen.add(choice.message);
    const moves = flipBit(choice).take({ ...hello, name: choice.message });
    const [move] = moves;
    assert.ok(move?.kind === "send");
    const flipped = [...move.bytes].map((byte, i) => byte ^ hello.bytes[i]!);
    const places = flipped.flatMap((bits, i) => bits === 0 ? [] : [i]);
    assert.equal(places.length, 1);
    assert.equal(flipped[places[0]!], 1 << choice.bit);
    const isSize = places[0]! >= 1 && places[0]! <= 3;
    if (isSize) sizes++;
    assert.deepEqual(moves.slice(1).map(({ kind }) => kind), isSize ? ["end"] : []);
  }
  assert.deepEqual([...seen].sort(), [...HANDSHAKE_MESSAGES].sort());
  assert.ok(sizes > 0);
});

Deno.test("the bits of HELLO's time are those of its seconds", async () => {
  const { hello } = await firstFlights();
  const before = decodeHello(hello.bytes.slice(4));
  const times = TIME_BITS.map((choice) => decodeHello(sent(flipBit(choice).take(hello)).slice(4)));
  assert.deepEqual(times.map(({ clientTimeS }) => clientTimeS ^ before.clientTimeS), [1, 2, 4, 8]);
});

Deno.test("a replayed session is the client's part of it, in order", async () => {
  const { hello, welcome } = await firstFlights();
  const verify = { ...hello, name: "VERIFY", number: 1 };
  const attacker = replaySession();
  for (const unit of [hello, welcome, verify]) assert.equal(sent(attacker.take(unit)), unit.bytes);
  const again = attacker.afterwards!().map((move) => move.kind === "send" ? [move.to, move.name] : []);
  assert.deepEqual(again, [["server", "HELLO"], ["server", "VERIFY"]]);
});
