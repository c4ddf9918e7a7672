/**
 * How attacks on the keys of the rounds are played: recordings that come again, keys that are wrong, old or stolen.
 * @module
 */
import { listen } from "../../lib/attacks/transforms/listen.ts";
import type { Move, Unit } from "../../lib/attacks/wire.ts";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { readClientKey } from "../rounds_key_files.ts";
import type { Played, Stage } from "./attack.ts";
import { replay } from "./relay.ts";
import { playListener, playSession, valuesOf } from "./rounds_plays.ts";
import { readWithChainKey, readWithRoot } from "./rounds_thief.ts";
import { type RoundsWorld, withRoundsWorld } from "./rounds_world.ts";
import { arrow } from "./stranger_plays.ts";

/** Everything that a client has said, said again to a server that was started anew meanwhile. */
export async function playReplayAfterRestart(stage: Stage): Promise<Played> {
  const recorded: Unit[] = [];
  const options = { attacker: () => listen(recorded), isOnDisk: true };
  return await withRoundsWorld(stage, ["a"], options, async (world) => {
    await playSession(world, valuesOf(world));
    await world.settle();
    await world.restart();
    const moves = recorded.filter(({ from }) => from === "client").map(({ name, bytes }): Move => {
      world.wires.steps.push(
        arrow("server", name, bytes.length, "as it was recorded, after the server's restart"),
      );
      return { kind: "send", to: "server", name, bytes };
    });
    // The server hangs up as soon as it has noticed.
    await replay(await world.dialServer(), moves).catch(() => {});
    await world.settle();
    return world.judged();
  });
}

/** Somebody without the client's key joins in its name. */
export async function playWrongKey(stage: Stage): Promise<Played> {
  const root = stage.seeded.bytes(32);
  return await withRoundsWorld(stage, ["a"], {}, async (world) => {
    await playSession(world, valuesOf(world, 1));
    await playImpostor(world, { epoch: 1, root });
    return world.judged();
  });
}

/** A client's file is what it was before its last session. */
export async function playOldKeyFile(stage: Stage): Promise<Played> {
  return await withRoundsWorld(stage, ["a"], {}, async (world) => {
    const copy = Deno.readFileSync(world.keyFile("a"));
    await playSession(world, valuesOf(world, 1));
    Deno.writeFileSync(world.keyFile("a"), copy);
    await playImpostor(world);
    return world.judged();
  });
}

/** The attacker takes part as client `a`, if it can. */
async function playImpostor(
  world: RoundsWorld,
  key?: { epoch: number; root: Uint8Array<ArrayBuffer> },
): Promise<void> {
  const impostor = await world.join("a", { isAttacker: true, ...(key === undefined ? {} : { key }) });
  await impostor?.round(world.books.value());
  await impostor?.close();
  await world.settle();
}

/** The key of a session under way is taken out of the client's memory, and its file, after some of its rounds. */
export async function playForwardSecrecy(stage: Stage): Promise<Played> {
  const recorded: Unit[] = [];
  return await withRoundsWorld(stage, ["a"], { attacker: () => listen(recorded) }, async (world) => {
    const before = valuesOf(world, 1 + stage.seeded.below(3));
    const client = await world.join("a");
    await client!.rounds(...before);
    const past = recorded.slice();
    const chainKey = client!.session["chains"]!.c2s.key.slice();
    const { root } = readClientKey(world.keyFile("a"));
    await client!.rounds(...valuesOf(world, 1));
    await client!.close();
    await world.settle();
    const read = [...readWithChainKey(past, chainKey), ...readWithRoot(past, root)];
    return judgeRead(world, read);
  });
}

/** The client's file is taken once its session is over. */
export async function playRootLeak(stage: Stage): Promise<Played> {
  return await playListener(stage, (world, recorded) => {
    const { root } = readClientKey(world.keyFile("a"));
    return judgeRead(world, readWithRoot(recorded, root));
  });
}

function judgeRead(world: RoundsWorld, read: readonly string[]): Played {
  const evidence = read.length > 0
    ? `the thief has read ${read.join(", ")} from what was recorded before`
    : "with these keys nothing opens that was recorded before";
  return world.played(read.length > 0, evidence);
}

/** Somebody looks for the values in what goes over the line. */
export async function playEavesdropper(stage: Stage): Promise<Played> {
  return await playListener(stage, (world, recorded, values) => {
    const seen = values.filter((value) => recorded.some(({ bytes }) => holds(bytes, utf8(value))));
    const evidence = seen.length > 0
      ? `${seen.join(", ")} can be read on the line`
      : "no value can be seen on the line";
    return world.played(seen.length > 0, evidence);
  });
}

function holds(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
