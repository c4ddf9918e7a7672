/**
 * What the attacks on the rounds protocol come to on its first design.
 * @module
 */
import { listen } from "../../lib/attacks/transforms/listen.ts";
import { replaySession } from "../../lib/attacks/transforms/replay_session.ts";
import { flipPacketBits, PACKET_BITS, tamperData } from "../../lib/attacks/transforms/rounds_change.ts";
import { reflectData, replayData } from "../../lib/attacks/transforms/rounds_repeat.ts";
import { isPacket } from "../../lib/attacks/transforms/rounds_targets.ts";
import {
  endBeforeAggregate,
  endBeforeData,
  spliceFirstData,
} from "../../lib/attacks/transforms/seed_rounds.ts";
import { SeedChain, seedMasterKey } from "../../lib/attacks/weak/seed_rounds.ts";
import { type Attacker, pass, replace, type Unit } from "../../lib/attacks/wire.ts";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import { type Packet, PacketAssembler } from "../../lib/rounds/packet.ts";
import type { Played, SeedPlay, Stage } from "./attack.ts";
import { CLIENT_ID, type SeedRoundsWorld, VALUE_COUNT, withSeedRoundsWorld } from "./seed_rounds_world.ts";

const CLIENT_KEY = seedMasterKey(CLIENT_ID);

/** Sessions with an attacker on the path, who wants wrong numbers to count or to be believed. */
async function playSessions(
  stage: Stage,
  attacker: (connection: number, world: SeedRoundsWorld) => Attacker,
  { forged, held }: { readonly forged?: string; readonly held?: string },
  sessionCount = 1,
  valueCount = VALUE_COUNT,
): Promise<Played> {
  return await withSeedRoundsWorld(stage, attacker, async (world) => {
    for (let i = 0; i < sessionCount; i++) await world.join(CLIENT_KEY, valueCount);
    await world.wires.settle();
    const text = world.isForged ? forged ?? "a wrong number counts" : held ?? "no wrong number counts";
    return world.played(world.isForged, text);
  });
}

function replayOf(stage: Stage, restarts: boolean): Promise<Played> {
  return playSessions(stage, (_connection, world) => {
    const recorder = replaySession();
    return {
      ...recorder,
      afterwards() {
        if (restarts) world.restartServer();
        return recorder.afterwards!();
      },
    };
  }, {
    forged:
      "every value of the recorded session has counted twice: a session's first keys are always the same, and " +
      "nobody has to return the challenge",
  });
}

/** Knows a client's key by its id, and so the keys of every packet. */
class KeyMaker {
  #chain: SeedChain | undefined;

