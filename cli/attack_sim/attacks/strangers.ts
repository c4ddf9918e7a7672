/**
 * Strangers who want to be a burden to a receiver of STX/1: what they may take of it is measured, and an honest sender
 * is served beside them.
 * @module
 */
import { garbage, garbageBytes } from "../../../lib/attacks/transforms/garbage.ts";
import { oversize, tooLargeForFrame, tooLargeForRecord } from "../../../lib/attacks/transforms/oversize.ts";
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import { type Attacker, NOBODY } from "../../../lib/attacks/wire.ts";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import {
  BEFORE_READY_SIZE_MAX,
  DRAIN_SIZE_MAX,
  HANDSHAKE_BODY_SIZE_MAX,
  RECORD_HEADER_SIZE,
} from "../../../lib/limits.ts";
import { systemClock } from "../../../lib/net/tcp.ts";
import type { Identity } from "../../../lib/ports.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { FRAME_HEADER_SIZE, frameHeader } from "../../../lib/wire/frame.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import {
  arrow,
  bounded,
  connectionsOfSender,
  doorOf,
  largest,
  sendUntilThere,
  takenUntilRefused,
} from "../stranger_plays.ts";
import type { Door, Stranger } from "../stranger.ts";
import { StrangerHandshake } from "../stranger_handshake.ts";
import { newIdentity, type StxWorld, withStxWorld } from "../stx_world.ts";

/** Bytes that a stranger pours out in pieces, which is more than any bound. */
const POUR_SIZE = BEFORE_READY_SIZE_MAX + 2 * DRAIN_SIZE_MAX;
const PIECE_SIZE = 32 * 1024;
/** Bytes that a server reads at once before anything is proved; one read may be more than it needed to see. */
const ONE_READ = 4 * 1024;

/** The attacker of the first connection alone: the second shows that nothing of it is left. */
function once(attacker: Attacker): (connection: number) => Attacker {
  return (connection) => connection === 0 ? attacker : NOBODY;
}

function* pieces(of: Bytes, sizeBytes = POUR_SIZE): Generator<Bytes> {
  for (let said = 0; said < sizeBytes; said += of.length) yield of;
}

const now = () => systemClock.nowMs();

/** A stranger who has got WELCOME. */
async function welcomed(door: Door, identity: Identity): Promise<[Stranger, StrangerHandshake]> {
  const stranger = await door.knock();
  const handshake = await StrangerHandshake.start(identity, now());
  await stranger.say(handshake.hello());
  await handshake.welcome((await stranger.frame())!);
  return [stranger, handshake];
}

/** Says a header, and then all that it announces for as long as the server listens. */
async function headerThenFlood(stranger: Stranger, header: Bytes, seeded: Seeded): Promise<number> {
  const piece = seeded.bytes(PIECE_SIZE);
  return await takenUntilRefused(stranger, async () => {
    await stranger.say(header);
    await stranger.pour(pieces(piece));
    await stranger.left();
  });
}

async function playOversize(stage: Stage): Promise<Played> {
  const { seeded } = stage;
  return await withStxWorld(stage, { attacker: once(oversize(seeded)) }, async (world) => {
    await using door = doorOf(world, now);
    const anybody = await newIdentity(stage);
    const first = await door.knock();
    const inHello = await headerThenFlood(first, frameHeader("hello", tooLargeForFrame(seeded)), seeded);
    const [second] = await welcomed(door, anybody);
    const inVerify = await headerThenFlood(second, frameHeader("verify", tooLargeForFrame(seeded)), seeded);
    const third = await letIn(door, world);
    const size = tooLargeForRecord(seeded);
    const inRecord = await headerThenFlood(third, concat(u32(0), u32(size)), seeded);
    world.wires.steps.push(
      arrow("server", "HELLO", FRAME_HEADER_SIZE, "announces megabytes"),
      arrow("server", "VERIFY", FRAME_HEADER_SIZE, "announces megabytes"),
      arrow("server", "record 0", RECORD_HEADER_SIZE, `a sender that was let in announces ${size} bytes`),
    );
    const connections = await sendUntilThere(world);
    return bounded(world, [
      {
        what: "bytes of a frame that had to come before it was refused",
        measured: Math.max(inHello, inVerify),
        most: FRAME_HEADER_SIZE,
      },
      {
        what: "bytes of a record that had to come before it was refused",
        measured: inRecord,
        most: RECORD_HEADER_SIZE,
      },
      connectionsOfSender(connections),
    ]);
  });
}

/** Somebody with the sender's own key, whose session is open. */
async function letIn(door: Door, world: StxWorld): Promise<Stranger> {
  const [stranger, handshake] = await welcomed(door, world.sender);
  await stranger.say(await handshake.verify());
  const ready = await stranger.frame();
  if (ready?.type !== "ready") throw new Error("The sender's key does not open a session");
  return stranger;
}

