import assert from "node:assert/strict";
import type { StoredTransfer, TransferStore } from "../../../lib/ports.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { ID, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
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
      manifest: Uint8Array.of(9),
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
    assert.equal(store.countUnfinished(PEER), 0);
    store.save(PEER, ID, TRANSFER);
    store.save(PEER, OTHER_ID, { ...TRANSFER, state: "done" });
    store.save(OTHER_PEER, ID, { ...TRANSFER, state: "committing" });
    assert.equal(store.countUnfinished(PEER), 1);
    assert.equal(store.countUnfinished(OTHER_PEER), 0);
    store.save(PEER, OTHER_ID, TRANSFER);
    store.save(OTHER_PEER, OTHER_ID, TRANSFER);
    assert.equal(store.countUnfinished(PEER), 2);
    assert.equal(store.countUnfinished(OTHER_PEER), 1);
  },

  "finished transfers are forgotten by their age, unfinished ones never": (store) => {
    store.save(PEER, ID, { ...TRANSFER, updatedMs: 1 });
    store.save(OTHER_PEER, ID, { ...TRANSFER, state: "committing", updatedMs: 1 });
    store.save(PEER, OTHER_ID, { ...TRANSFER, state: "done", updatedMs: 99 });
    store.save(OTHER_PEER, OTHER_ID, { ...TRANSFER, state: "done", updatedMs: 100 });
    assert.equal(store.pruneFinished(100, 10), 1);
    assert.equal(store.pruneFinished(100, 10), 0);
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
    let forgotten = 0;
    for (;;) {
      const now = store.pruneFinished(0, 34);
      if (now === 0) break;
      forgotten += now;
    }
    assert.equal(forgotten, count - 34);
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
