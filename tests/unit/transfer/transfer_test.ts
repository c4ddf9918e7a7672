import { localIdOf } from "../../../lib/transfer/recovery.ts";
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { RECEIPT_NAMESPACE, receiptMessage, receiptText } from "../../../lib/transfer/receipt.ts";
import { decodeReject, type RejectReason } from "../../../lib/wire/message.ts";
import { sha256, tree } from "../../support/tree.ts";
import { content } from "../files/tree.ts";
import {
  assertDone,
  assertFailed,
  type Attempt,
  BLOCK,
  namesIn,
  turn,
  withWorld,
  type World,
} from "./world.ts";
import type { ReceivingFolder } from "../../../lib/ports.ts";

/** Empty files and folders at every place, files below, at and over a block. */
const FILES = {
  "a-empty": 0,
  "b": 5,
  "c/": 0,
  "c/empty": 0,
  "c/over": BLOCK + 1,
  "c/sub/": 0,
  "c/sub/whole": BLOCK,
  "d": 40_000,
  "e-empty": 0,
  "f/": 0,
};
/** The same without folders: one that was there before keeps its time when something new is put into it. */
const FLAT = { "a-empty": 0, "b": 5, "d": 40_000, "e-empty": 0 };
const SIZE = Object.values(FILES).reduce((sum, size) => sum + size);
const BLOCKS = Math.ceil(SIZE / BLOCK);

async function assertReceipt(world: World, attempt: Attempt): Promise<void> {
  const { facts, signature } = attempt.sent.value!;
  assert.equal(
    await verifySshsigBlob(signature, RECEIPT_NAMESPACE, receiptMessage(facts), world.receiver.publicKey),
    true,
  );
}

function assertRejected(attempt: Attempt, reason: RejectReason): void {
  const letter = attempt.pair.letters.find(({ type }) => type === "reject");
  assert.equal(letter?.from, "receiver");
  assert.equal(decodeReject(letter.body).reason, reason);
}

/** What one makes that is piped into stx. */
function piped(world: World, ...chunks: readonly Bytes[]) {
  const source = stdinSource(ReadableStream.from(chunks), "stdin", world.clock);
  return { source, manifest: makeManifest(source.entries, false) };
}

for (const withDigests of [false, true]) {
  const how = withDigests ? " with digests" : "";

  Deno.test(`what is sent arrives whole, with a receipt for it${how}`, async () => {
    await withWorld(async (world) => {
      world.fill(FILES);
      const attempt = await world.attempt({ withDigests });
      assertDone(attempt);
      world.assertArrived();
      await assertReceipt(world, attempt);
      const received = attempt.received.value!;
      assert.equal(received.sizeBytes, SIZE);
      assert.equal(received.receivedBytes, SIZE);
      assert.deepEqual({ ...received.topNames }, {
        "a-empty": "a-empty",
        "b": "b",
        "c": "c",
        "d": "d",
        "e-empty": "e-empty",
        "f": "f",
      });
      const { facts } = attempt.sent.value!;
      assert.equal(facts.sizeBytes, SIZE);
      assert.deepEqual(facts.sessionId, attempt.pair.sender.sessionId);
      assert.equal(attempt.pair.count("sender", "data"), BLOCKS);
      assert.equal(attempt.pair.count("sender", "digests"), withDigests ? 1 : 0);
      assert.ok(attempt.pair.count("receiver", "durable") >= 1);
      const lines = receiptText(facts).split("\n").slice(9, -1);
      const files = Object.keys(FILES).filter((path) => !path.endsWith("/"));
      const expected = files.map((path) => `${sha256(`${world.inbox}/${path}`)}  ${path}`);
      assert.deepEqual(lines, withDigests ? expected : []);
      // The journal knows it.
      const rows = world.store.list("done");
      assert.equal(rows.length, 1);
      const { publicKey } = world.sender;
      assert.deepEqual(rows[0]!.transferId, localIdOf(publicKey, received.transferId, world.inbox));
      assert.deepEqual(rows[0]!.peer, world.sender.publicKey);
    });
  });

  Deno.test(`after a cut at any message, another attempt ends with the same files${how}`, async () => {
    let messageCount = 0;
    await withWorld(async (world) => {
      world.fill(FILES);
      messageCount = (await world.attempt({ withDigests })).pair.letters.length;
    });
    let resumedCount = 0;
    for (let cutAfter = 0; cutAfter < messageCount; cutAfter++) {
      await withWorld(async (world) => {
        world.fill(FILES);
        const first = await world.attempt({ withDigests, pair: { cutAfter } });
        if (cutAfter < messageCount - 1) assertFailed(first.sent, "connection_lost");
        if (first.received.error !== undefined) assertFailed(first.received, "connection_lost");
        // What is in place is all of it, or nothing.
        if (world.store.list("done").length === 0) world.assertNothingInPlace();
        else world.assertArrived();
        const second = await world.attempt({ withDigests });
        assertDone(second);
        world.assertArrived();
        await assertReceipt(world, second);
        const resumed = second.receiverEvents.find((event) => event.kind === "resumed");
        if (resumed === undefined) return;
        resumedCount++;
        const { offset } = resumed as { offset: number };
        assert.equal(offset % BLOCK, 0);
        assert.ok(offset > 0);
        assert.equal(second.received.value!.receivedBytes, SIZE - offset);
        assert.equal(second.pair.count("sender", "data"), BLOCKS - offset / BLOCK);
      });
    }
    assert.ok(resumedCount >= 3, `only ${resumedCount} were resumed`);
  });
}

