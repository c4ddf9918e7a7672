/**
 * Strangers who want to find something out about a receiver of STX/1 or to leave something behind there, and senders
 * whose clocks are wrong.
 * @module
 */
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { CLOCK_SKEW_MAX_MS } from "../../../lib/limits.ts";
import { systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import type { Clock, NonceStore, StoredTransfer } from "../../../lib/ports.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { StepClock } from "../step_clock.ts";
import { arrow, bounded, connectionsOfSender, doorOf, largest, sendUntilThere } from "../stranger_plays.ts";
import { newIdentity, type StxWorld, type StxWorldOptions, withStxWorld } from "../stx_world.ts";
import { sayVerify, sayWrongHellos, sayWrongVerifies, type WrongsOptions } from "../wrong_handshakes.ts";
import type { Door } from "../stranger.ts";

/** A receiver that has something to find out: it takes a shared key beside its list of senders. */
function withSharedKey(): NonNullable<StxWorldOptions["server"]> {
  return { sharedKeys: [prepareSharedKey(systemRandom.bytes(32))], authModes: ["identity", "psk"] };
}

async function wrongsFor(world: StxWorld, door: Door, seeded: Seeded): Promise<WrongsOptions> {
  const identity = await newIdentity({ seeded });
  return { door, seeded, identity, senderKey: world.sender.publicKey, nowMs: systemClock.nowMs() };
}

async function playOracle(stage: Stage): Promise<Played> {
  return await withStxWorld(stage, { server: withSharedKey() }, async (world) => {
    await using door = doorOf(world, () => systemClock.nowMs());
    const wrongs = await wrongsFor(world, door, stage.seeded);
    const hellos = await sayWrongHellos(wrongs);
    const verifies = await sayWrongVerifies(wrongs);
    world.wires.steps.push(
      arrow("server", "HELLO", 0, `wrong in ${hellos.length} ways, one after the other`),
      arrow("attacker", "ALERT", 0, [...new Set(hellos)].join(", or ")),
      arrow("server", "VERIFY", 0, `wrong in ${verifies.length} ways, one after the other`),
      arrow("attacker", "SEALED_ALERT", 0, [...new Set(verifies)].join(", or ")),
    );
    const connections = await sendUntilThere(world);
    return bounded(world, [
      {
        what: `different answers to ${hellos.length} kinds of a wrong HELLO`,
        measured: new Set(hellos).size,
        most: 1,
      },
      {
        what: `different answers to ${verifies.length} kinds of a wrong VERIFY`,
        measured: new Set(verifies).size,
        most: 1,
      },
      connectionsOfSender(connections),
    ]);
  });
}

/** Counts what is written. */
class CountedNonces implements NonceStore {
  readonly #nonces = new MemoryNonceStore();
  count = 0;

  claim(nonce: Bytes, expiresMs: number, nowMs: number): boolean {
    this.count += 1;
    return this.#nonces.claim(nonce, expiresMs, nowMs);
  }
}

/** Counts what is written. */
class CountedTransfers extends MemoryTransferStore {
  count = 0;

  override save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer, manifestPart?: Bytes): void {
    this.count += 1;
    super.save(peer, transferId, transfer, manifestPart);
  }

  override saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    this.count += 1;
    super.saveDurable(peer, transferId, durableBytes, updatedMs);
  }
}

async function playNoWrites(stage: Stage): Promise<Played> {
  const nonces = new CountedNonces();
  const store = new CountedTransfers();
  const options: StxWorldOptions = { server: { ...withSharedKey(), nonces }, receiver: { store } };
  return await withStxWorld(stage, options, async (world) => {
    await using door = doorOf(world, () => systemClock.nowMs());
    const wrongs = await wrongsFor(world, door, stage.seeded);
    const { identity, nowMs } = wrongs;
    const answers = [...await sayWrongHellos(wrongs), ...await sayWrongVerifies(wrongs)];
    // Both prove a key of their own, which is on no list.
    answers.push(await sayVerify(door, identity, {}, nowMs));
    answers.push(await sayVerify(door, identity, {}, nowMs - 2 * CLOCK_SKEW_MAX_MS));
    world.wires.steps.push(
      arrow("server", "HELLO, VERIFY", 0, `wrong in ${answers.length} ways, one after the other`),
    );
    const written = {
      nonces: nonces.count,
      transfers: store.count,
      files: [...Deno.readDirSync(world.inbox)].length,
    };
    const connections = await sendUntilThere(world);
    await world.settle();
    // Counters that stand still where something is written prove nothing.
    if (world.isIntact && (nonces.count === 0 || store.count === 0)) {
      throw new Error("A transfer has written nothing, so nothing is counted");
    }
    return bounded(world, [
      { what: "nonces that were written down for strangers", measured: written.nonces, most: 0 },
      { what: "rows of transfers that were written for strangers", measured: written.transfers, most: 0 },
      { what: "files that strangers left in the folder", measured: written.files, most: 0 },
      connectionsOfSender(connections),
    ]);
  });
}

