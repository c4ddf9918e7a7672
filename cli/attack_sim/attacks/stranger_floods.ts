/**
 * Strangers who come in numbers, or take their time: places, answers and seconds that they may take of a receiver of
 * STX/1 are measured, and an honest sender is served beside them.
 * @module
 */
import { makeClientShare } from "../../../lib/crypto/key_agreement.ts";
import {
  DRAIN_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  HANDSHAKES_MAX,
  HANDSHAKES_PER_ADDRESS_MAX,
  PUBLIC_KEY_BURST,
  PUBLIC_KEY_PER_SECOND,
  RETRY_DELAY_MS_MIN,
} from "../../../lib/limits.ts";
import { Admission } from "../../../lib/net/admission.ts";
import { systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import { encodeHello } from "../../../lib/wire/handshake_messages.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { StepClock } from "../step_clock.ts";
import { helloOf } from "../stranger_handshake.ts";
import {
  arrow,
  bounded,
  connectionsOfSender,
  doorOf,
  drip,
  flood,
  gather,
  largest,
  paceOf,
  sendUntilThere,
} from "../stranger_plays.ts";
import type { Door } from "../stranger.ts";
import { withStxWorld } from "../stx_world.ts";

const DRIPPING = 8;
/** Strangers that come at once, each with a HELLO of its own. */
const AT_ONCE = 16;
/** The pause after which the flood of HELLOs goes on. */
const PAUSE_MS = 40;

async function playSlowloris(stage: Stage): Promise<Played> {
  const clock = new StepClock();
  return await withStxWorld(stage, { clock }, async (world) => {
    await using door = doorOf(world, () => clock.nowMs());
    const startMs = clock.nowMs();
    const paceMs = paceOf(stage.seeded);
    const { publicShare } = await makeClientShare(systemRandom);
    const hello = encodeFrame("hello", encodeHello(helloOf(publicShare, startMs)));
    const strangers = await gather(door, DRIPPING);
    world.wires.steps.push(
      arrow("server", "HELLO", 1, `a byte every ${paceMs} ms, on ${DRIPPING} connections`),
    );
    let connections = 0;
    await drip({ strangers, message: hello, paceMs, clock }, async () => {
      connections = await sendUntilThere(world);
    });
    const visits = door.visits;
    world.wires.steps.push(arrow("attacker", "end", 0, "the time is up"));
    return bounded(world, [
      {
        what: "milliseconds until the receiver ended the handshake",
        measured: largest(visits.map(({ endedMs }) => (endedMs ?? Infinity) - startMs)),
        most: HANDSHAKE_TIMEOUT_MS,
      },
      {
        what: "milliseconds until it let go of the connection",
        measured: largest(visits.map(({ closedMs }) => (closedMs ?? Infinity) - startMs)),
        most: HANDSHAKE_TIMEOUT_MS + DRAIN_TIMEOUT_MS,
      },
      connectionsOfSender(connections),
    ]);
  });
}

/** Counts who has a place, beside the one who gives them. */
class CountedAdmission {
  readonly #admission = new Admission(systemRandom);
  #underWay = 0;
  /** The most handshakes under way at once, since somebody has set it to nothing. */
  underWayMax = 0;
  /** Strangers who had to make room. */
  evictedStrangers = 0;

  enter(address: string, evict: () => void): () => void {
    let hasPlace = true;
    const giveBack = () => {
      if (hasPlace) this.#underWay -= 1;
      hasPlace = false;
    };
    const leave = this.#admission.enter(address, () => {
      giveBack();
      if (address.startsWith(STRANGERS)) this.evictedStrangers += 1;
      evict();
    });
    this.#underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    return () => {
      giveBack();
      leave();
    };
  }
}

/** Where strangers come from; the honest sender does not. */
const STRANGERS = "127.77.";
/** Strangers from one address, then from one each. */
const FROM_ONE = HANDSHAKES_PER_ADDRESS_MAX + 16;
const FROM_MANY = HANDSHAKES_MAX + 64;