async function playGarbage(stage: Stage): Promise<Played> {
  const { seeded } = stage;
  return await withStxWorld(stage, { attacker: once(garbage(seeded)) }, async (world) => {
    await using door = doorOf(world, now);
    const taken: number[] = [];
    const answers = new Set<string>();
    for (let visit = 0; visit < 4; visit++) {
      const stranger = await door.knock();
      const bytes = garbageBytes(seeded, 5 + seeded.below(2 * HANDSHAKE_BODY_SIZE_MAX));
      const pieceSize = 1 + seeded.below(bytes.length);
      taken.push(
        await takenUntilRefused(stranger, async () => {
          for (let at = 0; at < bytes.length; at += pieceSize) {
            await stranger.pour([bytes.subarray(at, at + pieceSize)]);
          }
          const alert = await stranger.frame().catch(() => undefined);
          if (alert !== undefined) answers.add(`${alert.type} ${alert.body}`);
        }),
      );
      world.wires.steps.push(arrow("server", "garbage", bytes.length, `in pieces of ${pieceSize} bytes`));
    }
    const connections = await sendUntilThere(world);
    return bounded(world, [
      {
        what: "bytes of garbage that the receiver had read when it refused them",
        measured: largest(taken),
        most: ONE_READ,
      },
      { what: "different answers that garbage got", measured: answers.size, most: 1 },
      connectionsOfSender(connections),
    ]);
  });
}

async function playEarlyFlood(stage: Stage): Promise<Played> {
  const { seeded } = stage;
  return await withStxWorld(stage, {}, async (world) => {
    await using door = doorOf(world, now);
    const anybody = await newIdentity(stage);
    const floods: readonly [string, () => Promise<[Stranger, Bytes]>][] = [
      ["in place of HELLO", async () => [await door.knock(), frameHeader("hello", HANDSHAKE_BODY_SIZE_MAX)]],
      [
        "in place of VERIFY",
        async () => [(await welcomed(door, anybody))[0], frameHeader("verify", HANDSHAKE_BODY_SIZE_MAX)],
      ],
      ["behind VERIFY, without waiting for READY", async () => {
        const [stranger, handshake] = await welcomed(door, anybody);
        return [stranger, await handshake.verify()];
      }],
    ];
    const taken: number[] = [];
    for (const [note, begin] of floods) {
      const [stranger, begins] = await begin();
      const piece = concat(u32(0), u32(PIECE_SIZE), seeded.bytes(PIECE_SIZE));
      stranger.visit.mark();
      await stranger.pour([begins]);
      await stranger.pour(pieces(piece));
      await stranger.visit.finished;
      taken.push(stranger.visit.takenAtAnswer ?? Infinity);
      world.wires.steps.push(arrow("server", "a flood", POUR_SIZE, note));
    }
    const inAll = largest(door.visits.map((visit) => visit.takenBytes));
    const connections = await sendUntilThere(world);
    return bounded(world, [
      {
        what: "bytes that the receiver had taken when it ended a handshake",
        measured: largest(taken),
        most: BEFORE_READY_SIZE_MAX,
      },
      {
        what: "bytes that it read in all, those included that it threw away while it hung up",
        measured: inAll,
        most: BEFORE_READY_SIZE_MAX + DRAIN_SIZE_MAX,
      },
      connectionsOfSender(connections),
    ]);
  });
}

const BOUNDED = "Strangers cost bounded memory, time and work, and keep nobody out";

/** See the module's text. */
export const STRANGER_ATTACKS: readonly Attack[] = [
  {
    name: "oversize",
    protocol: "stx",
    by: "stranger",
    goal: "An end makes room, or waits, for megabytes that somebody has only announced.",
    does:
      "Sends headers that announce a frame of up to 16 MiB or a record of up to 4 GiB, and then bytes without end: in " +
      "place of HELLO, in place of VERIFY, and as a sender that was let in. On the path, puts such a size into a " +
      "header that passes.",
    why:
      "A size stands in the first bytes and is compared with its limit before anything is kept for it. The connection " +
      "ends there; where somebody on the path did it, the sender opens another one and goes on.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    onPath: (seeded) => once(oversize(seeded)),
    play: playOversize,
  },
  {
    name: "garbage",
    protocol: "stx",
    by: "stranger",
    goal: "An end crashes, hangs or takes something for a message that is none.",
    does:
      "Sends random bytes, in pieces of any size, in place of HELLO. On the path, puts random bytes in the place of " +
      "one message of either end.",
    why:
      "Random bytes have no frame's type and no record's size, so they are refused as soon as their first bytes are " +
      "there, all with the same answer. Where they hit an open session, the sender opens another one and goes on.",
    promises: [BOUNDED, "Noise is no attack, and an attack is no noise"],
    expected: { kind: "bounded" },
    defences: [],
    onPath: (seeded) => once(garbage(seeded)),
    play: playGarbage,
  },
  {
    name: "early-flood",
    protocol: "stx",
    by: "stranger",
    goal: "The receiver's memory fills up before anybody has proved anything.",
    does:
      "Pours out bytes without end, and never waits for an answer: behind the header of a HELLO or a VERIFY, or behind " +
      "a whole VERIFY of a key that nobody knows.",
    why:
      "A handshake takes 16 KiB a frame and 304 KiB in all, and reads nothing more while it works on what is there. " +
      "What comes after its end is read for a moment, so that its last word is heard, and thrown away.",
    promises: [BOUNDED],
    expected: { kind: "bounded" },
    defences: [],
    play: playEarlyFlood,
  },
];