/** Differences between two clocks in seconds, either way: some just allowed, some not any more, some far off. */
function differences(seeded: Seeded): readonly number[] {
  const allowedS = CLOCK_SKEW_MAX_MS / 1000;
  const far = () => allowedS + 1 + seeded.below(1_000_000);
  return [allowedS + 1, -allowedS - 1, far(), -far(), allowedS - 1, 1 - allowedS];
}

async function playClockSkew(stage: Stage): Promise<Played> {
  const clock = new StepClock();
  let offMs = 0;
  const clientClock: Clock = {
    nowMs: () => clock.nowMs() + offMs,
    after: (delayMs, action) => clock.after(delayMs, action),
  };
  return await withStxWorld(stage, { clock, clientClock }, async (world) => {
    await using door = doorOf(world, () => clock.nowMs());
    const openedHonestly: number[] = [];
    const openedByLiars: number[] = [];
    const tried = differences(stage.seeded);
    for (const offS of tried) {
      offMs = offS * 1000;
      const before = world.sessionCount;
      await world.send();
      await world.settle();
      if (world.sessionCount > before) openedHonestly.push(Math.abs(offS));
      // The sender's own key, and a machine that leaves its part of the check out.
      const answer = await sayVerify(door, world.sender, {}, clock.nowMs() + offMs);
      const isOpen = answer.startsWith("READY");
      if (isOpen) openedByLiars.push(Math.abs(offS));
      world.wires.steps.push(arrow("server", "HELLO, VERIFY", 0, `made ${offS} seconds away`));
      world.wires.steps.push(arrow("attacker", isOpen ? "READY" : "SEALED_ALERT", 0, answer));
    }
    offMs = 0;
    const connections = await sendUntilThere(world);
    const isAllowed = (offS: number) => Math.abs(offS) <= CLOCK_SKEW_MAX_MS / 1000;
    const keptOut = 2 * tried.filter(isAllowed).length -
      [...openedHonestly, ...openedByLiars].filter(isAllowed).length;
    return bounded(world, [
      {
        what: "seconds by which the clock of an honest sender differed that was let in",
        measured: largest(openedHonestly),
        most: CLOCK_SKEW_MAX_MS / 1000,
      },
      {
        what: "seconds by which the time of a sender differed that does not compare it, and was let in",
        measured: largest(openedByLiars),
        most: CLOCK_SKEW_MAX_MS / 1000,
      },
      // Where nobody is let in, the largest difference is none at all.
      { what: "senders with a difference that is allowed, and not let in", measured: keptOut, most: 0 },
      connectionsOfSender(connections),
    ]);
  });
}

/** See the module's text. */
export const STRANGER_SECRET_ATTACKS: readonly Attack[] = [
  {
    name: "oracle",
    protocol: "stx",
    by: "stranger",
    goal:
      "The receiver's answers tell a stranger which part of a guess was right: a key, a name on its list, its clock.",
    does:
      "Says HELLO and VERIFY wrong in two dozen ways, one at a time: another version, a wrong binder, a damaged seal, a " +
      "wrong proof, the key of a sender that the receiver knows under a signature of its own. Compares the answers.",
    why:
      "Before WELCOME every failure has the same five bytes for an answer, and after it the same sealed byte, until a " +
      "signature has held. The precise cause goes to the receiver's own log.",
    promises: ["A failure tells the peer no more than an alert's number, and a stranger next to nothing"],
    expected: { kind: "bounded" },
    defences: [],
    play: playOracle,
  },
  {
    name: "no-writes",
    protocol: "stx",
    by: "stranger",
    goal: "The receiver's disk fills up, or wears out, with what strangers make it write.",
    does:
      "Does everything short of proving a key that is on the receiver's list: HELLO and VERIFY wrong in two dozen ways, " +
      "then a valid signature of a key that nobody knows, then one more with a wrong clock.",
    why:
      "The first thing that a receiver writes is the nonce of a sender whose seal, proof, signature, time and key have " +
      "all held. What strangers cost until then is in memory, and bounded there.",
    promises: ["Strangers cause no write to the disk"],
    expected: { kind: "bounded" },
    defences: [],
    play: playNoWrites,
  },
  {
    name: "clock-skew",
    protocol: "stx",
    by: "sender",
    goal:
      "A HELLO opens a session though its time is far from the receiver's, so that nonces count for ever.",
    does:
      "Comes with a clock that is wrong by 119 seconds, by 121 and by up to twelve days, either way: once with a sender " +
      "that compares the two times itself, once with one that leaves that out.",
    why:
      "Both ends compare the times in HELLO and WELCOME, each after it has verified the other, and 120 seconds are " +
      "allowed. So the receiver may forget a nonce after 240 seconds, and the HELLO is too old then.",
    promises: [
      "No replay of a message, a record, a direction, a handshake or a session",
      "A failure tells the peer no more than an alert's number, and a stranger next to nothing",
    ],
    expected: { kind: "bounded" },
    defences: [],
    play: playClockSkew,
  },
];
