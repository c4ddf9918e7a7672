import assert from "node:assert/strict";
import type { StxError } from "../../../lib/errors.ts";
import type { PartialTransfer, ReceivingFolder } from "../../../lib/ports.ts";
import { RECEIPT_NAMESPACE, receiptMessage } from "../../../lib/transfer/receipt.ts";
import { recoverTransfers } from "../../../lib/transfer/recovery.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import { content, withPatched } from "../files/tree.ts";
import { assertDone, assertFailed, BLOCK, namesIn, withWorld, type World } from "./world.ts";

const FILES = { "a": 5, "b": 2 * BLOCK, "c/": 0, "c/d": 100, "e": 0 };

/** What may fail while a transfer is put in place. */
type CrashPoint = "before" | "after decision" | "half-way" | "after renames";
const CRASH_POINTS: readonly CrashPoint[] = ["before", "after decision", "half-way", "after renames"];

class Crash extends Error {}

/** As `Deno.renameSync`, but the process dies before one more than `count`. */
function dyingAfter(count: number): typeof Deno.renameSync {
  const { renameSync } = Deno;
  let left = count;
  return (from, to) => {
    if (left-- === 0) throw new Crash();
    renameSync(from, to);
  };
}

/** A folder in which a process that puts a transfer in place dies at a certain point. */
function crashing(folder: ReceivingFolder, point: CrashPoint): ReceivingFolder {
  return {
    place: (entries, conflict, localId) => folder.place(entries, conflict, localId),
    release: (placement) => folder.release(placement),
    isInPlace: (entries, placement) => folder.isInPlace(entries, placement),
    hashInPlace: (entries, placement) => folder.hashInPlace(entries, placement),
    digestsInPlace: (entries, placement) => folder.digestsInPlace(entries, placement),
    discard: (id) => folder.discard(id),
    open(id, entries, placement, isSizeUnknown) {
      const partial = folder.open(id, entries, placement, isSizeUnknown);
      const wrapped: PartialTransfer = {
        resumeAt: (size) => partial.resumeAt(size),
        write: (bytes) => partial.write(bytes),
        sync: () => partial.sync(),
        digests: () => partial.digests(),
        close: () => partial.close(),
        async commit(beforeRename) {
          if (point === "before") throw new Crash();
          if (point === "half-way") {
            const renameSync = dyingAfter(1);
            await withPatched(Deno, "renameSync", renameSync, () => partial.commit(beforeRename)).catch(
              () => {},
            );
            throw new Crash();
          }
          await partial.commit((placement) => {
            beforeRename(placement);
            if (point === "after decision") throw new Crash();
          });
          throw new Crash();
        },
      };
      return wrapped;
    },
  };
}

async function crash(world: World, point: CrashPoint, withDigests: boolean): Promise<void> {
  const attempt = await world.attempt({ withDigests, receiver: { folder: crashing(world.folder(), point) } });
  assert.ok(attempt.received.error instanceof Crash, String(attempt.received.error));
  assertFailed(attempt.sent, "connection_lost");
  assert.equal(world.store.list("committing").length > 0, point !== "before");
  if (point === "before" || point === "after decision") world.assertNothingInPlace();
  if (point === "half-way") assert.deepEqual(namesIn(world.inbox), [".stx-partial", "a"]);
}

function recover(world: World): Promise<readonly unknown[]> {
  const { store, clock, inbox } = world;
  const identity = world.receiver.publicKey;
  return recoverTransfers({ identity, store, clock, folder: world.folder(), folderPath: inbox });
}

