/**
 * Attacks on the records of an open session of STX/1, by somebody who has no key and sees nothing but ciphertext.
 * @module
 */
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import { inject } from "../../../lib/attacks/transforms/ciphertexts.ts";
import { drop, reflect, reorder, replay, splice, truncate } from "../../../lib/attacks/transforms/records.ts";
import { tamper } from "../../../lib/attacks/transforms/tamper.ts";
import { type Bytes, equal, utf8 } from "../../../lib/bytes/bytes.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { BLOCK_SIZE_MIN } from "../../../lib/limits.ts";
import { systemClock } from "../../../lib/net/tcp.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { FILE_NAME, type StxWorld, withStxWorld } from "../stx_world.ts";

type OnPath = NonNullable<Attack["onPath"]>;

/** One transfer with an attacker on the path, who wants another file in place than the one that was sent. */
async function playForgery(stage: Stage, onPath: OnPath): Promise<Played> {
  return await withStxWorld(stage, { attacker: onPath(stage.seeded) }, async (world) => {
    await world.send();
    return await judgeForgery(world);
  });
}

/** The same with a stream whose size nobody knows beforehand, as from a pipe: the receiver learns it at the end. */
async function playStreamForgery(stage: Stage, onPath: OnPath): Promise<Played> {
  return await withStxWorld(stage, { attacker: onPath(stage.seeded) }, async (world) => {
    const source = stdinSource(ReadableStream.from([world.content]), FILE_NAME, systemClock);
    await world.send({ source, manifest: makeManifest(source.entries, false) });
    source.close();
    return await judgeForgery(world);
  });
}

async function judgeForgery(world: StxWorld): Promise<Played> {
  await world.settle();
  return world.played(
    world.isForged,
    world.isForged ? "the file in place is not the one that was sent" : "no other file is in place",
  );
}

/** A message of the client's comes back to the client. */
async function playReflection(stage: Stage): Promise<Played> {
  return await withStxWorld(stage, { attacker: () => reflect() }, async (world) => {
    await world.send();
    await world.settle();
    // It says so when it has opened the record and found an OFFER, which no receiver sends.
    const hasOpened = world.wires.errors.client?.message.includes("Cannot accept offer") === true;
    return world.played(
      hasOpened,
      hasOpened
        ? "the sender has opened its own OFFER as a message of the receiver's"
        : "the sender has opened no message of its own",
    );
  });
}

/** What the attacker wants to have said. */
const FORGED_TEXT: Bytes = new Uint8Array(BLOCK_SIZE_MIN).fill(utf8("!")[0]!);

/** The attacker knows what the first block holds, and writes a later one itself. */
async function playInjection(stage: Stage): Promise<Played> {
  const { seeded } = stage;
  let world: StxWorld | undefined;
  const attacker = () => inject(seeded, world!.content.slice(0, BLOCK_SIZE_MIN), FORGED_TEXT);
  return await withStxWorld(stage, { attacker }, async (made) => {
    world = made;
    await world.send();
    await world.settle();
    const inPlace = readOrNothing(`${world.inbox}/${FILE_NAME}`);
    const hasSucceeded = blocksOf(inPlace).some((block) => equal(block, FORGED_TEXT));
    return world.played(
      hasSucceeded,
      hasSucceeded ? "a block of the attacker's own is in place" : "nothing of the attacker's is in place",
    );
  });
}

/** Two files of the same size, sent one after the other; a block of the first is put into the second. */
async function playSplice(stage: Stage): Promise<Played> {
  const attacker = splice(stage.seeded);
  return await withStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.settle();
    const content = stage.seeded.bytes(world.content.length);
    Deno.writeFileSync(`${world.outbox}/second.bin`, content);
    const source = openSource([`${world.outbox}/second.bin`], { followLinks: false, onWarning: () => {} });
    try {
      await world.send({ source, manifest: makeManifest(source.entries, true) });
    } finally {
      source.close();
    }
    await world.settle();
    const inPlace = readOrNothing(`${world.inbox}/second.bin`);
    const hasSucceeded = inPlace.length > 0 && !equal(inPlace, content);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the second file in place holds a block of the first one"
        : "nothing of the first session is in the second file",
    );
  });
}

function readOrNothing(path: string): Bytes {
  try {
    return Deno.readFileSync(path);
  } catch {
    return new Uint8Array(0);
  }
}

function blocksOf(content: Bytes): readonly Bytes[] {
  const count = Math.ceil(content.length / BLOCK_SIZE_MIN);
  return Array.from({ length: count }, (_, i) => content.slice(i * BLOCK_SIZE_MIN, (i + 1) * BLOCK_SIZE_MIN));
}

const WRONG_TAG = {
  kind: "stopped",
  at: "server",
  code: "bad_record",
  during: "authentication tag",
} as const;
const WRONG_NUMBER = {
  kind: "stopped",
  at: "server",
  code: "bad_sequence",
  during: "expected record",
} as const;
const NO_REPLAY = "No replay of a message, a record, a direction, a handshake or a session";
const NOTHING_CHANGED = "Nothing is accepted that was changed";
const EXACTLY = "A file in place is exactly the sender's, all of a transfer or nothing";

const onTamper: OnPath = (seeded) => () => tamper(seeded);
const onReplay: OnPath = (seeded) => () => replay(seeded);
const onDrop: OnPath = (seeded) => () => drop(seeded);
const onReorder: OnPath = (seeded) => () => reorder(seeded);
const onTruncate: OnPath = (seeded) => () => truncate(seeded);

