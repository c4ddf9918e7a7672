/**
 * Attacks on the handshake of STX/1 by somebody on the path.
 * @module
 */
import type { Off } from "../../../lib/attacks/defences.ts";
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import { downgrade } from "../../../lib/attacks/transforms/downgrade.ts";
import { anyBit, type BitChoice, flipBit, TIME_BITS } from "../../../lib/attacks/transforms/flip_bit.ts";
import { listen } from "../../../lib/attacks/transforms/listen.ts";
import { replaceShares } from "../../../lib/attacks/transforms/replace_shares.ts";
import { replaySession } from "../../../lib/attacks/transforms/replay_session.ts";
import { makeWeakGuard } from "../../../lib/attacks/weak/handshake.ts";
import { NOBODY, type Unit } from "../../../lib/attacks/wire.ts";
import { type Bytes, concat, equal } from "../../../lib/bytes/bytes.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import type { Clock } from "../../../lib/ports.ts";
import { SqliteNonceStore } from "../../../lib/store/sqlite_nonce_store.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { FRAME_HEADER_SIZE } from "../../../lib/wire/frame.ts";
import { decodeWelcome, SUITE_NUMBERS } from "../../../lib/wire/handshake_messages.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { bridge } from "../rogue_bridge.ts";
import { newIdentities, withStxWorld } from "../stx_world.ts";

/** Bits that are flipped in one play, each in a handshake of its own, beside those of HELLO's time. */
const FLIPS_PER_PLAY = 60;
/** Handshakes that the record shows: the others look the same. */
const FLIPS_SHOWN = 3;

async function playDowngrade(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  const sharedKey = prepareSharedKey(systemRandom.bytes(32));
  const common = { suites: ["aes-256-gcm", "chacha20-poly1305"], authModes: ["psk"] } as const;
  return await withStxWorld(stage, {
    attacker: () => {
      const [ear, hand] = [listen(units), downgrade()];
      return { take: (unit) => (ear.take(unit), hand.take(unit)) };
    },
    client: { ...common, sharedKey },
    server: { ...common, sharedKeys: [sharedKey] },
  }, async (world) => {
    await world.send();
    await world.settle();
    const welcome = units.find((unit) => unit.name === "WELCOME");
    const isOther = welcome !== undefined &&
      decodeWelcome(welcome.bytes.slice(FRAME_HEADER_SIZE)).welcome.suite !== SUITE_NUMBERS["aes-256-gcm"];
    const hasSucceeded = world.isIntact && isOther;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the file went over under chacha20-poly1305, although both ends prefer aes-256-gcm"
        : "no session was opened under a suite other than the one that both ends prefer",
    );
  });
}

async function playKeySubstitution(stage: Stage): Promise<Played> {
  let read: Bytes = new Uint8Array(0);
  const identities = await newIdentities(stage);
  const keys = { sender: identities.sender.publicKey, receiver: identities.receiver.publicKey };
  return await withStxWorld(stage, {
    identities,
    between: async (ends, onStep) => void (read = await bridge(ends, keys, onStep)),
  }, async (world) => {
    const receipt = await world.send();
    await world.settle();
    const hasSucceeded = receipt !== undefined && world.isIntact && equal(read, world.content);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "both ends were content, and the attacker has read the whole file on its way"
        : `the attacker has read ${read.length} bytes of the file, and it has not arrived through it`,
    );
  });
}

/** A clock that shows the same time always, so that nothing but its defences makes two handshakes differ. */
function stoppedClock(): Clock {
  const nowMs = systemClock.nowMs();
  return { nowMs: () => nowMs, after: systemClock.after };
}

/** What a receiver remembers of the handshakes that it has answered; begun anew where the receiver is. */
class ReplayMemory {
  readonly #off: Off;
  readonly #path: string;
  guard;
  #state: SqliteState;
  nonces: SqliteNonceStore;

