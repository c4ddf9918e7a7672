/** Lists of names that are too large for one piece of work: how they come into the journal, and out of it. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { FINISHED_MANIFESTS_SIZE_MAX, UNFINISHED_MANIFESTS_SIZE_MAX } from "../../../lib/limits.ts";
import type { Source, StoredTransfer } from "../../../lib/ports.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { localIdOf, recoverTransfers } from "../../../lib/transfer/recovery.ts";
import { readManifest } from "../../../lib/transfer/stored_manifest.ts";
import { content, entry } from "../files/tree.ts";
import { transferIdOf } from "../../../lib/transfer/manifest.ts";
import { assertDone, assertFailed, BLOCK, turn, withWorld, type World } from "./world.ts";

const FOLDERS = Array.from({ length: 12 }, (_, depth) => Array(depth + 1).fill("é".repeat(120)).join("/"));

/** A list of 1 MiB and a little, two parts: empty files in deep folders. */
function largeManifest(): ReturnType<typeof makeManifest> {
  const names = Array.from({ length: 380 }, (_, index) => `${FOLDERS[11]}/${index}`);
  const made = makeManifest(
    [
      ...FOLDERS.map((path) => ({ ...entry(path, 0), kind: "directory" as const })),
      ...names.map((path) => entry(path, 0)),
    ],
    true,
  );
  assert.ok(made.bodies.reduce((sum, { length }) => sum + length, 0) > 1024 * 1024);
  return made;
}

/** What there is to read of empty files. */
function nothing(): Source {
  return { read: () => 0, seek: () => {}, checkUnchanged: () => {}, close: () => {} };
}

const LARGE = largeManifest();

function send(world: World, manifest = LARGE, options: Parameters<World["attempt"]>[0] = {}) {
  return world.attempt({ ...options, source: nothing(), manifest });
}

/** Counts the turns of the event loop while `body` runs; tells which one it is. */
async function countingTurns<T>(body: (turnNow: () => number) => Promise<T>): Promise<T> {
  let [count, isOver] = [0, false];
  const counted = (async () => {
    for (; !isOver; count++) await turn();
  })();
  try {
    return await body(() => count);
  } finally {
    isOver = true;
    await counted;
  }
}

/** A row like those of this world's sender, under its true name, with a list of this size that is nowhere. */
function saveRow(world: World, digest: Bytes, changes: Partial<StoredTransfer>): void {
  const { sender, receiver, inbox, store } = world;
  const transferId = transferIdOf(sender.publicKey, receiver.publicKey, BLOCK, digest);
  store.save(sender.publicKey, localIdOf(sender.publicKey, transferId, inbox), {
    state: "receiving",
    manifestDigest: digest,
    manifestSizeBytes: 0,
    blockSizeBytes: BLOCK,
    durableBytes: 0,
    folder: inbox,
    placement: { topNames: {}, conflict: "refuse" },
    receipt: new Uint8Array(0),
    updatedMs: world.clock.nowMs(),
    ...changes,
  });
}

Deno.test("a large list of names is written and read a part at a time, and others have their turn between", async () => {
  await withWorld(async (world) => {
    const { store } = world;
    const turns = { written: [] as number[], read: [] as number[] };
    await countingTurns(async (turnNow) => {
      const { save, saveManifestPart, manifestPart } = store;
      store.save = (peer, id, transfer, part) => {
        if (part !== undefined) turns.written.push(turnNow());
        save.call(store, peer, id, transfer, part);
      };
      store.saveManifestPart = (...args) => {
        turns.written.push(turnNow());
        saveManifestPart.apply(store, args);
      };
      store.manifestPart = (...args) => {
        turns.read.push(turnNow());
        return manifestPart.apply(store, args);
      };
      assertDone(await send(world));
      assert.deepEqual(turns.read, []);
      assertDone(await send(world, LARGE, { isRepeated: true }));
    });
    assert.equal(turns.written.length, 2);
    assert.equal(new Set(turns.written).size, 2, `${turns.written}`);
    // The third is not there.
    assert.equal(turns.read.length, 3);
    assert.ok(new Set(turns.read).size >= 2, `${turns.read}`);
  });
});

Deno.test("a list that an older stx has written in one part is read a piece at a time", async () => {
  await withWorld(async (world) => {
    const [peer, id] = [world.sender.publicKey, new Uint8Array(32)];
    saveRow(world, LARGE.digest, {});
    const { transferId, transfer } = world.store.list("receiving")[0]!;
    const whole = new Uint8Array(await new Blob([...LARGE.bodies]).arrayBuffer());
    world.store.save(peer, transferId, transfer, whole);
    const seen = new Set<number>();
    const entries = await countingTurns((turnNow) =>
      readManifest(world, peer, transferId, transfer, () => seen.add(turnNow()))
    );
    assert.deepEqual(entries, LARGE.entries);
    assert.ok(seen.size >= 2, `${seen.size}`);
    assert.equal(await readManifest(world, peer, id, transfer), undefined);
  });
});