/** See the module's text. */
export const RECORD_ATTACKS: readonly Attack[] = [
  {
    name: "tamper",
    protocol: "stx",
    by: "path",
    goal: "A file arrives that differs from the one that was sent.",
    does:
      "Changes one byte of a block on its way and makes the record's CRC-32 right again, which needs no key.",
    why:
      "The CRC is there for noise alone. Each record also ends in a tag that only somebody with the session's key can " +
      "make, so the receiver opens nothing of it.",
    promises: [NOTHING_CHANGED, "Noise is no attack, and an attack is no noise"],
    expected: WRONG_TAG,
    defences: ["record tag", "stream checksum"],
    onPath: onTamper,
    play: (stage) => playForgery(stage, onTamper),
  },
  {
    name: "replay",
    protocol: "stx",
    by: "path",
    goal: "A stream arrives in which one block stands twice.",
    does: "Sends the record of one block a second time, right behind the first.",
    why:
      "Every record has a number, and a record is taken only if it has the next one. Behind that, every block has its " +
      "place in the stream, and the sender says at the end how many bytes and blocks there were, and their checksum.",
    promises: [NO_REPLAY, EXACTLY],
    expected: WRONG_NUMBER,
    defences: ["record sequence", "block index", "stream totals", "stream checksum"],
    onPath: onReplay,
    play: (stage) => playStreamForgery(stage, onReplay),
  },
  {
    name: "drop",
    protocol: "stx",
    by: "path",
    goal: "A stream arrives in which one block is missing.",
    does: "Lets the record of one block vanish, and everything behind it pass.",
    why:
      "The record behind the missing one does not have the next number. Behind that, the block in it does not have the " +
      "next place, and bytes, blocks and checksum are not those that the sender gives at the end.",
    promises: [NO_REPLAY, EXACTLY],
    expected: WRONG_NUMBER,
    defences: ["record sequence", "block index", "stream totals", "stream checksum"],
    onPath: onDrop,
    play: (stage) => playStreamForgery(stage, onDrop),
  },
  {
    name: "reorder",
    protocol: "stx",
    by: "path",
    goal: "A file arrives in which two blocks have changed places.",
    does: "Holds back the record of one block until the next one has passed.",
    why:
      "The record that comes first does not have the next number, nor the block in it the next place, and the file's " +
      "checksum would be another.",
    promises: [NO_REPLAY, EXACTLY],
    expected: WRONG_NUMBER,
    defences: ["record sequence", "block index", "stream checksum"],
    onPath: onReorder,
    play: (stage) => playForgery(stage, onReorder),
  },
  {
    name: "reflect",
    protocol: "stx",
    by: "path",
    goal: "An end takes its own message for its peer's.",
    does: "Sends the sender's own first record back to it, in place of the receiver's first one.",
    why:
      "Both have the same number, and the tag is right; but each direction has a key of its own, and with the receiver's " +
      "key the sender cannot open what it has sealed with its own.",
    promises: [NO_REPLAY, "No misbinding and no reflection"],
    expected: { kind: "stopped", at: "client", code: "bad_record", during: "authentication tag" },
    defences: ["a key for each direction"],
    onPath: () => () => reflect(),
    play: playReflection,
  },
  {
    name: "truncate",
    protocol: "stx",
    by: "path",
    goal: "The beginning of a stream is taken for all of it.",
    does: "Ends the connection properly after some blocks, exactly as if the sender had finished.",
    why:
      "The end of a TCP connection can be made by anybody. A session ends with the record CLOSE, and a stream with the " +
      "message END, which says how much there was, with its checksum. Without them it was a cut.",
    promises: [EXACTLY, NOTHING_CHANGED],
    expected: { kind: "stopped", at: "server", code: "connection_lost", during: "The connection was cut" },
    defences: ["the end needs CLOSE", "the stream needs END", "stream totals", "stream checksum"],
    onPath: onTruncate,
    play: (stage) => playStreamForgery(stage, onTruncate),
  },
  {
    name: "inject",
    protocol: "stx",
    by: "path",
    goal: "A block that the attacker has written itself is in the file.",
    does:
      "Knows what the first block holds, as one knows the beginning of many files, and so what it was encrypted with: " +
      "plaintext and ciphertext differ by just that. Encrypts a block of its own with it, in place of a later one.",
    why:
      "Each record's number goes into its encryption, so what fits the first block fits no other. Nor can the attacker " +
      "make the tag.",
    promises: [
      NOTHING_CHANGED,
      "Everything after WELCOME's clear part is confidential: names, sizes, times and counts too",
    ],
    expected: WRONG_TAG,
    defences: ["record tag", "a nonce for each record", "stream checksum"],
    onPath: (seeded: Seeded) => () => inject(seeded, new Uint8Array(BLOCK_SIZE_MIN), FORGED_TEXT),
    play: playInjection,
  },
  {
    name: "splice",
    protocol: "stx",
    by: "path",
    goal: "A block of one session is in the file of another one.",
    does:
      "Keeps the record of one block of a first transfer, and puts it in place of the record with the same number in the " +
      "next transfer.",
    why:
      "The number is the right one, and so is the tag for the session that it was made in. But every session has secrets " +
      "of its own, and under those of the second one the tag is wrong.",
    promises: [NO_REPLAY, NOTHING_CHANGED],
    expected: WRONG_TAG,
    defences: ["secrets of its own for each session", "stream checksum"],
    onPath: splice,
    play: playSplice,
  },
];
