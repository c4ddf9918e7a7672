import assert from "node:assert/strict";
import { ROUNDS_STRANGER_ATTACKS } from "../../../cli/attack_sim/attacks/rounds_strangers.ts";
import { STRANGER_FLOOD_ATTACKS } from "../../../cli/attack_sim/attacks/stranger_floods.ts";
import { STRANGER_SECRET_ATTACKS } from "../../../cli/attack_sim/attacks/stranger_secrets.ts";
import { STRANGER_ATTACKS } from "../../../cli/attack_sim/attacks/strangers.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";
import { StepClock } from "../../../cli/attack_sim/step_clock.ts";
import { Door } from "../../../cli/attack_sim/stranger.ts";
import { verdictOf } from "../../../cli/attack_sim/stranger_plays.ts";
import { newIdentity } from "../../../cli/attack_sim/stx_world.ts";
import {
  sayVerify,
  sayWrongHellos,
  sayWrongVerifies,
  type WrongsOptions,
} from "../../../cli/attack_sim/wrong_handshakes.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { pickUnit } from "../../../lib/attacks/transforms/any_unit.ts";
import { garbage, garbageBytes } from "../../../lib/attacks/transforms/garbage.ts";
import { oversize, tooLargeForFrame, tooLargeForRecord } from "../../../lib/attacks/transforms/oversize.ts";
import type { Unit } from "../../../lib/attacks/wire.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { HANDSHAKE_BODY_SIZE_MAX, RECORD_CIPHERTEXT_SIZE_MAX } from "../../../lib/limits.ts";
import { accept } from "../../../lib/net/server.ts";
import type { Duplex } from "../../../lib/ports.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";

const FAMILIES = [
  ...STRANGER_ATTACKS,
  ...STRANGER_FLOOD_ATTACKS,
  ...STRANGER_SECRET_ATTACKS,
  ...ROUNDS_STRANGER_ATTACKS,
];

for (const attack of FAMILIES) {
  for (const seed of [7]) {
    Deno.test(`${attack.protocol} ${attack.name} stays within its bounds with seed ${seed}`, async () => {
      const verdict = await runAttack(attack, seed);
      assert.ok(isProved(verdict), verdict.problem);
      assert.ok(verdict.played.steps.length > 0);
    });
  }
}

Deno.test("a bound that is broken is a success of the attacker's, and is named", () => {
  assert.deepEqual(verdictOf([{ what: "cups", measured: 3, most: 3 }])[0], false);
  assert.deepEqual(
    verdictOf([{ what: "cups", measured: 3, most: 3 }, { what: "spoons", measured: 4, most: 3 }]),
    [true, "spoons: 4, at most 3 may be"],
  );
  assert.deepEqual(verdictOf([{ what: "hours", measured: NaN, most: 3 }])[0], true);
});

/** A unit of each place that one may be picked from. */
const UNITS: readonly Unit[] = (["client", "server"] as const).flatMap((from) =>
  (["frame", "record"] as const).flatMap((kind) =>
    Array.from({ length: 6 }, (_, number): Unit => ({
      from,
      kind,
      name: `${kind} ${number}`,
      number,
      bytes: new Uint8Array(100).fill(1),
    }))
  )
);

Deno.test("exactly one unit is picked, and in the end every frame and each end's first record", () => {
  const picked = new Set<Unit>();
  for (let seed = 0; seed < 100; seed++) {
    const isPicked = pickUnit(new Seeded(seed));
    const units = UNITS.filter(isPicked);
    assert.equal(units.length, 1);
    picked.add(units[0]!);
  }
  assert.deepEqual(
    [...picked].map(({ from, name }) => `${from} ${name}`).sort(),
    [
      "client frame 0",
      "client frame 1",
      "client record 0",
      "client record 1",
      "client record 2",
      "client record 3",
      "server frame 0",
      "server frame 1",
      "server record 0",
    ],
  );
});