async function playHalfOpenFlood(stage: Stage): Promise<Played> {
  const admission = new CountedAdmission();
  return await withStxWorld(stage, { admission }, async (world) => {
    const addressOf = (visit: number) => {
      const place = Math.max(0, visit - FROM_ONE + 1);
      return `${STRANGERS}${place >> 8}.${place & 255}`;
    };
    await using door = doorOf(world, () => systemClock.nowMs(), addressOf);
    const evicted = () => admission.evictedStrangers;
    await flood(door, evicted, (count) => count < FROM_ONE);
    const fromOne = admission.underWayMax;
    world.wires.steps.push(
      arrow("server", "connections", 0, `${FROM_ONE} from one address, which say nothing`),
    );
    let connections: number | undefined;
    let sending: Promise<void> | undefined;
    let count = 0;
    await flood(door, evicted, () => {
      count += 1;
      // The house is full by now, and strangers go on coming until the sender is through.
      if (count === FROM_MANY) sending = sendUntilThere(world).then((needed) => void (connections = needed));
      return connections === undefined;
    });
    await sending;
    world.wires.steps.push(arrow("server", "connections", 0, "hundreds, each from another address"));
    return bounded(world, [
      {
        what: "handshakes under way at once, where all strangers come from one address",
        measured: fromOne,
        most: HANDSHAKES_PER_ADDRESS_MAX,
      },
      {
        what: "handshakes under way at once, where each stranger comes from another address",
        measured: admission.underWayMax,
        most: HANDSHAKES_MAX,
      },
      {
        what: "connections of strangers held at once, with the one that is being turned away",
        measured: door.heldMax,
        most: HANDSHAKES_MAX + 1,
      },
      connectionsOfSender(connections ?? Infinity),
    ]);
  });
}

async function playPublicKeyFlood(stage: Stage): Promise<Played> {
  const clock = new StepClock();
  return await withStxWorld(stage, { clock }, async (world) => {
    await using door = doorOf(world, () => clock.nowMs());
    const { publicShare } = await makeClientShare(systemRandom);
    const ask = () => askAtOnce(door, publicShare, clock.nowMs());
    let answered = 0;
    for (let asked = 0; asked < PUBLIC_KEY_BURST + 2 * AT_ONCE; asked += AT_ONCE) answered += await ask();
    world.wires.steps.push(arrow("attacker", "WELCOME", 0, `${answered} times, then ALERT: busy`));
    clock.step(PAUSE_MS);
    const later = await ask();
    const connections = await sendUntilThere(world, async () => {
      clock.step(RETRY_DELAY_MS_MIN);
      // Strangers are there again before the sender is.
      await ask();
    });
    return bounded(world, [
      { what: "HELLOs that were answered at once", measured: answered, most: PUBLIC_KEY_BURST },
      {
        what: `HELLOs that were answered ${PAUSE_MS} ms later`,
        measured: later,
        most: PUBLIC_KEY_PER_SECOND * PAUSE_MS / 1000,
      },
      connectionsOfSender(connections),
    ]);
  });
}

/** Says a few HELLOs at once, each with a nonce of its own, on as many connections. Resolves to the WELCOMEs. */
async function askAtOnce(door: Door, publicShare: Uint8Array<ArrayBuffer>, nowMs: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    const stranger = await door.knock();
    await stranger.say(encodeFrame("hello", encodeHello(helloOf(publicShare, nowMs))));
    const answer = await stranger.frame();
    await stranger.left();
    return answer?.type;
  }));
  return answers.filter((type) => type === "welcome").length;
}

const BOUNDED = "Strangers cost bounded memory, time and work, and keep nobody out";

/** See the module's text. */
export const STRANGER_FLOOD_ATTACKS: readonly Attack[] = [
  {
    name: "slowloris",
    protocol: "stx",
    by: "stranger",
    goal: "Connections stay open for as long as the attacker likes, at the cost of a byte now and then.",
    does: "Opens connections and says a HELLO one byte at a time, so that it is never silent and never done.",
    why:
      "The receiver gives a whole handshake 10 seconds from the connection on. Bytes in between do not move that " +
      "deadline. Two seconds more it reads what still comes, so that the peer hears the end, and then it lets go.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playSlowloris,
  },
  {
    name: "half-open-flood",
    protocol: "stx",
    by: "stranger",
    goal: "Every place of the receiver is taken, and no honest sender gets in.",
    does:
      "Opens hundreds of connections that say nothing, first all from one address, then each from another, and goes on " +
      "while an honest sender comes.",
    why:
      "There are 256 places for handshakes, 64 of them for one address. Who comes when all are taken gets the place of " +
      "somebody who has been there longer: an honest handshake is over before its turn comes.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playHalfOpenFlood,
  },
  {
    name: "public-key-flood",
    protocol: "stx",
    by: "stranger",
    goal: "The receiver does nothing but public-key work for strangers.",
    does: "Says hundreds of HELLOs, all of them in order and each with a nonce that was never there before.",
    why:
      "Answers come from a budget of 512, to which 250 are added every second. Whoever finds it empty is told that the " +
      "receiver is busy, which costs no public-key work, and an honest sender comes again after a moment.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playPublicKeyFlood,
  },
];