Deno.test("a line that is cut after every few messages delivers in the end", async () => {
  await withWorld(async (world) => {
    world.fill({ "long": 20 * BLOCK + 77 });
    let count = 0;
    for (;;) {
      const attempt = await world.attempt({ withDigests: true, pair: { cutAfter: 8 } });
      count++;
      if (attempt.sent.error === undefined) break;
      assertFailed(attempt.sent, "connection_lost");
      assert.ok(count < 30);
    }
    assert.ok(count > 3);
    world.assertArrived();
  });
});

Deno.test("a manifest in several messages is sent whole, asked for or not", async () => {
  for (const windowMessages of [1, 2, 100]) {
    await withWorld(async (world) => {
      world.fill(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${"n".repeat(240)}${i}`, 0])));
      assert.ok(world.manifest().bodies.length > 1);
      const attempt = await world.attempt({
        pair: {
          windowMessages,
          onLetter: (letter, pair) => {
            if (letter.type === "manifest") assert.ok(pair.sender.hasRoom());
            return [letter];
          },
        },
      });
      assertDone(attempt);
      assert.equal(attempt.pair.count("sender", "manifest"), 2);
      const order = attempt.pair.letters.map(({ type }) => type);
      const early = order.slice(0, order.indexOf("wantManifest")).filter((type) => type === "manifest");
      assert.equal(early.length, Math.min(2, windowMessages - 1));
      world.assertArrived();
    });
  }
});

Deno.test("what of the manifest comes unasked does no harm when it goes on", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    await world.attempt({ pair: { cutAfter: 10 } });
    const second = await world.attempt();
    assertDone(second);
    assert.equal(second.pair.count("receiver", "wantManifest"), 0);
    assert.equal(second.pair.count("sender", "manifest"), 1);
    world.assertArrived();
  });
});

Deno.test("content that changed without its size and time is sent from the start", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 10 * BLOCK });
    const first = await world.attempt({ pair: { cutAfter: 12 } });
    assertFailed(first.received, "connection_lost");
    const kept = world.store.list("receiving")[0]!.transfer.durableBytes;
    assert.ok(kept > 0);
    world.write("file", content(10 * BLOCK, 99));
    const second = await world.attempt({ withDigests: true });
    assertDone(second);
    const started = second.senderEvents.find((event) => event.kind === "started");
    assert.deepEqual(started, { kind: "started", offset: 0, wanted: kept });
    assert.equal(second.received.value!.receivedBytes, 10 * BLOCK);
    world.assertArrived();
  });
});

Deno.test("begun again from the start, the journal forgets what was there", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 10 * BLOCK });
    await world.attempt({ pair: { cutAfter: 12 } });
    world.write("file", content(10 * BLOCK, 99));
    // The first block is all that comes, and it is not durable by itself.
    let durableAtStart = -1;
    await world.attempt({
      pair: {
        onLetter: (letter, pair) => {
          if (letter.type !== "data") return [letter];
          durableAtStart = world.store.list("receiving")[0]!.transfer.durableBytes;
          pair.cut();
          return [];
        },
      },
    });
    assert.ok(durableAtStart >= 0);
    assert.equal(world.store.list("receiving")[0]!.transfer.durableBytes, 0);
    assertDone(await world.attempt());
    world.assertArrived();
  });
});

Deno.test("a file that changes while it is sent ends the transfer before its end", async () => {
  // Before its turn, while others are read, and after it.
  for (const name of ["a", "file", "z"]) {
    await withWorld(async (world) => {
      world.fill({ "a": 3, "file": 5 * BLOCK, "z": 3 });
      const attempt = await world.attempt({
        pair: {
          onLetter: (letter) => {
            if (letter.type === "data") Deno.utimeSync(`${world.outbox}/${name}`, new Date(5), new Date(5));
            return [letter];
          },
        },
      });
      assertFailed(attempt.sent, "source_changed");
      assertFailed(attempt.received, "connection_lost");
      assert.equal(attempt.pair.count("sender", "end"), 0);
      world.assertNothingInPlace();
    });
  }
});

Deno.test("a source that is shorter than its manifest ends the transfer before its end", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 * BLOCK });
    const bytes = content(2 * BLOCK + 5);
    let at = 0;
    const source = {
      read(into: Bytes): number {
        const part = bytes.subarray(at, at + into.length);
        into.set(part);
        at += part.length;
        return part.length;
      },
      seek(offset: number): void {
        at = offset;
      },
      checkUnchanged(): void {},
      close(): void {},
    };
    const attempt = await world.attempt({ source, manifest: world.manifest() });
    assertFailed(attempt.sent, "source_changed");
    assert.equal(attempt.pair.count("sender", "end"), 0);
    world.assertNothingInPlace();
  });
});

Deno.test("what was damaged on the receiver's disk between two attempts never becomes a file", async () => {
  const damages: Readonly<Record<string, (data: string) => void>> = {
    "another byte": (data) => {
      const bytes = Deno.readFileSync(`${data}/file`);
      bytes[100]! ^= 1;
      Deno.writeFileSync(`${data}/file`, bytes);
    },
    "shorter": (data) => Deno.truncateSync(`${data}/file`, 100),
    "gone": (data) => Deno.removeSync(`${data}/file`),
    "a link": (data) => {
      Deno.removeSync(`${data}/file`);
      Deno.symlinkSync("/etc/hostname", `${data}/file`);
    },
    "a folder": (data) => {
      Deno.removeSync(`${data}/file`);
      Deno.mkdirSync(`${data}/file`);
    },
    "longer": (data) => Deno.writeFileSync(`${data}/file`, content(3 * BLOCK), { append: true }),
    "one more file": (data) => Deno.writeTextFileSync(`${data}/more`, "more"),
    "all gone": (data) => Deno.removeSync(`${data}/../..`, { recursive: true }),
  };
  for (const [name, damage] of Object.entries(damages)) {
    await withWorld(async (world) => {
      world.fill({ "file": 10 * BLOCK, "last": 3 });
      await world.attempt({ pair: { cutAfter: 12 } });
      assert.ok(world.store.list("receiving")[0]!.transfer.durableBytes > BLOCK);
      const [id] = namesIn(`${world.inbox}/.stx-partial`);
      damage(`${world.inbox}/.stx-partial/${id}/data`);
      const second = await world.attempt();
      assertDone(second);
      world.assertArrived();
      const isUsable = name === "longer" || name === "one more file";
      const isResumed = second.receiverEvents.some((event) => event.kind === "resumed");
      assert.equal(isResumed, isUsable, name);
    });
  }
});

Deno.test("what is there already is confirmed without data", async () => {
  for (const withDigests of [false, true]) {
    await withWorld(async (world) => {
      world.fill(FILES);
      const first = await world.attempt({ withDigests });
      const before = tree(world.inbox);
      const second = await world.attempt({ withDigests, isRepeated: true });
      assertDone(second);
      assert.equal(second.pair.count("sender", "data"), 0);
      assert.equal(second.received.value!.receivedBytes, 0);
      assert.deepEqual(second.sent.value, first.sent.value);
      assert.deepEqual(tree(world.inbox), before);
    });
  }
});

Deno.test("a receipt with digests also serves a sender who asks for none", async () => {
  await withWorld(async (world) => {
    world.fill(FILES);
    const first = await world.attempt({ withDigests: true });
    const second = await world.attempt({ withDigests: false, isRepeated: true });
    assertDone(second);
    assert.equal(second.pair.count("sender", "data"), 0);
    assert.deepEqual(second.sent.value, first.sent.value);
  });
});

Deno.test("a receipt without digests does not serve a sender who asks for them", async () => {
  await withWorld(async (world) => {
    world.fill(FLAT);
    assertDone(await world.attempt({ withDigests: false }));
    const second = await world.attempt({ withDigests: true, isRepeated: true });
    assertDone(second);
    assert.equal(second.pair.count("sender", "data"), 0);
    assert.ok(second.sent.value!.facts.digests !== undefined);
    world.assertArrived();
  });
});

Deno.test("what was finished and is not there any more is sent again", async () => {
  for (const damage of ["removed", "shortened", "touched"] as const) {
    await withWorld(async (world) => {
      world.fill(FLAT);
      await world.attempt();
      if (damage === "removed") Deno.removeSync(`${world.inbox}/d`);
      if (damage === "shortened") Deno.truncateSync(`${world.inbox}/d`, 5);
      if (damage === "touched") Deno.utimeSync(`${world.inbox}/d`, new Date(5), new Date(5));
      const second = await world.attempt({ receiver: { conflict: "overwrite" } });
      assertDone(second);
      assert.equal(second.pair.count("sender", "data"), 3);
      world.assertArrived();
    });
  }
});

Deno.test("another receiving folder has transfers of its own", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 5 * BLOCK });
    await world.attempt({ pair: { cutAfter: 10 } });
    Deno.mkdirSync(`${world.inbox}-2`);
    const other = await world.attempt({ receiver: { folderPath: `${world.inbox}-2` } });
    assert.equal(other.receiverEvents.some((event) => event.kind === "resumed"), false);
    assertDone(other);
  });
});

Deno.test("names that are not allowed are refused before anything is touched", async () => {
  await withWorld(async (world) => {
    world.fill({ "fine": 5, ".profile": 5 });
    const attempt = await world.attempt();
    assertFailed(attempt.received, "bad_name");
    assertFailed(attempt.sent, "rejected", /name.*\.profile/);
    assertRejected(attempt, "name");
    world.assertUntouched();
    assert.equal(world.store.list("receiving").length, 0);
    assertDone(await world.attempt({ receiver: { allowDotfiles: true } }));
    world.assertArrived();
  });
});

Deno.test("a name that is taken is refused, and what has it stays as it is", async () => {
  await withWorld(async (world) => {
    world.fill({ "a": 5, "b": 6 });
    Deno.writeTextFileSync(`${world.inbox}/b`, "mine");
    const before = tree(world.inbox);
    const attempt = await world.attempt();
    assertFailed(attempt.received, "exists");
    assertFailed(attempt.sent, "rejected", /exists/);
    assertRejected(attempt, "exists");
    assert.deepEqual(tree(world.inbox), before);
    assert.equal(world.store.list("receiving").length, 0);
    assertDone(await world.attempt({ receiver: { conflict: "rename" } }));
    assert.deepEqual(namesIn(world.inbox), ["a", "b", "b-1"]);
    assert.equal(Deno.readTextFileSync(`${world.inbox}/b`), "mine");
  });
});

Deno.test("a transfer over the limit is refused before anything is touched, one at the limit is taken", async () => {
  await withWorld(async (world) => {
    world.fill({ "a": 5, "b": 2 * BLOCK });
    const attempt = await world.attempt({ receiver: { maxSizeBytes: 2 * BLOCK + 4 } });
    assertFailed(attempt.received, "too_large");
    assertFailed(attempt.sent, "rejected", /quota/);
    assertRejected(attempt, "quota");
    world.assertUntouched();
    assertDone(await world.attempt({ receiver: { maxSizeBytes: 2 * BLOCK + 5 } }));
  });
});

Deno.test("a limit that was lowered counts for what was begun before", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 10 * BLOCK });
    await world.attempt({ pair: { cutAfter: 12 } });
    const second = await world.attempt({ receiver: { maxSizeBytes: BLOCK } });
    assertFailed(second.received, "too_large");
    world.assertNothingInPlace();
  });
});

Deno.test("a name that is taken while the transfer is under way is refused at the end", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 * BLOCK });
    const attempt = await world.attempt({
      pair: {
        onLetter: (letter) => {
          if (letter.type === "end") Deno.writeTextFileSync(`${world.inbox}/file`, "mine");
          return [letter];
        },
      },
    });
    assertFailed(attempt.received, "exists");
    assertFailed(attempt.sent, "rejected", /exists/);
    assert.equal(Deno.readTextFileSync(`${world.inbox}/file`), "mine");
    // The user makes room, and nothing has to be sent again.
    Deno.removeSync(`${world.inbox}/file`);
    const second = await world.attempt();
    assertDone(second);
    assert.equal(second.received.value!.receivedBytes, 0);
    world.assertArrived();
  });
});

Deno.test("why the receiver's own disk fails is not told the sender", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 });
    Deno.mkdirSync(`${world.inbox}/.stx-partial`, { mode: 0o777 });
    Deno.chmodSync(`${world.inbox}/.stx-partial`, 0o777);
    const attempt = await world.attempt();
    assertFailed(attempt.received, "permission");
    assertFailed(attempt.sent, "rejected");
    assertRejected(attempt, "local");
    assert.doesNotMatch((attempt.sent.error as Error).message, /partial|inbox|\//);
    world.assertNothingInPlace();
  });
});

Deno.test("a name that was reserved for a transfer which could not begin is free again", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 });
    const receiver = { folder: world.folder(), conflict: "rename" } as const;
    const partial = `${world.inbox}/.stx-partial`;
    Deno.mkdirSync(partial);
    Deno.chmodSync(partial, 0o777);
    assertFailed((await world.attempt({ receiver })).received, "permission");
    Deno.removeSync(partial);
    // Another transfer of the same name.
    world.fill({ "file": 4 });
    assertDone(await world.attempt({ receiver }));
    world.assertArrived();
  });
});

Deno.test("what is found damaged is not promised again", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 10 * BLOCK });
    await world.attempt({ pair: { cutAfter: 12 } });
    const [id] = namesIn(`${world.inbox}/.stx-partial`);
    Deno.removeSync(`${world.inbox}/.stx-partial/${id}/data/file`);
    const cut = await world.attempt({
      pair: { onLetter: (letter, pair) => (letter.type === "accept" && pair.cut(), [letter]) },
    });
    assertFailed(cut.received, "connection_lost");
    assert.equal(world.store.list("receiving")[0]!.transfer.durableBytes, 0);
  });
});

Deno.test("a transfer that somebody else has is claimed first and given back in the end", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 });
    const log: string[] = [];
    const claim = (id: Bytes) => {
      log.push(`claim ${namesIn(world.inbox).length} ${id.length}`);
      return Promise.resolve(() => {
        log.push(`release ${namesIn(world.inbox)}`);
      });
    };
    assertDone(await world.attempt({ receiver: { claim } }));
    assert.deepEqual(log, ["claim 0 32", "release file"]);
    // Also when it fails.
    world.fill({ "other": 3 });
    assertFailed((await world.attempt({ receiver: { claim } })).received, "exists");
    assert.equal(log.length, 4);
  });
});

Deno.test("content of unknown size arrives whole", async () => {
  for (const withDigests of [false, true]) {
    for (const size of [0, 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 1]) {
      await withWorld(async (world) => {
        const bytes = content(size);
        const attempt = await world.attempt({
          ...piped(world, bytes.slice(0, 7), bytes.slice(7)),
          withDigests,
        });
        assertDone(attempt);
        assert.deepEqual(Deno.readFileSync(`${world.inbox}/stdin`), bytes);
        assert.deepEqual(namesIn(world.inbox), ["stdin"]);
        assert.equal(attempt.received.value!.sizeBytes, size);
        assert.equal(attempt.received.value!.entries[0]!.sizeBytes, size);
        assert.equal(attempt.sent.value!.facts.sizeBytes, size);
        await assertReceipt(world, attempt);
      });
    }
  }
});

Deno.test("content of unknown size is dropped after a cut", async () => {
  for (let cutAfter = 1; cutAfter < 10; cutAfter++) {
    await withWorld(async (world) => {
      const attempt = await world.attempt({ ...piped(world, content(20 * BLOCK)), pair: { cutAfter } });
      assertFailed(attempt.sent, "connection_lost");
      assertFailed(attempt.received, "connection_lost");
      world.assertUntouched();
      for (const state of ["receiving", "committing", "done"] as const) {
        assert.equal(world.store.list(state).length, 0);
      }
    });
  }
});

Deno.test("content of unknown size is not taken away while it is being made durable", async () => {
  await withWorld(async (world) => {
    const log: string[] = [];
    const folder = world.folder();
    const slow: ReceivingFolder = {
      place: (...args) => folder.place(...args),
      release: (...args) => folder.release(...args),
      isInPlace: (...args) => folder.isInPlace(...args),
      hashInPlace: (...args) => folder.hashInPlace(...args),
      digestsInPlace: (...args) => folder.digestsInPlace(...args),
      discard: (localId) => {
        log.push("discarded");
        folder.discard(localId);
      },
      open: (...args) => {
        const partial = folder.open(...args);
        const sync = partial.sync.bind(partial);
        partial.sync = async () => {
          await sync();
          for (let count = 0; count < 10; count++) await turn();
          log.push("durable");
        };
        return partial;
      },
    };
    const attempt = await world.attempt({
      ...piped(world, content(20 * BLOCK)),
      pair: { cutAfter: 12 },
      receiver: { folder: slow },
    });
    assertFailed(attempt.received, "connection_lost");
    assert.deepEqual(log, ["durable", "discarded"]);
  });
});

Deno.test("content of unknown size is never noted as a beginning, nor told to be durable", async () => {
  await withWorld(async (world) => {
    const marks: number[] = [];
    let toldCount = 0;
    const attempt = await world.attempt({
      ...piped(world, content(20 * BLOCK)),
      pair: {
        onLetter: (letter) => {
          if (letter.type === "data") marks.push(world.store.list("receiving")[0]!.transfer.durableBytes);
          if (letter.type === "durable") toldCount++;
          return [letter];
        },
      },
    });
    assertDone(attempt);
    assert.ok(marks.length > 0);
    assert.ok(marks.every((mark) => mark === 0));
    assert.equal(toldCount, 0);
  });
});

Deno.test("content of unknown size is refused once it is over the limit", async () => {
  await withWorld(async (world) => {
    const options = { ...piped(world, content(20 * BLOCK)), receiver: { maxSizeBytes: 3 * BLOCK } };
    const attempt = await world.attempt(options);
    assertFailed(attempt.received, "too_large");
    assertFailed(attempt.sent, "rejected", /quota/);
    world.assertUntouched();
  });
});

Deno.test("each content of unknown size is a transfer of its own", async () => {
  await withWorld(async (world) => {
    const first = await world.attempt(piped(world, utf8("one")));
    const second = await world.attempt({ ...piped(world, utf8("one")), receiver: { conflict: "rename" } });
    assertDone(second);
    assert.notDeepEqual(second.received.value!.transferId, first.received.value!.transferId);
    assert.deepEqual(namesIn(world.inbox), ["stdin", "stdin-1"]);
  });
});

Deno.test("what is damaged on the way to the disk is found with digests", async () => {
  await withWorld(async (world) => {
    world.fill({ "file": 3 * BLOCK });
    const damage = () => {
      const [id] = namesIn(`${world.inbox}/.stx-partial`);
      const path = `${world.inbox}/.stx-partial/${id}/data/file`;
      const bytes = Deno.readFileSync(path);
      bytes[5]! ^= 1;
      Deno.writeFileSync(path, bytes);
    };
    const attempt = await world.attempt({
      withDigests: true,
      receiver: { onEvent: (event) => void (event.kind === "finishing" && damage()) },
    });
    assertFailed(attempt.received, "digest_mismatch", /file/);
    assertFailed(attempt.sent, "digest_mismatch", /integrity/);
    world.assertNothingInPlace();
    // None of it is trusted.
    assert.equal(world.store.list("receiving")[0]!.transfer.durableBytes, 0);
    assertDone(await world.attempt({ withDigests: true }));
    world.assertArrived();
  });
});