for (const point of CRASH_POINTS) {
  for (const withDigests of [false, true]) {
    const how = `${point}${withDigests ? ", with digests" : ""}`;

    Deno.test(`a crash while putting in place is finished by the next offer: ${how}`, async () => {
      await withWorld(async (world) => {
        world.fill(FILES);
        await crash(world, point, withDigests);
        const second = await world.attempt({ withDigests, isRepeated: true });
        assertDone(second);
        world.assertArrived();
        // Before the decision, what is not a whole block has to come again.
        assert.equal(second.received.value!.receivedBytes, point === "before" ? 105 : 0);
        const { facts, signature } = second.sent.value!;
        const { publicKey } = world.receiver;
        assert.equal(
          await verifySshsigBlob(signature, RECEIPT_NAMESPACE, receiptMessage(facts), publicKey),
          true,
        );
        assert.equal(world.store.list("done").length, 1);
        assert.equal(second.pair.count("sender", "end"), point === "before" ? 1 : 0);
      });
    });

    Deno.test(`a crash while putting in place is finished by the next start: ${how}`, async () => {
      await withWorld(async (world) => {
        world.fill(FILES);
        await crash(world, point, withDigests);
        assert.deepEqual(await recover(world), []);
        if (point === "before") world.assertNothingInPlace();
        else world.assertArrived();
        assert.equal(world.store.list("done").length, point === "before" ? 0 : 1);
        assert.equal(world.store.list("committing").length, 0);
        assert.deepEqual(await recover(world), []);
        assertDone(await world.attempt({ withDigests }));
        world.assertArrived();
      });
    });
  }
}

Deno.test("content of unknown size is finished by the next start", async () => {
  for (const size of [0, 5, 2 * BLOCK + 1]) {
    await withWorld(async (world) => {
      const source = stdinSource(ReadableStream.from([content(size)]), "stdin", world.clock);
      const attempt = await world.attempt({
        source,
        manifest: makeManifest(source.entries, false),
        receiver: { folder: crashing(world.folder(), "after decision") },
      });
      assert.ok(attempt.received.error instanceof Crash);
      world.assertNothingInPlace();
      assert.deepEqual(await recover(world), []);
      assert.deepEqual(namesIn(world.inbox), ["stdin"]);
      assert.deepEqual(Deno.readFileSync(`${world.inbox}/stdin`), content(size));
      assert.equal(world.store.list("committing").length, 0);
      // Whether its size was known shows only where there is one.
      assert.equal(world.store.list("done").length, size === 0 ? 1 : 0);
    });
  }
});

/** Leaves content of unknown size that was to be put in place; returns where it waits. */
async function crashStdin(world: World): Promise<string> {
  const source = stdinSource(ReadableStream.from([content(5)]), "stdin", world.clock);
  const attempt = await world.attempt({
    source,
    manifest: makeManifest(source.entries, false),
    receiver: { folder: crashing(world.folder(), "after decision") },
  });
  assert.ok(attempt.received.error instanceof Crash);
  const base = `${world.inbox}/.stx-partial`;
  return `${base}/${namesIn(base)[0]}`;
}

Deno.test("content of unknown size waits for its name, until somebody gives it up as the error says", async () => {
  await withWorld(async (world) => {
    const waiting = await crashStdin(world);
    Deno.writeTextFileSync(`${world.inbox}/stdin`, "mine");
    for (let start = 0; start < 2; start++) {
      const failures = await recover(world);
      assert.equal(failures.length, 1);
      assertFailed({ error: failures[0] }, "exists");
      assert.match(
        (failures[0] as StxError).hint!,
        new RegExp(`to give the transfer up, remove "${waiting}"`),
      );
      assert.deepEqual(Deno.readFileSync(`${waiting}/data/stdin`), content(5));
    }
    Deno.removeSync(waiting, { recursive: true });
    assert.deepEqual(await recover(world), []);
    assert.equal(Deno.readTextFileSync(`${world.inbox}/stdin`), "mine");
    assert.deepEqual(namesIn(world.inbox), ["stdin"]);
    for (const state of ["receiving", "committing", "done"] as const) {
      assert.equal(world.store.list(state).length, 0, state);
    }
  });
});