Deno.test("oversize changes the size in one header and nothing else", () => {
  for (let seed = 0; seed < 100; seed++) {
    const attacker = oversize(new Seeded(seed));
    const changed = UNITS.filter((unit) => {
      const [move] = attacker.take(unit);
      assert.ok(move?.kind === "send");
      if (move.bytes === unit.bytes) return false;
      const view = new DataView(move.bytes.buffer);
      const [sizeAt, size, most] = unit.kind === "frame"
        ? [1, view.getUint32(0) % 2 ** 24, HANDSHAKE_BODY_SIZE_MAX]
        : [4, view.getUint32(4), RECORD_CIPHERTEXT_SIZE_MAX];
      assert.ok(size > most);
      move.bytes.set(unit.bytes.subarray(sizeAt, unit.kind === "frame" ? 4 : 8), sizeAt);
      assert.deepEqual(move.bytes, unit.bytes);
      return true;
    });
    assert.equal(changed.length, 1);
  }
});

Deno.test("sizes that are too large are so by one at least, and fit their fields", () => {
  const least = { below: () => 0 } as unknown as Seeded;
  const most = { below: (below: number) => below - 1 } as unknown as Seeded;
  assert.deepEqual([tooLargeForFrame(least), tooLargeForFrame(most)], [
    HANDSHAKE_BODY_SIZE_MAX + 1,
    2 ** 24 - 1,
  ]);
  assert.deepEqual([tooLargeForRecord(least), tooLargeForRecord(most)], [
    RECORD_CIPHERTEXT_SIZE_MAX + 1,
    2 ** 32 - 1,
  ]);
});

Deno.test("garbage replaces one unit by as many bytes, which are never a frame or a record", () => {
  for (let seed = 0; seed < 100; seed++) {
    const attacker = garbage(new Seeded(seed));
    const sizes = UNITS.flatMap((unit) => {
      const [move] = attacker.take(unit);
      assert.ok(move?.kind === "send");
      return move.bytes === unit.bytes ? [] : [move.bytes.length];
    });
    assert.deepEqual(sizes, [100]);
    const bytes = garbageBytes(new Seeded(seed), 5);
    assert.ok(bytes[0]! >= 0x80 && bytes[4]! >= 0x80);
  }
});

Deno.test("a clock that is moved by hand runs what is due in order, each at its own time", () => {
  const clock = new StepClock();
  const startMs = clock.nowMs();
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, clock.nowMs() - startMs]);
  clock.after(20, note("late"));
  clock.after(10, () => {
    note("early")();
    clock.after(5, note("of the early one"));
  });
  clock.after(12, note("cancelled"))();
  clock.after(31, note("too late"));
  clock.step(30);
  assert.deepEqual(ran, [["early", 10], ["of the early one", 15], ["late", 20]]);
  assert.equal(clock.nowMs() - startMs, 30);
});

Deno.test("no delay on that clock is another turn, and can be cancelled", async () => {
  const clock = new StepClock();
  let count = 0;
  clock.after(0, () => assert.fail("it was cancelled"))();
  await new Promise<void>((resolve) =>
    clock.after(0, () => {
      count += 1;
      resolve();
    })
  );
  assert.equal(count, 1);
});

/** A receiver that writes down why its handshakes fail. */
async function withReceiver(use: (options: WrongsOptions, codes: string[]) => Promise<void>): Promise<void> {
  const stage = { seeded: new Seeded(1) };
  const [receiver, sender, identity] = [
    await newIdentity(stage),
    await newIdentity(stage),
    await newIdentity(stage),
  ];
  const guard = new HelloGuard();
  const codes: string[] = [];
  const serve = async (duplex: Duplex): Promise<void> => {
    try {
      const channel = await accept(duplex, {
        identity: receiver,
        guard,
        nonces: new MemoryNonceStore(),
        sharedKeys: [prepareSharedKey(new Uint8Array(32).fill(1))],
        authModes: ["identity", "psk"],
        authorize: () => {
          throw new StxError("unauthorized", "Nobody may");
        },
      });
      await channel.close();
    } catch (error) {
      codes.push(codeOf(error) ?? "internal");
    }
  };
  await using door = new Door(serve, () => Date.now());
  await use({
    door,
    seeded: new Seeded(7),
    identity,
    senderKey: sender.publicKey,
    nowMs: Date.now(),
  }, codes);
}

