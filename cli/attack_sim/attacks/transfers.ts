/**
 * Attacks on a transfer by its own sender or another one, whose keys are good, and what disks do by themselves.
 * @module
 */
import { type Bytes, equal } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { BLOCK_SIZE_MIN } from "../../../lib/limits.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import type { ReceiverEvent } from "../../../lib/transfer/receiver_options.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { entryOf, goneAway, RogueSender } from "../rogue_sender.ts";
import { FILE_NAME, newIdentity, type StxWorld, type StxWorldOptions, withStxWorld } from "../stx_world.ts";

const INTACT = "A file in place is exactly the sender's, all of a transfer or nothing";
const SIZES = "A sender puts no more on the receiver's disk than its user allows";
const RECEIPT = "Exit 0 of a sender means that the receiver has signed for it";

/** A receiver whose line is cut when so many bytes have come, the first time. */
function cutOnce(atBytes: number): (event: ReceiverEvent) => void {
  let isCut = false;
  return (event) => {
    if (isCut || event.kind !== "received" || event.bytes < atBytes) return;
    isCut = true;
    throw new StxError("connection_lost", "The line is cut in the middle of the transfer");
  };
}

/** The file that waits in a receiving folder's private one; `undefined` where there is none. */
function waiting(inbox: string): string | undefined {
  const partial = `${inbox}/.stx-partial`;
  if (!exists(partial)) return undefined;
  const paths = [...Deno.readDirSync(partial)].map(({ name }) => `${partial}/${name}/data/${FILE_NAME}`);
  return paths.find(exists);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Changes one bit of a file. */
function flipBit(path: string, at: number, bit: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at]! ^= 1 << bit;
  Deno.writeFileSync(path, bytes);
}

/** Bytes of all files below a folder. */
function sizeBelow(folder: string): number {
  let size = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    size += isDirectory ? sizeBelow(path) : Deno.lstatSync(path).size;
  }
  return size;
}

/** A sender that wants more bytes on the receiver's disk than its user allows, which is two blocks. */
async function playGreedy(
  stage: Stage,
  send: (rogue: RogueSender, content: Bytes) => Promise<unknown>,
): Promise<Played> {
  const most = 2 * BLOCK_SIZE_MIN;
  const content = stage.seeded.bytes((3 + stage.seeded.below(6)) * BLOCK_SIZE_MIN);
  const options: StxWorldOptions = {
    receiver: { maxSizeBytes: most },
    send: async (channel, options) => {
      await send(new RogueSender(channel, options), content);
      throw goneAway();
    },
  };
  return await withStxWorld(stage, options, async (world) => {
    await world.send();
    await world.settle();
    const size = sizeBelow(world.inbox);
    return world.played(size > most, `${size} bytes lie on the receiver's disk, ${most} are allowed`);
  });
}

/** Options that an attack changes while it goes on. */
type Changing = { -readonly [Name in keyof StxWorldOptions]: StxWorldOptions[Name] };

/**
 * What another sender, who is authorized too and has the same file, does to a transfer that the first one has left
 * unfinished: it offers that very transfer. Succeeds if what had arrived is gone.
 */
async function playOther(stage: Stage, isPiped: boolean): Promise<Played> {
  const options: Changing = {
    server: { authorize: () => {} },
    receiver: { onEvent: cutOnce((2 + stage.seeded.below(3)) * BLOCK_SIZE_MIN) },
  };
  return await withStxWorld(stage, options, async (world) => {
    await world.send();
    await world.settle();
    const before = Deno.readFileSync(waiting(world.inbox)!);
    // The cut was nobody's doing.
    delete world.wires.errors.client;
    delete world.wires.errors.server;
    options.client = { identity: await newIdentity(stage) };
    options.send = async (channel, senderOptions) => {
      const rogue = new RogueSender(channel, senderOptions);
      const { manifest } = senderOptions;
      const offer = rogue.offerOf(manifest, world.sender.publicKey);
      if (isPiped) {
        const piped = makeManifest([entryOf(FILE_NAME, 0)], false);
        await rogue.begin({ ...offer, sizeBytes: null, manifestDigest: piped.digest }, piped);
      } else await rogue.begin(offer, manifest);
      throw goneAway();
    };
    await world.send();
    await world.settle();
    const path = waiting(world.inbox);
    const isGone = path === undefined || !equal(Deno.readFileSync(path), before);
    delete options.client;
    delete options.send;
    await world.send();
    await world.settle();
    return world.played(
      isGone,
      isGone
        ? "what had arrived of the first sender's file is gone"
        : "what had arrived of the first sender's file is still there",
    );
  });
}

/**
 * A file is cut off, something happens to what has arrived of it, and it is sent again. Succeeds if the sender believes
 * that another file than its own has arrived.
 */
async function playChangedPartial(stage: Stage): Promise<Played> {
  const blocks = 2 + stage.seeded.below(3);
  const receiver = { onEvent: cutOnce(blocks * BLOCK_SIZE_MIN) };
  return await withStxWorld(stage, { receiver }, async (world) => {
    await world.send();
    await world.settle();
    flipBit(waiting(world.inbox)!, stage.seeded.below((blocks - 1) * BLOCK_SIZE_MIN), stage.seeded.below(8));
    const isBelieved = await world.send() !== undefined;
    await world.settle();
    return judgeBelief(world, isBelieved);
  });
}