Deno.test("content of unknown size that is gone is told once", async () => {
  await withWorld(async (world) => {
    const waiting = await crashStdin(world);
    Deno.removeSync(waiting, { recursive: true });
    const failures = await recover(world);
    assert.equal(failures.length, 1);
    assertFailed({ error: failures[0] }, "state_corrupt", /missing/);
    for (const state of ["receiving", "committing", "done"] as const) {
      assert.equal(world.store.list(state).length, 0, state);
    }
    assert.deepEqual(namesIn(world.inbox), []);
    assert.deepEqual(await recover(world), []);
  });
});

Deno.test("what was decided and is gone is told once by the next start, and sent again", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    await crash(world, "after decision", false);
    Deno.removeSync(`${world.inbox}/.stx-partial`, { recursive: true });
    const failures = await recover(world);
    assert.equal(failures.length, 1);
    assertFailed({ error: failures[0] }, "state_corrupt", /missing/);
    assert.equal((failures[0] as StxError).hint, "The transfer has to begin again.");
    assert.deepEqual(await recover(world), []);
    assert.equal(world.store.list("committing").length, 0);
    assert.equal(world.store.list("receiving")[0]!.transfer.durableBytes, 0);
    const second = await world.attempt();
    assertDone(second);
    world.assertArrived();
    assert.equal(second.received.value!.receivedBytes, 2 * BLOCK + 105);
  });
});

Deno.test("what cannot be looked at is not given up", async () => {
  await withWorld(async (world) => {
    const waiting = await crashStdin(world);
    // Nothing is said against what has arrived, only against the lock.
    Deno.linkSync(`${waiting}/lock`, `${world.outbox}/lock`);
    for (let start = 0; start < 2; start++) {
      const failures = await recover(world);
      assert.equal(failures.length, 1);
      assertFailed({ error: failures[0] }, "state_corrupt", /lock/);
    }
    Deno.removeSync(`${world.outbox}/lock`);
    assert.deepEqual(await recover(world), []);
    assert.deepEqual(Deno.readFileSync(`${world.inbox}/stdin`), content(5));
  });
});

Deno.test("what stands in place counts as received only once it was finished", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    await crash(world, "after renames", false);
    const waiting = `${world.inbox}/.stx-partial/${world.store.list("committing")[0]!.transferId.toHex()}`;
    Deno.mkdirSync(waiting, { recursive: true, mode: 0o700 });
    Deno.chmodSync(`${world.inbox}/.stx-partial`, 0o700);
    Deno.writeTextFileSync(`${waiting}/lock`, "");
    Deno.linkSync(`${waiting}/lock`, `${waiting}/link`);
    const again = await world.attempt({ isRepeated: true });
    assertFailed(again.received, "state_corrupt");
    assertFailed(again.sent, "rejected");
    assert.equal(world.store.list("committing").length, 1);
  });
});

Deno.test("overwrite: of two that are to have one name, both are finished by the next start, and one of them has it", async () => {
  for (const points of [["after decision", "after renames"], ["after renames", "after decision"]] as const) {
    await withWorld(async (world) => {
      const contents = points.map((point) => content(point.length));
      for (const [index, point] of points.entries()) {
        world.write("a", contents[index]!);
        const folder = crashing(world.folder(), point);
        const attempt = await world.attempt({ receiver: { folder, conflict: "overwrite" } });
        assert.ok(attempt.received.error instanceof Crash);
      }
      assert.equal(world.store.list("committing").length, 2);
      assert.deepEqual(await recover(world), []);
      assert.equal(world.store.list("done").length, 2);
      assert.deepEqual(namesIn(world.inbox), ["a"]);
      assert.deepEqual(Deno.readFileSync(`${world.inbox}/a`), contents[points.indexOf("after decision")]);
    });
  }
});

