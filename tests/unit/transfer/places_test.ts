/** What a sender cannot take for ever from a receiver that has let it in: time, memory, and folders on its disk. */
import assert from "node:assert/strict";
import { concat } from "../../../lib/bytes/bytes.ts";
import { ManifestBudget } from "../../../lib/transfer/manifest_budget.ts";
import { makeManifest, type Manifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import type { ReceiverOptions } from "../../../lib/transfer/receiver_options.ts";
import type { StoredTransfer } from "../../../lib/ports.ts";
import { u64 } from "../../../lib/wire/fields.ts";
import { encodeOffer, encodeOffset, type Offer } from "../../../lib/wire/message.ts";
import type { ChannelEnd } from "../../support/channel_pair.ts";
import { content, entry } from "../files/tree.ts";
import { assertDone, assertFailed, BLOCK, turn, withWorld, type World } from "./world.ts";

const MINUTE = 60_000;
const SIZE = 20 * BLOCK;
const MANIFEST = makeManifest([entry("file", SIZE)], true);
const STREAM = makeManifest([entry("file", 0)], false);

function offer(world: World, end: ChannelEnd, manifest: Manifest, changes: Partial<Offer> = {}): void {
  const { sender, receiver } = world;
  const given: Offer = {
    transferId: transferIdOf(sender.publicKey, receiver.publicKey, BLOCK, manifest.digest),
    sizeBytes: manifest.sizeBytes,
    entryCount: manifest.entries.length,
    blockSizeBytes: BLOCK,
    manifestDigest: manifest.digest,
    withDigests: false,
    isRepeated: false,
    ...changes,
  };
  end.send("offer", encodeOffer(given));
}

/** Resolves when whatever has come was taken, the files' own work included. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn();
}

/** A sender that stops somewhere, and is then only there; asserts when the receiver gives it up. */
async function stopsAt(
  how: (world: World, end: ChannelEnd) => Promise<void>,
  afterMs: number,
  message: RegExp,
  options: Partial<ReceiverOptions> = {},
): Promise<void> {
  await withWorld(async (world) => {
    const pair = world.pair({ windowMessages: 100 });
    let isOver = false;
    const received = world.receive(pair, options).finally(() => isOver = true);
    await how(world, pair.sender);
    await settle();
    world.clock.advance(afterMs - 1);
    await settle();
    assert.equal(isOver, false, "it is given up too early");
    world.clock.advance(1);
    assertFailed(await received, "connection_lost", message);
    assert.equal(world.clock.pendingCount, 0, "a timer was forgotten");
  });
}

Deno.test("a sender that offers and gives no names is given up after ten minutes", async () => {
  await stopsAt(
    async (world, end) => {
      offer(world, end, MANIFEST);
      await end.expect("wantManifest");
    },
    10 * MINUTE,
    /goes on with nothing/,
  );
});

Deno.test("a sender that does not say where it begins is given up after ten minutes", async () => {
  await stopsAt(
    async (world, end) => {
      offer(world, end, MANIFEST);
      await end.expect("wantManifest");
      end.send("manifest", MANIFEST.bodies[0]!);
      await end.expect("accept");
    },
    10 * MINUTE,
    /where it begins/,
  );
});

Deno.test("a sender that stops in the middle is given up after ten minutes, and every block begins them anew", async () => {
  await stopsAt(
    async (world, end) => {
      offer(world, end, MANIFEST);
      await end.expect("wantManifest");
      end.send("manifest", MANIFEST.bodies[0]!);
      await end.expect("accept");
      end.send("start", encodeOffset(0));
      for (let index = 0; index < 3; index++) {
        await settle();
        world.clock.advance(9 * MINUTE);
        end.send("data", concat(u64(index), content(BLOCK)));
      }
    },
    10 * MINUTE,
    /goes on with nothing/,
    // The world lets time pass with every block.
    { onEvent: () => {} },
  );
});

Deno.test("a stream may pause for a day", async () => {
  await stopsAt(
    async (world, end) => {
      offer(world, end, STREAM, { transferId: new Uint8Array(32).fill(9), sizeBytes: null });
      await end.expect("wantManifest");
      end.send("manifest", STREAM.bodies[0]!);
      await end.expect("accept");
      end.send("start", encodeOffset(0));
    },
    24 * 60 * MINUTE,
    /goes on with nothing/,
  );
});

Deno.test("a sender has the time that it takes to compare what the receiver has", async () => {
  await withWorld(async (world) => {
    world.fill({ file: 400 * BLOCK });
    const cut = await world.attempt({ pair: { cutAfter: 350 } });
    assertFailed(cut.received, "connection_lost");
    const kept = world.store.list("receiving")[0]!.transfer.durableBytes;
    assert.ok(kept > 5_000_000, `${kept}`);
    const pair = world.pair({ windowMessages: 100 });
    let isOver = false;
    const received = world.receive(pair).finally(() => isOver = true);
    offer(world, pair.sender, world.manifest());
    await pair.sender.expect("accept");
    await settle();
    world.clock.advance(10 * MINUTE + kept / 5_000 - 1);
    await settle();
    assert.equal(isOver, false);
    world.clock.advance(2);
    assertFailed(await received, "connection_lost", /where it begins/);
  });
});

Deno.test("a manifest is stopped where the memory ends, and not only when it is whole", async () => {
  await withWorld(async (world) => {
    const manifest = makeManifest([entry("a", 1), entry("b", 1)], true);
    const manifests = new ManifestBudget({ totalBytes: 200, senderBytes: 200, freeBytes: 0 });
    const pair = world.pair();
    const received = world.receive(pair, { manifests });
    offer(world, pair.sender, manifest);
    pair.sender.send("manifest", makeManifest([entry("a", 1)], true).bodies[0]!);
    assertFailed(await received, "busy");
  });
});

Deno.test("a thousand unfinished transfers of one sender are enough, until one of them is finished", async () => {
  await withWorld(async (world) => {
    const row: StoredTransfer = {
      state: "receiving",
      manifestDigest: new Uint8Array(32),
      manifestSizeBytes: 0,
      blockSizeBytes: BLOCK,
      durableBytes: 0,
      folder: world.inbox,
      placement: { topNames: {}, conflict: "refuse" },
      receipt: new Uint8Array(0),
      updatedMs: world.clock.nowMs(),
    };
    const idOf = (index: number) => concat(u64(index), new Uint8Array(24));
    world.fill({ file: 3 * BLOCK });
    const cut = await world.attempt({ pair: { cutAfter: 6 } });
    assertFailed(cut.received, "connection_lost");
    for (let index = 0; index < 999; index++) world.store.save(world.sender.publicKey, idOf(index), row);

    // What was begun before is continued; nothing new is begun.
    world.write("more", content(BLOCK));
    const refused = await world.attempt();
    assertFailed(refused.received, "too_large", /^1000 transfers of this sender are unfinished/);
    assertFailed(refused.sent, "rejected", /\(quota\): 1000 transfers .* sending the same files again/);
    Deno.removeSync(`${world.outbox}/more`);
    assertDone(await world.attempt());

    world.write("other", content(BLOCK));
    Deno.removeSync(`${world.outbox}/file`);
    assertDone(await world.attempt());
  });
});