  constructor({ off, folder }: Stage) {
    this.#off = off;
    this.#path = `${folder}/state.db`;
    this.guard = makeWeakGuard(off);
    this.#state = new SqliteState(this.#path);
    this.nonces = new SqliteNonceStore(this.#state);
  }

  restart(): void {
    this.#state.close();
    this.guard = makeWeakGuard(this.#off);
    this.#state = new SqliteState(this.#path);
    this.nonces = new SqliteNonceStore(this.#state);
  }

  close(): void {
    this.#state.close();
  }
}

async function playReplay(stage: Stage, isRestarted: boolean): Promise<Played> {
  const memory = new ReplayMemory(stage);
  try {
    return await withStxWorld(stage, {
      clock: stoppedClock(),
      attacker: () => {
        const attacker = replaySession();
        return {
          ...attacker,
          afterwards: () => {
            if (isRestarted) memory.restart();
            return attacker.afterwards!();
          },
        };
      },
      server: {
        get guard() {
          return memory.guard;
        },
        get nonces() {
          return memory.nonces;
        },
      },
    }, async (world) => {
      await world.send();
      await world.settle();
      return world.played(
        world.sessionCount > 1,
        `sessions that the receiver has opened, for one that the sender began: ${world.sessionCount}`,
      );
    });
  } finally {
    memory.close();
  }
}

async function playBitFlips(stage: Stage): Promise<Played> {
  const choices = bitChoices(stage.seeded, FLIPS_PER_PLAY);
  return await withStxWorld(
    stage,
    { attacker: (connection) => flipBit(choices[connection]!) },
    async (world) => {
      let opened = 0;
      let tried = 0;
      let shownSteps = 0;
      for (; tried < choices.length && opened === 0; tried++) {
        if (await world.send() !== undefined) opened++;
        await world.settle();
        if (tried < FLIPS_SHOWN) shownSteps = world.wires.steps.length;
      }
      const evidence = `bits flipped, one by one: ${tried}; sessions that opened nevertheless: ${opened}`;
      return { ...world.played(opened > 0, evidence), steps: world.wires.steps.slice(0, shownSteps) };
    },
  );
}

/** The bits of HELLO's time first: the receiver takes every value of them. */
function bitChoices(seeded: Seeded, count: number): readonly BitChoice[] {
  return [...TIME_BITS, ...Array.from({ length: count }, () => anyBit(seeded))];
}

async function playEavesdropping(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  return await withStxWorld(stage, { attacker: () => listen(units) }, async (world) => {
    await world.send();
    await world.settle();
    const wire = concat(...units.map(({ bytes }) => bytes));
    const seen = [world.sender, world.receiver].filter(({ publicKey }) => contains(wire, publicKey)).length;
    return world.played(seen > 0, `${seen} of the two public keys are to be seen in what was recorded`);
  });
}

function contains(haystack: Bytes, needle: Bytes): boolean {
  const first = needle[0]!;
  for (let at = haystack.indexOf(first); at >= 0; at = haystack.indexOf(first, at + 1)) {
    if (equal(haystack.subarray(at, at + needle.length), needle)) return true;
  }
  return false;
}

/** See the module's text. */
export const HANDSHAKE_ATTACKS: readonly Attack[] = [
  {
    name: "downgrade",
    protocol: "stx",
    by: "path",
    goal: "The session runs under another cipher suite than the one that both ends prefer.",
    does:
      "Takes the sender's favourite suite out of HELLO on its way, so that the receiver has to choose the other one. " +
      "Both ends hold a shared key.",
    why:
      "HELLO ends in a proof of the shared key over everything in it, which fits no more. Were it not there, the keys " +
      "still depend on HELLO as each end has seen it: the sender could not open the receiver's answer.",
    promises: ["No downgrade"],
    expected: {
      kind: "stopped",
      at: "server",
      code: "handshake_failed",
      during: "its binder fits no shared key",
    },
    defences: ["hello in transcript", "binder"],
    onPath: () => () => downgrade(),
    play: playDowngrade,
  },
  {
    name: "key-substitution",
    protocol: "stx",
    by: "path",
    goal:
      "Both ends believe that they are connected to each other, and the attacker reads the file as it passes.",
    does:
      "Answers the sender with ephemeral keys of its own and connects to the receiver with others: two handshakes in " +
      "place of one. It knows both public keys, but no private one, so it shows each end the identity and the " +
      "signature that the other end has made in its handshake with the attacker.",
    why:
      "A signature covers the whole handshake in which it was made, the ephemeral keys included. Those of the two " +
      "handshakes differ, so neither signature fits the one in which it is shown.",
    promises: [
      "Both ends are authenticated, and the sender's identity goes to nobody but the receiver that it means",
      "Everything after WELCOME's clear part is confidential: names, sizes, times and counts too",
    ],
    expected: { kind: "stopped", at: "client", code: "bad_signature", during: "server's signature" },
    defences: ["server signature", "client signature"],
    onPath: (seeded) => () => replaceShares(seeded),
    play: playKeySubstitution,
  },
  {
    name: "session-replay",
    protocol: "stx",
    by: "path",
    goal: "The receiver takes a recording of a session for a new one.",
    does:
      "Records everything that a sender says in one session. When that is over, it connects to the receiver itself " +
      "and says it all again, byte for byte, within the same second.",
    why:
      "The receiver remembers the HELLOs that it has answered. Had it forgotten this one, its own new keys would make " +
      "a new handshake of it, in which the recorded VERIFY does not open; and a record on disk says which HELLOs have " +
      "opened a session.",
    promises: ["No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "handshake_failed", during: "it was here before" },
    defences: ["hello memory", "fresh server keys", "nonce record"],
    onPath: () => () => replaySession(),
    play: (stage) => playReplay(stage, false),
  },
  {
    name: "session-replay-restart",
    protocol: "stx",
    by: "path",
    goal: "The receiver takes a recording of a session for a new one, after it was started again.",
    does:
      "The same as session-replay, but it waits until the receiver was stopped and started again, so that what it had " +
      "in memory is gone. Its state file is still there.",
    why:
      "The receiver's keys are new for each handshake, so the recorded VERIFY does not open. The record on disk has " +
      "outlived the restart as well.",
    promises: ["No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "handshake_failed", during: "Cannot open VERIFY" },
    defences: ["fresh server keys", "nonce record"],
    play: (stage) => playReplay(stage, true),
  },
  {
    name: "bit-flip",
    protocol: "stx",
    by: "path",
    goal: "A session opens although one bit of its handshake was changed.",
    does:
      `Flips one bit of one handshake message and lets everything else pass; then another one in the next handshake, ` +
      `${
        FLIPS_PER_PLAY + TIME_BITS.length
      } times: the lowest bits of HELLO's time, and others all over the four messages.`,
    why:
      "Most changes are refused for what they then say. Those that are not, such as a time that is one second off, " +
      "make the keys of the two ends differ: the sender cannot open the receiver's answer.",
    promises: ["Nothing is accepted that was changed", "No downgrade"],
    expected: { kind: "stopped", at: "client", code: "handshake_failed", during: "Cannot open WELCOME" },
    defences: ["hello in transcript"],
    onPath: (seeded) => () => flipBit(anyBit(seeded)),
    play: playBitFlips,
  },
  {
    name: "eavesdrop-identities",
    protocol: "stx",
    by: "path",
    goal: "Somebody who listens learns which sender, or which receiver, is at the end of a line.",
    does: "Changes nothing and looks for the two public keys in everything that passes.",
    why: "Both identities go over the wire encrypted under keys that only the two ends have.",
    promises: [
      "Everything after WELCOME's clear part is confidential: names, sizes, times and counts too",
      "Both ends are authenticated, and the sender's identity goes to nobody but the receiver that it means",
    ],
    expected: { kind: "survived" },
    defences: ["handshake seal"],
    onPath: () => () => NOBODY,
    play: playEavesdropping,
  },
];