/** A file is sent with `--verify`, and the disk changes a bit of it before it is put in place. */
async function playFailingDisk(stage: Stage): Promise<Played> {
  const { seeded, folder } = stage;
  const onEvent = ({ kind }: ReceiverEvent) => {
    if (kind !== "finishing") return;
    flipBit(waiting(`${folder}/inbox`)!, seeded.below(BLOCK_SIZE_MIN), seeded.below(8));
  };
  return await withStxWorld(
    stage,
    { receiver: { onEvent }, sender: { withDigests: true } },
    async (world) => {
      const isBelieved = await world.send() !== undefined;
      await world.settle();
      return judgeBelief(world, isBelieved);
    },
  );
}

function judgeBelief(world: StxWorld, isBelieved: boolean): Played {
  const hasSucceeded = isBelieved && world.isForged;
  return world.played(
    hasSucceeded,
    hasSucceeded
      ? "the sender ends with exit 0, and the file in place is not the one that it sent"
      : "no other file is believed to be the sender's",
  );
}

/** See the module's text. */
export const TRANSFER_ATTACKS: readonly Attack[] = [
  {
    name: "false-prefix-digest",
    protocol: "stx",
    by: "line",
    goal:
      "A transfer is continued behind a beginning that has changed, and the sender believes it arrived whole.",
    does:
      "The connection is cut in the middle of a file. Before the sender comes again, one bit of what has " +
      "arrived changes on the receiver's disk.",
    why:
      "The receiver reads back what it has and sends its SHA-256. The sender compares that with its own file, and " +
      "begins anew. Had it not, the checksum over the whole would not fit.",
    promises: [INTACT],
    expected: { kind: "survived" },
    defences: ["prefix digest", "stream checksum"],
    play: playChangedPartial,
  },
  {
    name: "failing-disk",
    protocol: "stx",
    by: "line",
    goal: "The receiver's disk changes what was written, and the sender believes that it arrived.",
    does: "The sender asks for every file to be verified. When all of it has come, one bit changes on the " +
      "receiver's disk.",
    why:
      "The receiver reads each file back and compares its SHA-256 with the sender's. Had it not, it would sign " +
      "for another hash than the sender expects.",
    promises: [INTACT, RECEIPT],
    expected: { kind: "stopped", at: "server", code: "digest_mismatch", during: "does not read back" },
    defences: ["read back", "receipt signature"],
    play: playFailingDisk,
  },
  {
    name: "other-senders-transfer",
    protocol: "stx",
    by: "sender",
    goal: "What one sender has left unfinished at the receiver is removed by another sender.",
    does:
      "Another authorized sender, which has the same file, offers it under the name of the first one's transfer.",
    why:
      "That name is a hash over the sender's key, so the receiver sees that it is not the second one's to use. And " +
      "it keeps each sender's transfers apart, whatever they are called.",
    promises: ["One sender's transfers are nothing to another"],
    expected: { kind: "stopped", at: "server", code: "bad_transfer_id", during: "does not follow" },
    defences: ["transfer id", "transfers by sender"],
    play: (stage) => playOther(stage, false),
  },
  {
    name: "other-senders-pipe",
    protocol: "stx",
    by: "sender",
    goal: "What one sender has left unfinished at the receiver is removed by another sender.",
    does:
      "Another authorized sender says that it sends from a pipe, whose size nobody knows. Such a transfer's name " +
      "is free to choose, and it chooses that of the first one's transfer.",
    why:
      "The receiver keeps a transfer under a hash of its name and of the sender's key: the second sender gets a " +
      "place of its own.",
    promises: ["One sender's transfers are nothing to another"],
    expected: { kind: "survived" },
    defences: ["transfers by sender"],
    play: (stage) => playOther(stage, true),
  },
  {
    name: "oversized-transfer",
    protocol: "stx",
    by: "sender",
    goal: "More bytes lie on the receiver's disk than its user allows with --max-size.",
    does: "Offers a small transfer, names a larger file in the list, and sends all of that.",
    why:
      "The sizes in the list must add up to the offer. No block is taken behind the offered size, and before " +
      "every block the user's limit is asked once more.",
    promises: [SIZES],
    expected: { kind: "stopped", at: "server", code: "bad_manifest", during: "do not add up" },
    defences: ["manifest sizes", "block index", "size limit"],
    play: (stage) =>
      playGreedy(stage, async (rogue, content) => {
        const manifest = makeManifest([entryOf(FILE_NAME, content.length)], true);
        const sizeBytes = (1 + stage.seeded.below(2)) * BLOCK_SIZE_MIN;
        await rogue.begin({ ...rogue.offerOf(manifest), sizeBytes }, manifest);
        await rogue.blocks(content);
        await rogue.end();
      }),
  },
  {
    name: "endless-pipe",
    protocol: "stx",
    by: "sender",
    goal: "More bytes lie on the receiver's disk than its user allows with --max-size.",
    does: "Says that it sends from a pipe, whose size nobody knows, and does not stop at the limit.",
    why: "Before every block that is written, the receiver adds up what has come.",
    promises: [SIZES],
    expected: { kind: "stopped", at: "server", code: "too_large", during: "this receiver takes at most" },
    defences: ["size limit"],
    play: (stage) =>
      playGreedy(stage, async (rogue, content) => {
        const manifest = makeManifest([entryOf(FILE_NAME, 0)], false);
        await rogue.begin({ ...rogue.offerOf(manifest), transferId: stage.seeded.bytes(32) }, manifest);
        await rogue.blocks(content);
        await rogue.end();
      }),
  },
];