Deno.test("each wrong HELLO is refused for a reason of its own, and every answer is the same", () =>
  withReceiver(async (options, codes) => {
    const answers = await sayWrongHellos(options);
    assert.deepEqual(codes, [
      "unsupported_version",
      "malformed",
      "malformed",
      "handshake_failed",
      "handshake_failed",
      "handshake_failed",
      "handshake_failed",
      "unexpected_message",
      "unexpected_message",
      "malformed",
      "malformed",
      // The first of two that are the same was answered, and its stranger left.
      "connection_lost",
      "handshake_failed",
    ]);
    assert.deepEqual(new Set(answers), new Set(["an ALERT, 1 byte: handshake failed"]));
    assert.equal(answers.length, codes.length - 1);
  }));

Deno.test("each wrong VERIFY is refused for a reason of its own, and every answer is the same", () =>
  withReceiver(async (options, codes) => {
    const answers = await sayWrongVerifies(options);
    assert.deepEqual(codes, [
      "handshake_failed",
      "malformed",
      "bad_identity",
      "bad_identity",
      "bad_proof",
      "bad_proof",
      "bad_signature",
      "bad_signature",
      "bad_signature",
      "bad_signature",
      "unexpected_message",
      "malformed",
    ]);
    assert.deepEqual(new Set(answers), new Set(["a sealed ALERT, 17 bytes: handshake failed"]));
    assert.equal(answers.length, codes.length);
  }));

Deno.test("whoever proves a key is told that it is not on the list, or that its clock is wrong", () =>
  withReceiver(async ({ door, identity, nowMs }, codes) => {
    assert.equal(await sayVerify(door, identity, {}, nowMs), "a sealed ALERT, 17 bytes: access denied");
    assert.equal(await sayVerify(door, identity, {}, nowMs - 1e6), "a sealed ALERT, 17 bytes: clock skew");
    assert.deepEqual(codes, ["unauthorized", "clock_skew"]);
  }));

Deno.test("a door counts what the server takes, answers and lets go of, and no more", async () => {
  let nowMs = 1000;
  const serve = async (duplex: Duplex, address: string): Promise<void> => {
    assert.equal(address, "192.0.2.9");
    const buffer = new Uint8Array(10);
    await duplex.read(buffer);
    nowMs += 5;
    await duplex.write(encodeFrame("alert", Uint8Array.of(1)));
    await duplex.read(buffer);
    nowMs += 5;
    duplex.close();
  };
  await using door = new Door(serve, () => nowMs, () => "192.0.2.9");
  const stranger = await door.knock();
  assert.deepEqual([door.held, door.heldMax, door.closedCount], [1, 1, 0]);
  await stranger.say(new Uint8Array(4));
  const { visit } = stranger;
  assert.equal((await stranger.frame())?.type, "alert");
  assert.deepEqual([visit.takenBytes, visit.takenAtAnswer, visit.closedMs], [4, 4, undefined]);
  visit.mark();
  await stranger.say(new Uint8Array(3));
  await door.closed(1);
  await visit.finished;
  assert.deepEqual([visit.takenBytes, visit.takenAtAnswer], [7, 7]);
  assert.deepEqual([visit.endedMs, visit.closedMs], [1010, 1010]);
  assert.deepEqual([door.held, door.heldMax, door.closedCount], [0, 1, 1]);
  // Nobody is there any more, and nothing is thrown.
  await stranger.say(new Uint8Array(1));
  assert.equal(await stranger.frame(), undefined);
});
