/**
 * Strangers who want to be a burden to a server of the rounds: what they may take of it is measured, and an honest
 * group holds a round beside them.
 * @module
 */
import {
  ROUNDS_HANDSHAKE_TIMEOUT_MS,
  ROUNDS_HANDSHAKES_MAX,
  ROUNDS_ID_SIZE_MAX,
} from "../../../lib/limits.ts";
import { systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import { RoundsClient } from "../../../lib/rounds/client.ts";
import type { Attack, Bound, Played, Stage } from "../attack.ts";
import { type RoundsWorld, withRoundsWorld } from "../rounds_world.ts";
import { StepClock } from "../step_clock.ts";
import { Door } from "../stranger.ts";
import { arrow, drip, flood, gather, largest, paceOf, verdictOf } from "../stranger_plays.ts";

const DRIPPING = 8;
const FLOOD = ROUNDS_HANDSHAKES_MAX + 64;
/** Where strangers come from: fewer addresses than there are places, so that each has more of them than the group. */
const ADDRESSES = 16;
/** The group. */
const IDS = ["ada", "bob"] as const;

/** The group comes, one client after the other, and holds a round. */
async function holdRound(world: RoundsWorld): Promise<void> {
  const ada = await world.join(IDS[0]);
  const first = ada?.round(world.books.value());
  const bob = await world.join(IDS[1]);
  // Whoever is alone waits for ever.
  if (bob === undefined) await ada?.close();
  await Promise.all([first, bob?.round(world.books.value())]);
  await Promise.all([ada?.close(), bob?.close()]);
}

/** What became of a world in which something was measured. */
function bounded(world: RoundsWorld, bounds: readonly Bound[]): Played {
  const played = world.played(...verdictOf(bounds));
  const isRound = world.events.some(({ kind }) => kind === "round");
  // Where nobody got in, nothing was sent and nothing lost.
  return { ...played, isIntact: isRound && played.isIntact, bounds };
}

async function playSlowloris(stage: Stage): Promise<Played> {
  const { seeded } = stage;
  const clock = new StepClock();
  return await withRoundsWorld(stage, IDS, { minClients: 2, clock }, async (world) => {
    await using door = new Door((duplex, from) => world.serve(duplex, from), () => clock.nowMs());
    const startMs = clock.nowMs();
    const paceMs = paceOf(seeded);
    // As long as they are: it must not be whole before the time is up.
    const id = "x".repeat(ROUNDS_ID_SIZE_MAX);
    const client = RoundsClient.start({ id, epoch: 0, root: seeded.bytes(32), random: systemRandom });
    const [hello] = client.takeOutput();
    const strangers = await gather(door, DRIPPING);
    world.wires.steps.push(
      arrow("server", "HELLO", 1, `a byte every ${paceMs} ms, on ${DRIPPING} connections`),
    );
    await drip({ strangers, message: hello!, paceMs, clock }, () => holdRound(world));
    world.wires.steps.push(arrow("attacker", "cut", 0, "the time is up"));
    return bounded(world, [{
      what: "milliseconds until the server let go of the connection",
      measured: largest(door.visits.map(({ closedMs }) => (closedMs ?? Infinity) - startMs)),
      most: ROUNDS_HANDSHAKE_TIMEOUT_MS,
    }]);
  });
}

async function playHalfOpenFlood(stage: Stage): Promise<Played> {
  return await withRoundsWorld(stage, IDS, { minClients: 2 }, async (world) => {
    const addressOf = (visit: number) => `127.77.0.${visit % ADDRESSES}`;
    const serve = world.serve.bind(world);
    await using door = new Door(serve, () => systemClock.nowMs(), addressOf);
    let round: Promise<void> | undefined;
    let isOver = false;
    await flood(door, () => 0, (count) => {
      // The house is full by now, and strangers go on coming until the round is over.
      if (count === FLOOD) round = holdRound(world).finally(() => isOver = true);
      return !isOver;
    });
    await round;
    world.wires.steps.push(arrow("server", "connections", 0, "hundreds, which say nothing"));
    return bounded(world, [{
      what: "connections of strangers held at once, with the one that has just come",
      measured: door.heldMax,
      most: ROUNDS_HANDSHAKES_MAX + 1,
    }]);
  });
}

const BOUNDED = "Strangers cost bounded memory, time and work, and keep nobody out";

/** See the module's text. */
export const ROUNDS_STRANGER_ATTACKS: readonly Attack[] = [
  {
    name: "slowloris",
    protocol: "rounds",
    by: "stranger",
    goal: "Connections stay open for as long as the attacker likes, at the cost of a byte now and then.",
    does: "Opens connections and says a HELLO one byte at a time, so that it is never silent and never done.",
    why:
      "The server gives a client 10 seconds from the connection to its returned challenge. Bytes in between do not move " +
      "that deadline.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playSlowloris,
  },
  {
    name: "half-open-flood",
    protocol: "rounds",
    by: "stranger",
    goal: "Every place of the server is taken, and no client of the group gets in.",
    does:
      "Opens hundreds of connections that say nothing, and goes on while the group comes and holds a round.",
    why:
      "There are 256 places for handshakes. Who comes when all are taken gets the place of somebody who has been there " +
      "longer, of the address that has the most: an honest handshake is over before its turn comes.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playHalfOpenFlood,
  },
];
