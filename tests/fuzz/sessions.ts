/**
 * Fuzzes whole sessions: the real ends, handshake to receipt, on a line in memory that changes what goes over it, or
 * with one end that is who it says it is and sends whatever it likes.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, concat, equal } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { codeOf } from "../../lib/errors.ts";
import { openSource } from "../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../lib/files/receiving_folder.ts";
import type { Channel } from "../../lib/net/channel.ts";
import { connect } from "../../lib/net/client.ts";
import { accept } from "../../lib/net/server.ts";
import { receive, send } from "../../lib/net/transfers.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../lib/transfer/active_transfers.ts";
import { makeManifest, transferIdOf } from "../../lib/transfer/manifest.ts";
import { crc32 } from "../../lib/bytes/crc32.ts";
import { u64 } from "../../lib/wire/fields.ts";
import { StxUnits } from "../../lib/attacks/stx_units.ts";
import { CODECS } from "../unit/wire/codecs.ts";
import { CLIENT, RECEIVER, SENDER, serverOptions } from "../unit/net/meeting.ts";
import {
  encodeAccept,
  encodeDone,
  encodeEnd,
  encodeOffer,
  encodeOffset,
  MESSAGE_TYPES,
  type MessageType,
} from "../../lib/wire/message.ts";
import { memoryLine } from "../support/memory_duplex.ts";
import { cryptoSettled } from "../support/settled_crypto.ts";
import { tree, type TreeItem } from "../support/tree.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { Dice } from "./dice.ts";
import { spoiler } from "./spoil.ts";
import { mutate } from "./mutation.ts";

const BLOCK_SIZE = 16 * 1024;
/** Virtual milliseconds after which an attempt that is not over hangs: every timeout of a session, twice. */
const OVER_AFTER_MS = 600_000;
/** Milliseconds that pass at once. */
const STEP_MS = 2_000;

/** Who does what in one run. */
export const PLAYS = ["line", "line units", "rogue sender", "rogue receiver"] as const;
/** One of them. */
export type Play = typeof PLAYS[number];

/** What the files are that are sent: one that takes two blocks and an odd rest, a small one, an empty one. */
const FILES: Readonly<Record<string, number>> = {
  "docs/a.bin": 2 * BLOCK_SIZE + 77,
  "docs/b.txt": 5,
  "docs/empty": 0,
};

type Result = PromiseSettledResult<unknown>;

/** Folders, a receiver's memory, and what must not change. */
class World {
  readonly #dice: Dice;
  readonly #folder: string;
  readonly clock = new VirtualClock();
  readonly #store = new MemoryTransferStore();
  readonly #active = new ActiveTransfers();
  readonly #guard = new HelloGuard();
  readonly #nonces = new MemoryNonceStore();
  readonly #outside: readonly TreeItem[];