  /** What a packet of the client says. */
  open(unit: Unit): string {
    const packet = packetOf(unit);
    this.#chain ??= new SeedChain(seedMasterKey(packet.header.id));
    return new TextDecoder().decode(this.#chain.open(packet));
  }

  /** A packet in the place of one of the client's. */
  forge(unit: Unit, value: string): Bytes {
    const { header } = packetOf(unit);
    return this.#chain!.seal(header, utf8(value), systemRandom);
  }
}

function packetOf({ bytes }: Unit): Packet {
  const assembler = new PacketAssembler();
  assembler.push(bytes);
  const packet = assembler.next();
  if (packet === undefined) throw new Error("The unit is no packet");
  return packet;
}

/** Makes the key of the client whose id stands in HELLO, and the second value with it. */
function injectWithMadeKey({ seeded }: Stage): Attacker {
  const keys = new KeyMaker();
  let isDone = false;
  return {
    take(unit) {
      if (unit.from === "server" || isDone) return [pass(unit)];
      if (!isPacket(unit, "DATA", 2)) {
        keys.open(unit);
        return [pass(unit)];
      }
      isDone = true;
      return [
        replace(
          unit,
          keys.forge(unit, `${seeded.below(1000)}`),
          "a value under a key made from the client's id",
        ),
      ];
    },
  };
}

async function playWrongKey(stage: Stage): Promise<Played> {
  return await withSeedRoundsWorld(stage, undefined, async (world) => {
    await world.join(CLIENT_KEY);
    // What stands in the header of every packet of the client's is all that it takes.
    await world.intrude(seedMasterKey(CLIENT_ID), `${stage.seeded.below(1000)}`);
    await world.wires.settle();
    return world.played(
      world.isForged,
      world.isForged
        ? "a stranger's value has counted as the client's: its key is a hash of public words and its id"
        : "no stranger's value counts",
    );
  });
}

/** Reads a recorded session from its beginning. */
async function playReading(stage: Stage, evidence: string): Promise<Played> {
  const units: Unit[] = [];
  return await withSeedRoundsWorld(stage, () => listen(units), async (world) => {
    await world.join(CLIENT_KEY);
    await world.wires.settle();
    const keys = new KeyMaker();
    const said = units.filter(({ from }) => from === "client").map((unit) => keys.open(unit));
    // HELLO says nothing.
    const hasSucceeded = said.slice(1).join() === world.sent.join();
    return world.played(hasSucceeded, hasSucceeded ? evidence : "the recorded values were not read");
  });
}

/** The client's key file is copied before a session, and used once more behind it. */
async function playOldKey(stage: Stage): Promise<Played> {
  const copy = CLIENT_KEY.slice();
  return await withSeedRoundsWorld(stage, undefined, async (world) => {
    await world.join(CLIENT_KEY);
    await world.intrude(copy, `${stage.seeded.below(1000)}`);
    await world.wires.settle();
    return world.played(
      world.isForged,
      world.isForged
        ? "the copied key has opened another session: the server keeps no account of sessions, and no key is ever used up"
        : "the copied key opens nothing",
    );
  });
}

async function playEarlyEnd(stage: Stage): Promise<Played> {
  return await withSeedRoundsWorld(stage, () => endBeforeData(), async (world) => {
    await world.join(CLIENT_KEY);
    await world.wires.settle();
    const hasSucceeded = world.counted.length === 1 && world.wires.errors.server === undefined;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the second value was never counted, and the server believes that the client had finished: no packet says so"
        : "the server knows that something is wrong",
    );
  });
}

/** See the module's text. */
export const SEED_ROUNDS_PLAYS: Readonly<Record<string, SeedPlay>> = {
  "rounds tamper": {
    succeeds: false,
    play: (stage) => playSessions(stage, () => tamperData(stage.seeded), { held: "the HMAC does not hold" }),
  },
  "rounds bit-flip": {
    succeeds: false,
    play: (stage) =>
      playSessions(
        stage,
        flipPacketBits(stage.seeded),
        { held: "the HMAC covers every bit of every packet" },
        PACKET_BITS.length,
        1,
      ),
  },
  "rounds replay": {
    succeeds: false,
    play: (stage) =>
      playSessions(stage, () => replayData(stage.seeded), { held: "the packet is of a round that is over" }),
  },
  "rounds reflect": {
    succeeds: false,
    play: (stage) => playSessions(stage, reflectData, { held: "the packet says which way it goes" }),
  },
  "rounds drop": {
    succeeds: false,
    play: (stage) =>
      playSessions(stage, endBeforeAggregate, { held: "the client knows that its answer is missing" }),
  },
  "rounds reorder": { succeeds: true, play: playEarlyEnd },
  "rounds splice": {
    succeeds: true,
    play: (stage) =>
      playSessions(stage, spliceFirstData(), {
        forged: "the first session's value has counted again in the second: both sessions have the same keys",
      }, 2),
  },
  "rounds session-replay": { succeeds: true, play: (stage) => replayOf(stage, false) },
  "rounds session-replay-restart": { succeeds: true, play: (stage) => replayOf(stage, true) },
  "rounds inject": {
    succeeds: true,
    play: (stage) =>
      playSessions(stage, () => injectWithMadeKey(stage), {
        forged: "the attacker's value has counted: it has made the client's keys from the id in the header",
      }),
  },
  "rounds wrong-key": { succeeds: true, play: playWrongKey },
  "rounds eavesdrop": {
    succeeds: true,
    play: (stage) =>
      playReading(stage, "every value was read: the first key is a hash of public words and the id"),
  },
  "rounds old-key-file": { succeeds: true, play: playOldKey },
  "rounds root-leak": {
    succeeds: true,
    play: (stage) =>
      playReading(
        stage,
        "every value was read: a client's key is the one with which all of its sessions have begun",
      ),
  },
  "rounds forward-secrecy": {
    succeeds: true,
    play: (stage) =>
      playReading(
        stage,
        "every value was read without any theft: the keys go one way, from a beginning that is public",
      ),
  },
};
