import assert from "node:assert/strict";
import type { StoredTransfer, TransferStore } from "../../../lib/ports.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { ID, MANIFEST, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
import { withPath, withState } from "./state_file.ts";

/** What every store does. */
const CONTRACT: Readonly<Record<string, (store: TransferStore) => void>> = {
  "what was saved is found whole": (store) => {
    assert.equal(store.find(PEER, ID), undefined);
    store.save(PEER, ID, TRANSFER);
    assert.deepEqual(store.find(PEER, ID), TRANSFER);
  },

  "saving again replaces all of it": (store) => {
    store.save(PEER, ID, TRANSFER);
    const later: StoredTransfer = {
      state: "done",
      manifestDigest: new Uint8Array(32).fill(9),
      manifestSizeBytes: 2 ** 28,
      blockSizeBytes: 16_384,
      durableBytes: 0,
      folder: "/elsewhere",
      placement: { topNames: {}, conflict: "skip" },
      receipt: Uint8Array.of(1, 2, 3),
      updatedMs: 5,
    };
    store.save(PEER, ID, later);
    assert.deepEqual(store.find(PEER, ID), later);
    assert.equal(store.list("receiving").length, 0);
  },

  "a manifest stays as it is, until it is replaced as a whole": (store) => {
    const parts = (peer = PEER, id = ID) => [0, 1, 2, 3].map((part) => store.manifestPart(peer, id, part));
    store.save(PEER, ID, TRANSFER, MANIFEST);
    store.save(PEER, OTHER_ID, TRANSFER, Uint8Array.of(4));
    store.saveManifestPart(PEER, ID, 1, Uint8Array.of(7, 8));
    store.saveManifestPart(PEER, ID, 2, Uint8Array.of(9));
    const whole = [MANIFEST, Uint8Array.of(7, 8), Uint8Array.of(9), undefined];
    assert.deepEqual(parts(), whole);
    store.save(PEER, ID, { ...TRANSFER, state: "committing" });
    store.saveDurable(PEER, ID, 5, 6);
    assert.deepEqual(parts(), whole);
    store.saveManifestPart(PEER, ID, 1, Uint8Array.of(0));
    assert.deepEqual(parts()[1], Uint8Array.of(0));
    store.save(PEER, ID, TRANSFER, Uint8Array.of(5));
    assert.deepEqual(parts(), [Uint8Array.of(5), undefined, undefined, undefined]);
    assert.deepEqual(parts(PEER, OTHER_ID)[0], Uint8Array.of(4));
    assert.deepEqual(parts(OTHER_PEER), [undefined, undefined, undefined, undefined]);
  },

  "a manifest goes with its transfer, and comes not without one": (store) => {
    store.save(PEER, ID, TRANSFER, MANIFEST);
    store.saveManifestPart(PEER, ID, 1, MANIFEST);
    store.remove(PEER, ID);
    store.saveManifestPart(PEER, ID, 2, MANIFEST);
    store.saveManifestPart(PEER, OTHER_ID, 0, MANIFEST);
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, TRANSFER);
    for (const part of [0, 1, 2]) assert.equal(store.manifestPart(PEER, ID, part), undefined);
    assert.equal(store.manifestPart(PEER, OTHER_ID, 0), undefined);
    store.save(PEER, ID, { ...TRANSFER, state: "done" }, MANIFEST);
    while (store.pruneFinished(Infinity, 10, Infinity));
    store.save(PEER, ID, TRANSFER);
    assert.equal(store.manifestPart(PEER, ID, 0), undefined);
  },

  "the manifests of a peer's other unfinished transfers are added up": (store) => {
    assert.equal(store.otherUnfinishedBytes(PEER, TRANSFER.folder, ID), 0);
    const sized = (manifestSizeBytes: number) => ({ ...TRANSFER, manifestSizeBytes });
    store.save(PEER, ID, sized(1));
    store.save(PEER, OTHER_ID, sized(20));
    store.save(PEER, OTHER_PEER, sized(300));
    store.save(OTHER_PEER, ID, sized(4_000));
    store.save(PEER, PEER, { ...sized(50_000), state: "done" });
    assert.equal(store.otherUnfinishedBytes(PEER, TRANSFER.folder, ID), 320);
    assert.equal(store.otherUnfinishedBytes(PEER, TRANSFER.folder, PEER), 321);
    assert.equal(store.otherUnfinishedBytes(PEER, "/elsewhere", ID), 0);
    assert.equal(store.otherUnfinishedBytes(OTHER_PEER, TRANSFER.folder, ID), 0);
  },

  "a peer with too much in manifests of finished transfers loses its oldest, and nobody else any": (
    store,
  ) => {
    const save = (peer: typeof PEER, number: number, state: StoredTransfer["state"] = "done") =>
      store.save(
        peer,
        new Uint8Array(32).fill(number),
        { ...TRANSFER, state, manifestSizeBytes: 100, updatedMs: number },
        MANIFEST,
      );
    for (let number = 1; number <= 5; number++) {
      save(PEER, number);
      save(OTHER_PEER, 10 + number, number > 3 ? "receiving" : "done");
    }
    while (store.pruneFinished(0, 100, 320));
    const left = store.list("done").map(({ transfer }) => transfer.updatedMs).sort((a, b) => a - b);
    assert.deepEqual(left, [3, 4, 5, 11, 12, 13]);
    assert.equal(store.list("receiving").length, 2);
    assert.equal(store.pruneFinished(0, 100, 300), false);
  },

  "the durable mark moves alone": (store) => {
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, TRANSFER);
    store.saveDurable(PEER, ID, 2 ** 53 - 1, 17);
    assert.deepEqual(store.find(PEER, ID), {
      ...TRANSFER,
      durableBytes: 2 ** 53 - 1,
      updatedMs: 17,
    });
    store.saveDurable(PEER, ID, 0, 18);
    assert.deepEqual(store.find(PEER, ID), { ...TRANSFER, durableBytes: 0, updatedMs: 18 });
    assert.deepEqual(store.find(PEER, OTHER_ID), TRANSFER);
  },

  "the durable mark of what does not exist makes nothing": (store) => {
    store.saveDurable(PEER, ID, 5, 17);
    assert.equal(store.find(PEER, ID), undefined);
  },

  "unfinished transfers are counted by peer": (store) => {
    assert.equal(store.countUnfinished(PEER, TRANSFER.folder), 0);
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, { ...TRANSFER, state: "done" });
    store.save(OTHER_PEER, ID, { ...TRANSFER, state: "committing" });
    assert.equal(store.countUnfinished(PEER, TRANSFER.folder), 1);
    assert.equal(store.countUnfinished(OTHER_PEER, TRANSFER.folder), 0);
    store.save(PEER, OTHER_ID, TRANSFER);
    store.save(OTHER_PEER, OTHER_ID, TRANSFER);
    assert.equal(store.countUnfinished(PEER, TRANSFER.folder), 2);
    assert.equal(store.countUnfinished(PEER, "/elsewhere"), 0);
    assert.equal(store.countUnfinished(OTHER_PEER, TRANSFER.folder), 1);
  },

  "finished transfers are forgotten by their age, unfinished ones never": (store) => {
    store.save(PEER, ID, { ...TRANSFER, updatedMs: 1 });
    store.save(OTHER_PEER, ID, { ...TRANSFER, state: "committing", updatedMs: 1 });
    store.save(PEER, OTHER_ID, { ...TRANSFER, state: "done", updatedMs: 99 });
    store.save(OTHER_PEER, OTHER_ID, { ...TRANSFER, state: "done", updatedMs: 100 });
    assert.equal(store.pruneFinished(100, 10, Infinity), true);
    assert.equal(store.pruneFinished(100, 10, Infinity), false);
    assert.equal(store.list("done").length, 1);
    assert.deepEqual(store.list("done")[0]!.peer, OTHER_PEER);
    assert.equal(store.list("receiving").length, 1);
    assert.equal(store.list("committing").length, 1);
  },

  "of too many finished transfers the oldest are forgotten": (store) => {
    const count = 1_234;
    for (let i = 0; i < count; i++) {
      const id = ID.slice();
      new DataView(id.buffer).setUint32(0, i);
      store.save(PEER, id, { ...TRANSFER, state: "done", updatedMs: 1_000 + (i * 7) % count });
    }
    while (store.pruneFinished(0, 34, Infinity));
    const left = store.list("done").map(({ transfer }) => transfer.updatedMs).sort((a, b) => a - b);
    assert.deepEqual(left, Array.from({ length: 34 }, (_, i) => 1_000 + count - 34 + i));
  },

  "what was removed is gone, alone, and may be removed again": (store) => {
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, TRANSFER);
    store.remove(PEER, ID);
    store.remove(PEER, ID);
    assert.equal(store.find(PEER, ID), undefined);
    assert.deepEqual(store.find(PEER, OTHER_ID), TRANSFER);
  },

  "one peer's transfers are never another's": (store) => {
    store.save(PEER, ID, TRANSFER);
    assert.equal(store.find(OTHER_PEER, ID), undefined);
    store.saveDurable(OTHER_PEER, ID, 1, 1);
    store.remove(OTHER_PEER, ID);
    assert.deepEqual(store.find(PEER, ID), TRANSFER);
    const theirs = { ...TRANSFER, folder: "/theirs" };
    store.save(OTHER_PEER, ID, theirs);
    assert.deepEqual(store.find(PEER, ID), TRANSFER);
    assert.deepEqual(store.find(OTHER_PEER, ID), theirs);
    store.remove(PEER, ID);
    assert.deepEqual(store.find(OTHER_PEER, ID), theirs);
  },

  "every transfer in one state is listed with its peer and id": (store) => {
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, { ...TRANSFER, state: "committing" });
    store.save(OTHER_PEER, ID, { ...TRANSFER, state: "committing" });
    store.save(OTHER_PEER, OTHER_ID, { ...TRANSFER, state: "done" });
    const listed = (state: StoredTransfer["state"]) =>
      store.list(state).map(({ peer, transferId, transfer }) => {
        assert.deepEqual(transfer, { ...TRANSFER, state });
        return `${peer.toHex()} ${transferId.toHex()}`;
      }).sort();
    const name = (peer: Uint8Array, id: Uint8Array) => `${peer.toHex()} ${id.toHex()}`;
    assert.deepEqual(listed("receiving"), [name(PEER, ID)]);
    assert.deepEqual(listed("committing"), [name(PEER, OTHER_ID), name(OTHER_PEER, ID)].sort());
    assert.deepEqual(listed("done"), [name(OTHER_PEER, OTHER_ID)]);
  },

  "names that JavaScript's objects have are names like any other": (store) => {
    const topNames = JSON.parse(`{"__proto__":"a","constructor":"b","é\\u0000":"c"}`);
    store.save(PEER, ID, { ...TRANSFER, placement: { topNames, conflict: "rename" } });
    const found = store.find(PEER, ID)!.placement.topNames;
    assert.deepEqual(Object.entries(found), Object.entries(topNames));
  },
};

for (const [name, check] of Object.entries(CONTRACT)) {
  Deno.test(`in memory: ${name}`, () => {
    const store = new MemoryTransferStore();
    check(store);
  });

  Deno.test(`in SQLite: ${name}`, async () => {
    await withPath((path) => withState(path, (state) => check(new SqliteTransferStore(state))));
  });
}