Deno.test("rename: a name that is taken after the decision is replaced by another, at the next start or offer", async () => {
  for (const how of ["start", "offer"] as const) {
    await withWorld(async (world) => {
      world.fill({ "a": 5, "b": 6 });
      const receiver = { conflict: "rename" as const };
      const attempt = await world.attempt({
        receiver: { ...receiver, folder: crashing(world.folder(), "half-way") },
      });
      assert.ok(attempt.received.error instanceof Crash);
      assert.deepEqual(namesIn(world.inbox), [".stx-partial", "a"]);
      Deno.writeTextFileSync(`${world.inbox}/b`, "mine");
      // A crash between the new decision and the renames: the new name is in the journal by then.
      const { renameSync } = Deno;
      const die: typeof Deno.renameSync = () => {
        const [row] = world.store.list("committing");
        assert.deepEqual(row!.transfer.placement.topNames, { a: "a", b: "b-1" });
        throw new Crash();
      };
      await withPatched(Deno, "renameSync", die, () => recover(world));
      assert.equal(Deno.renameSync, renameSync);
      assert.deepEqual(namesIn(world.inbox), [".stx-partial", "a", "b"]);
      if (how === "start") assert.deepEqual(await recover(world), []);
      const again = await world.attempt({ receiver, isRepeated: true });
      assertDone(again);
      assert.deepEqual(again.received.value!.topNames, { a: "a", b: "b-1" });
      assert.deepEqual(namesIn(world.inbox), ["a", "b", "b-1"]);
      assert.equal(Deno.readTextFileSync(`${world.inbox}/b`), "mine");
      assert.deepEqual(
        Deno.readFileSync(`${world.inbox}/b-1`),
        Deno.readFileSync(`${world.outbox}/b`),
      );
    });
  }
});

Deno.test("rename: a name that is taken while a transfer is under way is replaced by another", async () => {
  await withWorld(async (world) => {
    world.fill({ "a": 5 });
    let isTaken = false;
    const attempt = await world.attempt({
      receiver: {
        conflict: "rename",
        onEvent(event) {
          if (event.kind !== "finishing") return;
          Deno.writeTextFileSync(`${world.inbox}/a`, "mine");
          isTaken = true;
        },
      },
    });
    assertDone(attempt);
    assert.ok(isTaken);
    assert.deepEqual(attempt.received.value!.topNames, { a: "a-1" });
    assert.deepEqual(world.store.list("done")[0]!.transfer.placement.topNames, { a: "a-1" });
    assert.deepEqual(namesIn(world.inbox), ["a", "a-1"]);
    assert.equal(Deno.readTextFileSync(`${world.inbox}/a`), "mine");
  });
});

Deno.test("what cannot be finished is told, and keeps nothing else from being finished", async () => {
  await withWorld(async (world) => {
    world.fill({ "a": 5 });
    await crash(world, "after decision", false);
    Deno.removeSync(`${world.outbox}/a`);
    world.fill({ "b": 6 });
    await crash(world, "after decision", false);
    Deno.writeTextFileSync(`${world.inbox}/a`, "mine");
    const failures = await recover(world);
    assert.equal(failures.length, 1);
    assertFailed({ error: failures[0] }, "exists");
    assert.equal(Deno.readTextFileSync(`${world.inbox}/a`), "mine");
    assert.equal(Deno.readFileSync(`${world.inbox}/b`).length, 6);
    // Once there is room, it is finished.
    Deno.removeSync(`${world.inbox}/a`);
    assert.deepEqual(await recover(world), []);
    assert.deepEqual(namesIn(world.inbox), ["a", "b"]);
  });
});

Deno.test("what a crash interrupted in another folder is left for its own", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    await crash(world, "after decision", false);
    const { store, clock } = world;
    const failures = await recoverTransfers({
      identity: world.receiver.publicKey,
      store,
      clock,
      folder: world.folder(),
      folderPath: "/elsewhere",
    });
    assert.deepEqual(failures, []);
    world.assertNothingInPlace();
    assert.equal(store.list("committing").length, 1);
  });
});

Deno.test("what was decided and is gone from the disk since is sent again", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    await crash(world, "after decision", false);
    Deno.removeSync(`${world.inbox}/.stx-partial`, { recursive: true });
    const second = await world.attempt();
    assertDone(second);
    world.assertArrived();
    assert.ok(second.received.value!.receivedBytes > 0);
  });
});