Deno.test("a list of which a crash has left a part, or which is damaged, is asked for again", async () => {
  for (const state of ["receiving", "done"] as const) {
    for (const how of ["missing", "other bytes", "no list at all"] as const) {
      await withWorld(async (world) => {
        const { store } = world;
        const { saveManifestPart } = store;
        if (state === "receiving") {
          store.saveManifestPart = () => {
            throw new Error("the process ends here");
          };
          assert.ok((await send(world)).received.error !== undefined);
          store.saveManifestPart = saveManifestPart;
        } else {
          assertDone(await send(world));
          Deno.removeSync(`${world.inbox}/${FOLDERS[0]}`, { recursive: true });
        }
        const { peer, transferId, transfer } = store.list(state)[0]!;
        const first = store.manifestPart(peer, transferId, 0)!;
        if (how === "missing") store.save(peer, transferId, transfer, first);
        else if (how === "other bytes") {
          store.saveManifestPart(peer, transferId, 0, first.map((byte, at) => at === 30 ? byte ^ 1 : byte));
        } else store.save(peer, transferId, transfer, new Uint8Array(9));

        const again = await send(world);
        assertDone(again);
        assert.equal(again.pair.count("receiver", "wantManifest"), 1);
        const repeated = await send(world, LARGE, { isRepeated: true });
        assertDone(repeated);
        assert.equal(repeated.pair.count("receiver", "wantManifest"), 0);
      });
    }
  }
});

Deno.test("a start reads the lists of those that are being put in place, and no others", async () => {
  await withWorld(async (world) => {
    const { store, clock, receiver, inbox } = world;
    const digestOf = (number: number) => new Uint8Array(32).fill(number);
    for (let number = 0; number < 20; number++) {
      saveRow(world, digestOf(number), { manifestSizeBytes: 32 * 1024 * 1024 });
    }
    saveRow(world, digestOf(99), { state: "committing" });
    const read = new Set<string>();
    const { manifestPart } = store;
    store.manifestPart = (peer, id, part) => {
      read.add(id.toHex());
      return manifestPart.call(store, peer, id, part);
    };
    const [committing] = store.list("committing");
    const options = { identity: receiver.publicKey, store, clock, folder: world.folder(), folderPath: inbox };
    const failures = await recoverTransfers(options);
    assert.deepEqual([...read], [committing!.transferId.toHex()]);
    assert.equal(store.list("receiving").length, 20);
    // It has no list, so it waits for its sender.
    assert.equal(failures.length, 1);
    assertFailed({ error: failures[0] }, "state_corrupt", /list of names .* is damaged/);
  });
});

Deno.test("the lists of a sender's unfinished transfers are bounded, by their bytes", async () => {
  await withWorld(async (world) => {
    world.write("file", content(3 * BLOCK));
    const cut = await world.attempt({ pair: { cutAfter: 6 } });
    assertFailed(cut.received, "connection_lost");
    const own = world.store.list("receiving")[0]!.transfer.manifestSizeBytes;
    const other = new Uint8Array(32).fill(5);
    saveRow(world, other, { manifestSizeBytes: UNFINISHED_MANIFESTS_SIZE_MAX - own });
    // What was begun before is continued; nothing new is begun.
    world.write("more", content(BLOCK));
    const refused = await world.attempt();
    assertFailed(
      refused.received,
      "too_large",
      /^this sender's unfinished transfers have 1\.0 GiB of names here/,
    );
    assertFailed(refused.sent, "rejected", /\(quota\).* sending the same files again/);
    assert.equal(world.store.list("receiving").length, 2);
    Deno.removeSync(`${world.outbox}/more`);
    assertDone(await world.attempt());
    // One that is as large as what is left.
    world.write("next", content(BLOCK));
    Deno.removeSync(`${world.outbox}/file`);
    assertDone(await world.attempt());
  });
});

Deno.test("with large lists of a sender's finished transfers the oldest go, and not only at the next start", async () => {
  await withWorld(async (world) => {
    const half = { state: "done", manifestSizeBytes: FINISHED_MANIFESTS_SIZE_MAX / 2 } as const;
    for (let number = 1; number <= 3; number++) {
      saveRow(world, new Uint8Array(32).fill(number), { ...half, updatedMs: world.clock.nowMs() - number });
    }
    world.fill({ small: 10 });
    assertDone(await world.attempt());
    assert.equal(world.store.list("done").length, 4);
    assertDone(await send(world));
    const left = world.store.list("done").map(({ transfer }) => transfer.manifestDigest[0]);
    assert.ok(!left.includes(3) && left.includes(1), `${left}`);
  });
});
