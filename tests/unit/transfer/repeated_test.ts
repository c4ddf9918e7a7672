import assert from "node:assert/strict";
import { StxError } from "../../../lib/errors.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { FINISHED_AGE_MAX_MS, UNFINISHED_MANIFESTS_SIZE_MAX } from "../../../lib/limits.ts";
import { makeManifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import { pruneFinished } from "../../../lib/transfer/pruning.ts";
import { recoverTransfers } from "../../../lib/transfer/recovery.ts";
import { encodeOffer } from "../../../lib/wire/message.ts";
import { content } from "../files/tree.ts";
import { assertDone, assertFailed, BLOCK, withWorld, type World } from "./world.ts";

const OLD = content(2 * BLOCK + 10, 1);
const NEW = content(2 * BLOCK + 10, 2);

/** What stands in place. */
function placed(world: World, name = "file"): Uint8Array {
  return Deno.readFileSync(`${world.inbox}/${name}`);
}

/** Changes a file that is in place; size and time stay. */
function rot(world: World): void {
  const { mtime } = Deno.statSync(`${world.inbox}/file`);
  Deno.writeFileSync(`${world.inbox}/file`, NEW);
  Deno.utimeSync(`${world.inbox}/file`, mtime!, mtime!);
}

for (const withDigests of [false, true]) {
  const how = withDigests ? ", with digests" : "";

  Deno.test(`what is there already is compared by its content${how}`, async () => {
    await withWorld(async (world) => {
      world.write("file", OLD);
      assertDone(await world.attempt({ withDigests }));
      const second = await world.attempt({ withDigests });
      assertDone(second);
      assert.equal(second.received.value!.receivedBytes, 0);
      assert.equal(second.pair.count("sender", "data"), 0);
    });
  });

  Deno.test(`another content of the same size and time is not said to be there${how}`, async () => {
    await withWorld(async (world) => {
      world.write("file", OLD);
      assertDone(await world.attempt({ withDigests }));
      world.write("file", NEW);
      assertFailed((await world.attempt({ withDigests })).sent, "rejected");
      assert.deepEqual(placed(world), new Uint8Array(OLD));
      const replaced = await world.attempt({ withDigests, receiver: { conflict: "overwrite" } });
      assertDone(replaced);
      assert.deepEqual(placed(world), new Uint8Array(NEW));
    });
  });

  Deno.test(`what has changed in place is not said to be there${how}`, async () => {
    await withWorld(async (world) => {
      world.write("file", OLD);
      assertDone(await world.attempt({ withDigests }));
      rot(world);
      assertFailed((await world.attempt({ withDigests })).sent, "rejected");
      assertDone(await world.attempt({ withDigests, receiver: { conflict: "overwrite" } }));
      assert.deepEqual(placed(world), new Uint8Array(OLD));
    });
  });
}

Deno.test("digests that were not asked for the first time are compared the second time", async () => {
  await withWorld(async (world) => {
    world.write("file", OLD);
    assertDone(await world.attempt());
    const second = await world.attempt({ withDigests: true });
    assertDone(second);
    assert.equal(second.sent.value!.facts.digests!.length, 1);
    assert.equal(second.pair.count("sender", "data"), 0);
  });
});

Deno.test("a policy that has become stricter counts for a transfer that was begun before", async () => {
  await withWorld(async (world) => {
    world.write("file", NEW);
    Deno.writeFileSync(`${world.inbox}/file`, OLD);
    const first = await world.attempt({ pair: { cutAfter: 7 }, receiver: { conflict: "overwrite" } });
    assert.ok(first.received.error !== undefined);
    assertFailed((await world.attempt()).sent, "rejected");
    assert.deepEqual(placed(world), new Uint8Array(OLD));
  });
});

Deno.test("a name that was taken meanwhile is chosen anew for a transfer that was begun before", async () => {
  await withWorld(async (world) => {
    world.write("file", NEW);
    const first = await world.attempt({ pair: { cutAfter: 7 }, receiver: { conflict: "rename" } });
    assert.ok(first.received.error !== undefined);
    Deno.writeFileSync(`${world.inbox}/file`, OLD);
    assertDone(await world.attempt({ receiver: { conflict: "rename" } }));
    assert.deepEqual(placed(world), new Uint8Array(OLD));
    assert.deepEqual(placed(world, "file-1"), new Uint8Array(NEW));
  });
});

Deno.test("what was kept because it existed is not said to be received", async () => {
  await withWorld(async (world) => {
    world.fill({ "d/": 0, "d/a": 5, "d/b": 6 });
    Deno.mkdirSync(`${world.inbox}/d`);
    Deno.writeTextFileSync(`${world.inbox}/d/a`, "mine");
    for (let attempt = 0; attempt < 2; attempt++) {
      const { sent, received } = await world.attempt({ receiver: { conflict: "skip" } });
      assertFailed(sent, "rejected");
      assertFailed(received, "exists");
      assert.equal(Deno.readTextFileSync(`${world.inbox}/d/a`), "mine");
      assert.equal(Deno.statSync(`${world.inbox}/d/b`).size, 6);
      assert.equal(world.store.list("done").length, 0);
    }
  });
});

Deno.test("what was kept is not said to be received where a crash came between, either", async () => {
  for (const isRestarted of [false, true]) {
    await withWorld(async (world) => {
      world.fill({ "d/": 0, "d/a": 5, "d/b": 6 });
      Deno.mkdirSync(`${world.inbox}/d`);
      Deno.writeTextFileSync(`${world.inbox}/d/a`, "mine");
      const { store, clock, receiver } = world;
      const save = store.save.bind(store);
      store.save = (peer, id, transfer, manifestPart) => {
        save(peer, id, transfer, manifestPart);
        if (transfer.state === "committing") throw new Error("the process ends here");
      };
      const crashed = await world.attempt({ receiver: { conflict: "skip" } });
      assert.ok(crashed.received.error !== undefined);
      store.save = save;
      assert.equal(store.list("committing").length, 1);
      if (isRestarted) {
        const folder = world.folder();
        const options = { identity: receiver.publicKey, store, clock, folder, folderPath: world.inbox };
        assert.deepEqual(await recoverTransfers(options), []);
      }
      assertFailed((await world.attempt({ receiver: { conflict: "skip" } })).sent, "rejected");
      assert.equal(store.list("done").length, 0);
      assert.equal(Deno.readTextFileSync(`${world.inbox}/d/a`), "mine");
      assert.equal(Deno.statSync(`${world.inbox}/d/b`).size, 6);
    });
  }
});

Deno.test("another sender reaches a transfer in no way by choosing its name", async () => {
  await withWorld(async (world) => {
    world.write("file", NEW);
    const first = await world.attempt({ pair: { cutAfter: 7 } });
    assert.ok(first.received.error !== undefined);
    const [before] = world.store.list("receiving");
    const other = await identityFromSeed(new Uint8Array(32).fill(77));
    const { sender, receiver } = world;
    const transferId = transferIdOf(sender.publicKey, receiver.publicKey, BLOCK, world.manifest().digest);
    const source = stdinSource(ReadableStream.from([]), "file", world.clock);
    const manifest = makeManifest(source.entries, false);
    const pair = world.pair({ sender: other.publicKey });
    const received = world.receive(pair);
    pair.sender.send(
      "offer",
      encodeOffer({
        transferId,
        sizeBytes: null,
        entryCount: 1,
        blockSizeBytes: BLOCK,
        manifestDigest: manifest.digest,
        withDigests: false,
        isRepeated: false,
      }),
    );
    pair.sender.send("manifest", manifest.bodies[0]!);
    await pair.sender.expect("wantManifest");
    await pair.sender.expect("accept");
    pair.cut();
    assert.ok((await received).error instanceof StxError);
    source.close();
    assert.deepEqual(world.store.list("receiving"), [before]);
    const second = await world.attempt();
    assertDone(second);
    assert.ok(second.senderEvents.some((event) => event.kind === "started" && event.offset > 0));
  });
});

Deno.test("a list of names is not forgotten while its transfer is offered again", async () => {
  await withWorld(async (world) => {
    world.write("file", NEW);
    assertDone(await world.attempt());
    const { store, clock } = world;
    clock.advance(FINISHED_AGE_MAX_MS + 1);
    const folder = world.folder();
    const hashInPlace = folder.hashInPlace.bind(folder);
    folder.hashInPlace = async (...args) => {
      // As a receiver tidies now and then.
      await pruneFinished(store, clock);
      return await hashInPlace(...args);
    };
    assertDone(await world.attempt({ receiver: { folder } }));
    const [row] = store.list("done");
    assert.ok(store.manifestPart(row!.peer, row!.transferId, 0));
  });
});

Deno.test("what was finished and begins anew counts among a sender's lists that are unfinished", async () => {
  await withWorld(async (world) => {
    world.write("file", OLD);
    assertDone(await world.attempt());
    const { store, sender } = world;
    const { transfer } = store.list("done")[0]!;
    store.save(sender.publicKey, new Uint8Array(32).fill(5), {
      ...transfer,
      state: "receiving",
      manifestSizeBytes: UNFINISHED_MANIFESTS_SIZE_MAX,
    });
    // All of it comes again.
    rot(world);
    const attempt = await world.attempt({ receiver: { conflict: "overwrite" } });
    assertFailed(attempt.received, "too_large");
  });
});

Deno.test("what nobody can continue is dropped at the next start, and nothing else", async () => {
  await withWorld(async (world) => {
    world.write("file", NEW);
    await world.attempt({ pair: { cutAfter: 7 } });
    const [kept] = world.store.list("receiving");
    const { store, clock, receiver, sender } = world;
    const orphan = new Uint8Array(32).fill(5);
    store.save(sender.publicKey, orphan, { ...kept!.transfer });
    const options = {
      identity: receiver.publicKey,
      store,
      clock,
      folder: world.folder(),
      folderPath: world.inbox,
    };
    // What was to arrive in another folder is forgotten in time, whether that folder is there or not.
    store.save(sender.publicKey, new Uint8Array(32).fill(6), { ...kept!.transfer, folder: "/gone" });
    assert.deepEqual(await recoverTransfers(options), []);
    assert.deepEqual(store.list("receiving").length, 2);
    clock.advance(29 * 24 * 3600 * 1000);
    assert.deepEqual(await recoverTransfers(options), []);
    assert.deepEqual(store.list("receiving").length, 2);
    assert.deepEqual(store.list("receiving")[0], kept);
    clock.advance(2 * 24 * 3600 * 1000);
    assert.deepEqual(await recoverTransfers(options), []);
    assert.deepEqual(store.list("receiving"), []);
    assert.deepEqual([...Deno.readDirSync(world.inbox)], []);
  });
});