  constructor(dice: Dice, folder: string) {
    this.#dice = dice;
    this.#folder = folder;
    for (const name of ["inbox", "outbox/docs", "outside/.ssh"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    for (const [name, size] of Object.entries(FILES)) {
      Deno.writeFileSync(`${folder}/outbox/${name}`, dice.bytes(size));
    }
    Deno.writeTextFileSync(`${folder}/outside/.ssh/authorized_keys`, "mine");
    Deno.writeTextFileSync(`${folder}/inbox/mine`, "mine");
    this.#outside = this.#allOutside();
  }

  /** Everything but the receiving folder. */
  #allOutside(): readonly TreeItem[] {
    return [...tree(`${this.#folder}/outside`), ...tree(`${this.#folder}/outbox`)]
      .concat(tree(this.#folder).filter(({ path }) => !path.startsWith("/inbox/") && path !== "/inbox"));
  }

  get #inbox(): string {
    return `${this.#folder}/inbox`;
  }

  async #send(channel: Promise<Channel>): Promise<unknown> {
    const source = openSource([`${this.#folder}/outbox/docs`], {
      followLinks: false,
      onWarning: assert.fail,
    });
    try {
      return await send(await channel, {
        identity: SENDER.publicKey,
        manifest: makeManifest(source.entries, true),
        source,
        blockSizeBytes: BLOCK_SIZE,
        withDigests: this.#dice.oneIn(2),
        clock: this.clock,
      });
    } finally {
      source.close();
    }
  }

  async #receive(channel: Promise<Channel>): Promise<unknown> {
    return await receive(await channel, {
      identity: RECEIVER,
      clock: this.clock,
      store: this.#store,
      folder: openReceivingFolder(this.#inbox),
      folderPath: this.#inbox,
      active: this.#active,
      maxSizeBytes: 10_000_000,
    });
  }

  /** One connection; resolves to what came of the sender and of the receiver. */
  async attempt(play: Play | "honest"): Promise<readonly [Result, Result]> {
    const dice = this.#dice;
    const [left, right] = memoryLine({ readSizeMax: dice.pick([1 << 20, 1000, 7]) });
    if (play === "line" || play === "line units") {
      const isWhole = play === "line units";
      if (!dice.oneIn(3)) {
        left.tap = spoiler(dice, isWhole ? new StxUnits("client") : undefined, () => left.cut());
      }
      if (!dice.oneIn(3)) {
        right.tap = spoiler(dice, isWhole ? new StxUnits("server") : undefined, () => left.cut());
      }
    }
    const options = { ...serverOptions(), guard: this.#guard, nonces: this.#nonces };
    const client = connect(left, CLIENT, this.clock);
    const server = accept(right, options, this.clock);
    let isOver = false;
    const both = Promise.allSettled([
      play === "rogue sender" ? ramble(dice, client, play, this.clock) : this.#send(client),
      play === "rogue receiver" ? ramble(dice, server, play, this.clock) : this.#receive(server),
    ]);
    both.then(() => isOver = true);
    for (let passedMs = 0; !isOver; passedMs += STEP_MS) {
      assert.ok(passedMs < OVER_AFTER_MS, "the ends do not end");
      for (let calm = 0, before = ""; calm < 3 && !isOver;) {
        await cryptoSettled();
        const state =
          `${left.writtenSizeBytes} ${right.writtenSizeBytes} ${left.waitingSizeBytes} ${right.waitingSizeBytes}`;
        calm = state === before ? calm + 1 : 0;
        before = state;
      }
      // While the disk is at work no time passes: it would be much too long for what the disk does.
      if (!isOver) this.clock.advance(STEP_MS);
    }
    assert.ok(left.isClosed && right.isClosed, "a line was left open");
    assert.equal(this.clock.pendingCount, 0, "a timer was forgotten");
    return await both;
  }

  /** Nothing is outside that was not there, and in the folder nothing but what was sent, whole. */
  assertSound(play: Play | "honest"): void {
    assert.deepEqual(this.#allOutside(), this.#outside, "something outside the folder has changed");
    assert.equal(Deno.readTextFileSync(`${this.#inbox}/mine`), "mine", "a file that was there has changed");
    const sent = new Map(tree(`${this.#folder}/outbox/docs`).map((item) => [`/docs${item.path}`, item]));
    for (const item of tree(this.#inbox)) {
      if (item.path === "" || item.path === "/mine" || item.path.startsWith("/.stx-partial")) continue;
      assert.notEqual(item.kind, "symlink");
      assert.equal(item.mode & 0o7000, 0, "a file has bits that were not asked for");
      // Who is authorized may send other files than those here, and does if it is a rogue.
      if (play === "rogue sender") continue;
      const original = sent.get(item.path);
      assert.ok(original !== undefined, `${item.path} was never sent`);
      assert.equal(item.sha256, original.sha256, `${item.path} is not what was sent`);
    }
  }

  /** Whether all that was sent is in place. */
  get isInPlace(): boolean {
    return Object.keys(FILES).every((name) => {
      try {
        return equal(
          Deno.readFileSync(`${this.#inbox}/${name}`),
          Deno.readFileSync(`${this.#folder}/outbox/${name}`),
        );
      } catch {
        return false;
      }
    });
  }

  /** Removes what a rogue has put in place, so that there is room for what comes. */
  clear(): void {
    for (const { name } of [...Deno.readDirSync(this.#inbox)]) {
      if (name !== "mine" && name !== ".stx-partial") {
        Deno.removeSync(`${this.#inbox}/${name}`, { recursive: true });
      }
    }
  }
}

const TYPES = Object.keys(MESSAGE_TYPES) as MessageType[];
const BODIES = new Map<string, Bytes[]>(CODECS.map(({ name, encode, values }) => {
  return [name.toLowerCase(), values.map((value) => encode(value as never))];
}));

/** What an honest end would say, in order; with whether it waits for an answer before it goes on. */
type Script = readonly (readonly [MessageType, Bytes, MessageType?])[];

const PATHS = [
  "file",
  "../outside/x",
  "../../outside/.ssh/authorized_keys",
  ".ssh",
  "mine",
  "x\u001b[2J",
  "/tmp/x",
];

/** A whole transfer of one file, whose name may be one that no receiver takes. */
function senderScript(dice: Dice, receiver: Bytes): Script {
  const content = dice.bytes(dice.size(3 * BLOCK_SIZE));
  const path = dice.oneIn(2) ? "file" : dice.pick(PATHS);
  const file = { path, kind: "file", sizeBytes: content.length, mtimeMs: 0, mode: 0o755 } as const;
  const manifest = makeManifest([file], true);
  const offer = encodeOffer({
    transferId: transferIdOf(SENDER.publicKey, receiver, BLOCK_SIZE, manifest.digest),
    sizeBytes: manifest.sizeBytes,
    entryCount: 1,
    blockSizeBytes: BLOCK_SIZE,
    manifestDigest: manifest.digest,
    withDigests: false,
    isRepeated: dice.oneIn(4),
  });
  const blocks: [MessageType, Bytes][] = [];
  for (let at = 0; at < content.length; at += BLOCK_SIZE) {
    blocks.push(["data", concat(u64(blocks.length), content.subarray(at, at + BLOCK_SIZE))]);
  }
  const end = encodeEnd({ sizeBytes: content.length, blockCount: blocks.length, crc32: crc32(content) });
  return [
    ["offer", offer],
    ["manifest", concat(...manifest.bodies), "accept"],
    ["start", encodeOffset(0)],
    ...blocks,
    ["end", end, "done"],
  ];
}

/** The answers to a transfer of which nothing is there, and a receipt that nobody has signed. */
function receiverScript(dice: Dice, sessionId: Bytes, nowMs: number): Script {
  const sizeBytes = Object.values(FILES).reduce((sum, size) => sum + size, 0);
  const done = {
    finishedMs: nowMs,
    sizeBytes,
    sessionId,
    withDigests: dice.oneIn(2),
    signature: dice.bytes(83),
  };
  return [
    ...(dice.oneIn(3) ? [["wantManifest", new Uint8Array(0), "manifest"]] as const : []),
    ["accept", encodeAccept({ offsetBytes: 0, sha256: sha256() }), "data"],
    ["durable", encodeOffset(dice.pick([BLOCK_SIZE, sizeBytes, sizeBytes + 1])), "end"],
    ["done", encodeDone(done)],
  ];
}

/** Speaks the protocol with the right keys, and says whatever comes to mind, some of it right or nearly so. */
async function ramble(
  dice: Dice,
  opening: Promise<Channel>,
  play: Play,
  clock: VirtualClock,
): Promise<never> {
  const channel = await opening;
  const script = play === "rogue sender"
    ? senderScript(dice, channel.peerIdentity)
    : receiverScript(dice, channel.sessionId, clock.nowMs());
  /** It says what it should not once in so many messages. */
  const sobriety = dice.pick([1, 3, 10, 40]);
  const heard = new Set<MessageType>();
  let hasEnded = false;
  const listening = (async () => {
    while (!hasEnded) heard.add((await channel.receive()).type);
  })().catch(() => hasEnded = true);
  try {
    for (let at = 0, count = dice.size(60); count > 0 && !hasEnded; count--) {
      const [type, body, answer] = script[Math.min(at, script.length - 1)]!;
      if (dice.oneIn(sobriety)) {
        const [strange, strangeBody] = strangeMessage(dice, script);
        channel.send(strange, strangeBody);
      } else if (at < script.length) {
        channel.send(type, body);
        at++;
        for (let turns = 0; answer !== undefined && !heard.has(answer) && turns < 50 && !hasEnded; turns++) {
          await cryptoSettled();
        }
      }
      if (dice.oneIn(3)) await cryptoSettled();
    }
    if (dice.oneIn(2)) await channel.close();
    else await channel.abort(dice.pick(["badRecord", "closing", "superseded", "protocolError"]));
  } catch (error) {
    // The peer has had enough, or this end's own limits say no.
    if (codeOf(error) === undefined) throw error;
    await channel.closeFor(error);
  } finally {
    hasEnded = true;
    await listening;
  }
  throw new Rambled();
}

/** How the run of a rogue ends, whatever it has come to. */
class Rambled extends Error {}

function strangeMessage(dice: Dice, script: Script): readonly [MessageType, Bytes] {
  const seeds = script.map(([, body]) => body);
  const type = dice.pick(TYPES);
  const [scripted, body] = dice.pick(script);
  switch (dice.below(4)) {
    case 0:
      return [scripted, body];
    case 1:
      return [type, mutate(dice, dice.pick(BODIES.get(type) ?? seeds), seeds, [])];
    case 2:
      return [type, dice.bytes(dice.size(200))];
    default:
      return [scripted, mutate(dice, body, seeds, [])];
  }
}

/** Whether something failed in a way that is nobody's to expect. */
function assertExpected(results: readonly Result[], play: string): void {
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    if (!(result.reason instanceof Rambled) && codeOf(result.reason) === undefined) throw result.reason;
  }
  if (play === "rogue receiver") {
    assert.equal(results[0]!.status, "rejected", "a receipt was taken that nobody signed");
  }
}

/**
 * One run: a few bad connections, and then a good one, which must put everything in place however bad the others were.
 * Throws for what must not be.
 */
export async function playSession(seed: number, folder: string): Promise<Play> {
  const dice = new Dice(seed);
  const play = dice.pick(PLAYS);
  const world = new World(dice, folder);
  for (let attempts = 1 + dice.below(2); attempts > 0; attempts--) {
    const results = await world.attempt(play);
    assertExpected(results, play);
    world.assertSound(play);
    if (results[0].status === "fulfilled") {
      assert.ok(world.isInPlace, "the sender has a receipt for what is not in place");
    }
  }
  if (play === "rogue sender") world.clear();
  if (world.isInPlace) return play;
  const results = await world.attempt("honest");
  for (const result of results) if (result.status === "rejected") throw result.reason;
  world.assertSound("honest");
  assert.ok(world.isInPlace);
  return play;
}
