/**
 * How attacks on the rounds are played: who joins, what is sent, and what the attacker wants of it.
 * @module
 */
import { listen } from "../../lib/attacks/transforms/listen.ts";
import { PACKET_BITS } from "../../lib/attacks/transforms/rounds_change.ts";
import type { Attacker, Unit } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { deferred } from "../../lib/bytes/deferred.ts";
import { encodeAggregate } from "../../lib/rounds/messages.ts";
import type { Played, Stage } from "./attack.ts";
import { type RoundsWorld, withRoundsWorld } from "./rounds_world.ts";
import { StepClock } from "./step_clock.ts";
import { Door } from "./stranger.ts";
import { arrow } from "./stranger_plays.ts";

/** Values of a session in which nothing else is said. */
const VALUE_COUNT = 3;
/** A round's deadline by which its timer is told from all others. */
const DEADLINE_MS = 7_000;

/** Some values that nobody has sent yet. */
export function valuesOf(world: RoundsWorld, count = VALUE_COUNT): readonly string[] {
  return Array.from({ length: count }, () => world.books.value());
}

/** Sessions of one client with an attacker on the path, who wants wrong numbers to count or to be believed. */
export async function playSessions(
  stage: Stage,
  attacker: (connection: number) => Attacker,
  sessionCount = 1,
  valueCount = VALUE_COUNT,
): Promise<Played> {
  return await withRoundsWorld(stage, ["a"], { attacker }, async (world) => {
    for (let session = 0; session < sessionCount; session++) {
      await playSession(world, valuesOf(world, valueCount));
    }
    await world.settle();
    return world.judged();
  });
}

/** One session of client `a`, to its end. */
export async function playSession(world: RoundsWorld, values: readonly string[]): Promise<void> {
  const client = await world.join("a");
  await client?.rounds(...values);
  await client?.close();
}

/** One session for each bit that is flipped, with one value in each. */
export async function playFlips(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  return await playSessions(stage, attacker, PACKET_BITS.length, 1);
}

/** Somebody has the client send what reads like an aggregate, and sends it back. */
export async function playReflection(stage: Stage, attacker: () => Attacker): Promise<Played> {
  const aggregate = { serverRound: 2, sum: "1", product: "1000000", clients: 9 };
  const text = new TextDecoder().decode(encodeAggregate(aggregate));
  return await withRoundsWorld(stage, ["a"], { attacker }, async (world) => {
    await playSession(world, [world.books.value(), text]);
    await world.settle();
    return world.judged();
  });
}

/**
 * A client whose second answer vanishes: it sends no third value, and the server says that it was late with that one. The
 * attacker wants it to take this as the word on its second value, which has counted.
 */
export async function playDrop(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  const clock = new RoundClock();
  const options = { attacker, clock, minClients: 2, deadlineMs: DEADLINE_MS };
  return await withRoundsWorld(stage, ["a", "b"], options, async (world) => {
    const [first, lost] = valuesOf(world);
    const client = await world.join("a");
    const other = await world.join("b", { isDirect: true });
    await Promise.all([client!.round(first!), other!.round(world.books.value())]);
    const unanswered = client!.round(lost!);
    await other!.round(world.books.value());
    const opened = clock.nextRound();
    const third = other!.round(world.books.value());
    await opened;
    clock.step(DEADLINE_MS);
    await Promise.all([unanswered, third]);
    await other!.close();
    await world.settle();
    const isDeceived = world.wires.errors.client?.code === "rejected" &&
      world.books.timesCounted("a", lost!) === 1;
    return world.played(
      isDeceived,
      isDeceived
        ? `the client was told that its value came too late, and ${lost} has counted`
        : "the client was not told that a value is lost that has counted",
    );
  });
}

/** A clock that tells when a round's deadline begins to run. */
class RoundClock extends StepClock {
  #next = deferred<void>();

  override after(delayMs: number, action: () => void): () => void {
    if (delayMs === DEADLINE_MS) this.#next.resolve();
    return super.after(delayMs, action);
  }

  /** Resolves when the next round has opened that does not close at once. */
  nextRound(): Promise<void> {
    this.#next = deferred<void>();
    return this.#next.promise;
  }
}

/** A client that sends a value and leaves without waiting for its answer. The attacker wants nobody to miss it. */
export async function playReorder(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  return await withRoundsWorld(stage, ["a"], { attacker }, async (world) => {
    const [first, last] = valuesOf(world);
    const client = await world.join("a");
    await client!.round(first!);
    const unanswered = client!.round(last!);
    await client!.close();
    await unanswered;
    await world.settle();
    const isLost = world.books.timesCounted("a", last!) === 0 && world.wires.errors.server === undefined;
    return world.played(
      isLost,
      isLost
        ? `${last} was never counted, and the server believes that the client has left with nothing to say`
        : "the server knows that something is wrong",
    );
  });
}

/** A client whose line ends inside an answer. The attacker wants it to believe that this is the server's word. */
export async function playTruncation(
  stage: Stage,
  attacker: (connection: number) => Attacker,
): Promise<Played> {
  return await withRoundsWorld(stage, ["a"], { attacker }, async (world) => {
    await playSession(world, valuesOf(world));
    await world.settle();
    const isDeceived = world.wires.errors.client?.code === "rejected";
    return world.played(
      isDeceived,
      isDeceived
        ? "the client believes that the server has ended the session, and the server has said nothing of the kind"
        : "the client knows that its line was cut",
    );
  });
}

/** A client whose line dies while its value waits; it joins again, and sends the value again. */
export async function playRejoin(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  return await withRoundsWorld(stage, ["a", "b"], { attacker, minClients: 2 }, async (world) => {
    const value = world.books.value();
    await (await world.join("a"))!.round(value);
    const again = (await world.join("a"))!;
    const answered = again.round(value);
    // Where nothing ends the older session, the two of them make a round by themselves.
    await world.reported(({ kind }) => kind === "left" || kind === "round");
    const other = await world.join("b", { isDirect: true });
    const others = other!.round(world.books.value());
    await answered;
    if (world.books.wrong !== undefined) return world.judged();
    await others;
    await Promise.all([again.close(), other!.close()]);
    await world.settle();
    return world.judged();
  });
}

/** A stranger's bytes, which announce more than they are. The attacker wants the server to keep them all. */
export async function playStranger(stage: Stage, name: string, bytes: Bytes, note: string): Promise<Played> {
  return await withRoundsWorld(stage, ["a"], {}, async (world) => {
    await using door = new Door((duplex, address) => world.serve(duplex, address), Date.now);
    const stranger = await door.knock();
    await stranger.say(bytes);
    world.wires.steps.push(arrow("server", name, bytes.length, note));
    // The stranger is still there, for as long as the server lets it.
    await playSession(world, valuesOf(world));
    stranger.leave();
    await world.settle();
    const { takenBytes } = stranger.visit;
    const hasTakenAll = takenBytes === bytes.length;
    return world.played(
      hasTakenAll || !world.books.isIntact,
      world.books.isIntact
        ? `the server has taken ${takenBytes} bytes of ${bytes.length}`
        : "an honest client was not served",
    );
  });
}

/** A session that somebody listens to. */
export async function playListener(
  stage: Stage,
  judge: (world: RoundsWorld, recorded: readonly Unit[], values: readonly string[]) => Played,
): Promise<Played> {
  const recorded: Unit[] = [];
  return await withRoundsWorld(stage, ["a"], { attacker: () => listen(recorded) }, async (world) => {
    const values = valuesOf(world);
    await playSession(world, values);
    await world.settle();
    return judge(world, recorded, values);
  });
}
