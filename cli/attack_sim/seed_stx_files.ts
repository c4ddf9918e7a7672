/**
 * What the attacks on the records and the files of STX/1 come to on its first design.
 * @module
 */
import { existsSync } from "node:fs";
import { encodeSeedControl, SEED_CONTROLS } from "../../lib/attacks/seed_stx_units.ts";
import { cut } from "../../lib/attacks/transforms/lines.ts";
import { listen } from "../../lib/attacks/transforms/listen.ts";
import { drop, reorder, replay, truncate } from "../../lib/attacks/transforms/records.ts";
import {
  afterwardsCut,
  cutSeed,
  disturbSeed,
  forgeSeedWelcome,
  injectSeedBlock,
  spliceSeed,
} from "../../lib/attacks/transforms/seed_stx.ts";
import { tamper } from "../../lib/attacks/transforms/tamper.ts";
import { makeSeedControl } from "../../lib/attacks/weak/seed_stx_keys.ts";
import { type Attacker, pass } from "../../lib/attacks/wire.ts";
import { equal } from "../../lib/bytes/bytes.ts";
import { BLOCK_SIZE_MIN } from "../../lib/limits.ts";
import type { Played, SeedPlay, Stage } from "./attack.ts";
import { type SeedStxWorld, withSeedStxWorld } from "./seed_stx_world.ts";
import { FILE_NAME } from "./stx_world.ts";

/** What a client sends in a transfer that is not disturbed: HELLO, VERIFY, the name, five blocks. */
const UNIT_COUNT = 8;

const ASKED_AGAIN = "the receiver asks for the block again, because its tag does not hold";
const MISSED = "the receiver asks for the block that is missing";

/**
 * One transfer with an attacker on the path who wants another file in place.
 * @param why why there is none, as the evidence has it
 */
async function playForgery(
  stage: Stage,
  attacker: (connection: number, world: SeedStxWorld) => Attacker,
  why = ASKED_AGAIN,
): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.wires.settle();
    return world.played(
      world.isForged,
      world.isForged ? "what the receiver takes for the whole file is not the one that was sent" : why,
    );
  });
}

async function playTruncate(stage: Stage): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker: afterwardsCut(truncate(stage.seeded)) }, async (world) => {
    await world.send();
    await world.wires.settle();
    const size = world.arrived()?.length ?? 0;
    return world.played(
      world.isForged,
      world.isForged
        ? `the receiver takes ${size} of ${world.content.length} bytes for the whole file: nothing marks a file's end`
        : "the receiver does not take a part for the whole file",
    );
  });
}

/** Between two connections one bit changes on the receiver's disk, and the sender goes on behind it. */
async function playFalsePrefix(stage: Stage): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker: cutSeed(stage.seeded, 1) }, async (world) => {
    await world.send(1);
    await world.wires.settle();
    const before = flipOneBit(world, stage);
    const isDone = await world.send();
    await world.wires.settle();
    const hasSucceeded = isDone && world.isForged;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? `the sender has gone on behind ${before} bytes of which one is wrong, and holds the file to have arrived`
        : "the sender does not go on behind what it has not sent",
    );
  });
}

/** One bit changes on the receiver's disk before the sender hears that the last block is there. */
async function playFailingDisk(stage: Stage): Promise<Played> {
  const attacker = (_connection: number, world: SeedStxWorld): Attacker => ({
    take(unit) {
      if (unit.name === `ACK ${world.source().blockCount}`) flipOneBit(world, stage);
      return [pass(unit)];
    },
  });
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    const isDone = await world.send();
    await world.wires.settle();
    const hasSucceeded = isDone && world.isForged;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the sender holds the file to have arrived, with a bit in it that is wrong: nobody reads it back"
        : "the sender does not hold the file to have arrived",
    );
  });
}

/** Changes a bit of what has arrived; says how many bytes those are. */
function flipOneBit(world: SeedStxWorld, { seeded }: Stage): number {
  const arrived = world.arrived() ?? new Uint8Array(0);
  arrived[seeded.below(arrived.length)]! ^= 1 << seeded.below(8);
  Deno.writeFileSync(`${world.inbox}/${FILE_NAME}`, arrived);
  return arrived.length;
}

/** A receiver that keeps nothing, and acknowledges a block that the sender has not sent or has just sent. */
async function playLiar(stage: Stage, isEarly: boolean): Promise<Played> {
  return await withSeedStxWorld(stage, {
    async receive(line, { keys }) {
      const ack = (number: number) =>
        line.write(encodeSeedControl(makeSeedControl(keys, SEED_CONTROLS.ack, number)));
      await ack(isEarly ? 2 ** 32 - 1 : 0);
      if (!isEarly) await ack(2 ** 32 - 1);
      while (await line.more() !== undefined);
    },
  }, async (world) => {
    const isDone = await world.send();
    await world.wires.settle();
    const hasSucceeded = isDone && world.arrived() === undefined;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the sender holds the file to have arrived; the receiver has kept none of it and signed for nothing"
        : "the sender does not hold the file to have arrived",
    );
  });
}

/** One thing is damaged or made up on the way, which no key is needed for; the transfer is to be over for good. */
async function playDisturbance(stage: Stage, attacker: Attacker, evidence: string): Promise<Played> {
  const once = (connection: number) => connection === 0 ? attacker : listen();
  return await withSeedStxWorld(stage, { attacker: once }, async (world) => {
    const isDone = await world.send();
    await world.wires.settle();
    const hasSucceeded = !isDone && !world.isIntact;
    return world.played(hasSucceeded, hasSucceeded ? evidence : "the file is in place as it was sent");
  });
}

/** Connections that break; the file is to arrive all the same. */
async function playCuts(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    const isDone = await world.send();
    await world.wires.settle();
    return world.played(
      !isDone || !world.isIntact,
      `the file is ${
        world.isIntact ? "" : "not "
      }in place as it was sent, after ${world.attemptCount} connections`,
    );
  });
}

/** Up to three connections break anywhere. */
function cutAnywhere({ seeded }: Stage): (connection: number) => Attacker {
  const cutCount = 1 + seeded.below(3);
  return (connection) => connection < cutCount ? cut(seeded, seeded.below(UNIT_COUNT), () => true) : listen();
}

async function playInjection(stage: Stage): Promise<Played> {
  const text = new Uint8Array(BLOCK_SIZE_MIN).fill(0x21);
  return await playForgery(stage, (_connection, world) => {
    return injectSeedBlock(stage.seeded, world.content.slice(0, BLOCK_SIZE_MIN), text);
  });
}

/** @param evidence what the file that is there under this name is */
async function playName(stage: Stage, name: string, evidence: string): Promise<Played> {
  return await withSeedStxWorld(stage, { name }, async (world) => {
    await world.send();
    await world.wires.settle();
    const hasSucceeded = existsSync(`${world.inbox}/${name}`);
    return world.played(
      hasSucceeded,
      hasSucceeded ? `${evidence}: the design has no rule for names` : "no file is there under this name",
    );
  });
}

async function playOverwrite(stage: Stage): Promise<Played> {
  return await withSeedStxWorld(stage, {}, async (world) => {
    const theirs = stage.seeded.bytes(100);
    Deno.writeFileSync(`${world.inbox}/${FILE_NAME}`, theirs);
    await world.send();
    await world.wires.settle();
    const hasSucceeded = !equal(world.arrived() ?? theirs, theirs);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the file of that name which the receiver's user had is changed: the design has no rule for taken names"
        : "the file of that name which the receiver's user had is as it was",
    );
  });
}

/** See the module's text. */
export const SEED_STX_FILE_PLAYS: Readonly<Record<string, SeedPlay>> = {
  "stx tamper": { succeeds: false, play: (stage) => playForgery(stage, () => tamper(stage.seeded)) },
  "stx inject": { succeeds: false, play: playInjection },
  "stx replay": {
    succeeds: false,
    play: (stage) =>
      playForgery(
        stage,
        () => replay(stage.seeded),
        "the receiver knows the message's number, and lets it go",
      ),
  },
  "stx drop": { succeeds: false, play: (stage) => playForgery(stage, () => drop(stage.seeded), MISSED) },
  "stx reorder": {
    succeeds: false,
    play: (stage) => playForgery(stage, () => reorder(stage.seeded), MISSED),
  },
  "stx splice": { succeeds: false, play: (stage) => playForgery(stage, spliceSeed(stage.seeded)) },
  "stx truncate": { succeeds: true, play: playTruncate },
  "stx cut": { succeeds: false, play: (stage) => playCuts(stage, cutAnywhere(stage)) },
  "stx cut-and-resume": {
    succeeds: false,
    play: (stage) => playCuts(stage, cutSeed(stage.seeded, Infinity)),
  },
  "stx line-noise": {
    succeeds: true,
    play: (stage) =>
      playDisturbance(
        stage,
        disturbSeed(stage.seeded),
        "a damaged acknowledgement has ended the transfer for good: it has no CRC, so that noise looks like an attack",
      ),
  },
  "stx forged-alert": {
    succeeds: true,
    play: (stage) =>
      playDisturbance(
        stage,
        forgeSeedWelcome(stage.seeded),
        "one signature made up has ended the transfer for good: a failure of authentication is never tried again",
      ),
  },
  "stx false-prefix-digest": { succeeds: true, play: playFalsePrefix },
  "stx failing-disk": { succeeds: true, play: playFailingDisk },
  "stx forged-receipt": { succeeds: true, play: (stage) => playLiar(stage, false) },
  "stx early-done": { succeeds: true, play: (stage) => playLiar(stage, true) },
  "stx ack-unsent": { succeeds: true, play: (stage) => playLiar(stage, true) },
  "stx hostile-names": {
    succeeds: true,
    play: (stage) => playName(stage, "../planted.bin", "a file stands outside the receiver's folder"),
  },
  "stx hidden-files": {
    succeeds: true,
    play: (stage) => playName(stage, ".bashrc", "a file that other programs obey stands in the folder"),
  },
  "stx overwrite": { succeeds: true, play: playOverwrite },
};
