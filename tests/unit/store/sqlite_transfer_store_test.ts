import assert from "node:assert/strict";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import type { StoredTransfer } from "../../../lib/ports.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { ID, MANIFEST, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
import { change, fails, withDatabase, withPath, withState } from "./state_file.ts";
import { withProcess } from "./store_process.ts";
import { writeVersion1 } from "./version_1.ts";

/** Runs `body` with the store of an open file. */
function withStore(path: string, body: (store: SqliteTransferStore) => void): void {
  withState(path, (state) => body(new SqliteTransferStore(state)));
}

Deno.test("what was saved is there after the file is opened again", async () => {
  await withPath((path) => {
    withStore(path, (store) => {
      store.save(PEER, ID, TRANSFER);
      store.save(OTHER_PEER, ID, { ...TRANSFER, state: "done" });
      store.save(PEER, OTHER_ID, TRANSFER);
      store.remove(PEER, OTHER_ID);
      store.saveDurable(PEER, ID, 5, 6);
    });
    withStore(path, (store) => {
      assert.deepEqual(store.find(PEER, ID), { ...TRANSFER, durableBytes: 5, updatedMs: 6 });
      assert.deepEqual(store.find(OTHER_PEER, ID), { ...TRANSFER, state: "done" });
      assert.equal(store.find(PEER, OTHER_ID), undefined);
    });
  });
});

Deno.test("whatever happens to a transfer, its manifest is written once", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const store = new SqliteTransferStore(state);
      const mib = new Uint8Array(1024 * 1024).fill(7);
      store.save(PEER, ID, TRANSFER, mib);
      for (let part = 1; part < 32; part++) store.saveManifestPart(PEER, ID, part, mib);
      state.truncateLog();
      for (let mark = 0; mark < 20; mark++) store.saveDurable(PEER, ID, mark, mark);
      for (const each of ["receiving", "committing", "done"] as const) {
        store.save(PEER, ID, { ...TRANSFER, state: each });
      }
      const { size } = Deno.statSync(`${path}-wal`);
      assert.ok(size < 1024 * 1024, `${size} bytes were written`);
    });
  });
});

Deno.test("a large manifest is forgotten in several short calls, and its transfer with the last of it", async () => {
  await withPath((path) => {
    withStore(path, (store) => {
      const mib = new Uint8Array(1024 * 1024);
      const old: StoredTransfer = {
        ...TRANSFER,
        state: "done",
        manifestSizeBytes: 20 * mib.length,
        updatedMs: 1,
      };
      store.save(PEER, ID, old, mib);
      for (let part = 1; part < 20; part++) store.saveManifestPart(PEER, ID, part, mib);
      // What is small goes together.
      for (let number = 0; number < 10; number++) {
        store.save(PEER, new Uint8Array(32).fill(100 + number), {
          ...old,
          manifestSizeBytes: 9,
          updatedMs: 2,
        });
      }
      const partsLeft = () => {
        let count = 0;
        while (store.manifestPart(PEER, ID, count) !== undefined) count += 1;
        return count;
      };
      const seen: unknown[] = [];
      while (store.pruneFinished(3, 10, Infinity)) seen.push([partsLeft(), store.list("done").length]);
      assert.deepEqual(seen, [[12, 11], [4, 11], [0, 10], [0, 0]]);
    });
  });
});

Deno.test("a large list of names in an old file keeps every byte", async () => {
  await withPath((path) => {
    writeVersion1(path);
    const large = new Uint8Array(3_000_000).map((_, index) => index * 7);
    withDatabase(path, (database) => {
      database.prepare("UPDATE transfers SET manifest = ? WHERE state = 'done'").run(large);
    });
    withState(path, (state) => {
      const store = new SqliteTransferStore(state);
      const { peer, transferId, transfer } = store.list("done")[0]!;
      assert.deepEqual(store.manifestPart(peer, transferId, 0), large);
      assert.deepEqual(transfer.manifestDigest, sha256(large));
      assert.equal(transfer.manifestSizeBytes, large.length);
    });
  });
});

Deno.test("what was saved is there after the process was killed", async () => {
  await withPath(async (path) => {
    await withProcess("save", path, async ({ end }) => {
      await end();
      withStore(path, (store) => {
        assert.deepEqual(store.find(PEER, ID), TRANSFER);
        assert.deepEqual(store.find(PEER, OTHER_ID), { ...TRANSFER, durableBytes: 77, updatedMs: 88 });
        assert.equal(store.list("receiving").length, 2);
      });
    });
  });
});

Deno.test("two processes may have the file open", async () => {
  await withPath(async (path) => {
    await withProcess("save", path, () => {
      withStore(path, (store) => {
        assert.deepEqual(store.find(PEER, ID), TRANSFER);
        store.remove(PEER, ID);
      });
    });
  });
});

Deno.test("a state without what belongs into it is refused", async () => {
  const changes = [
    "DROP TABLE transfers",
    "ALTER TABLE transfers DROP COLUMN receipt",
    "ALTER TABLE transfers RENAME COLUMN peer TO friend",
    "DROP TABLE manifests",
    "ALTER TABLE manifests DROP COLUMN bytes",
  ];
  for (const sql of changes) {
    await withPath((path) => {
      withState(path, () => {});
      change(path, sql);
      withState(path, (state) => {
        fails(() => new SqliteTransferStore(state), "state_corrupt", path, /damaged/, /--state/);
      });
    });
  }
});

Deno.test("a table that goes away under an open store is an error, whatever is asked", async () => {
  await withPath((path) => {
    withStore(path, (store) => {
      store.save(PEER, ID, TRANSFER);
      change(path, "DROP TABLE transfers");
      const calls = [
        () => store.find(PEER, ID),
        () => store.save(PEER, ID, TRANSFER),
        () => store.saveDurable(PEER, ID, 1, 1),
        () => store.remove(PEER, ID),
        () => store.list("receiving"),
        () => store.saveManifestPart(PEER, ID, 1, MANIFEST),
        () => store.otherUnfinishedBytes(PEER, TRANSFER.folder, ID),
        () => store.pruneFinished(0, 1, 1),
      ];
      for (const call of calls) fails(call, "state_corrupt", path, /damaged/, /--state/);
    });
  });
});

Deno.test("a placement that is none is found when it is asked for", async () => {
  const placements = [
    "",
    "{",
    "null",
    "3",
    "{}",
    `{"topNames":{}}`,
    `{"conflict":"skip"}`,
    `{"topNames":[],"conflict":"skip"}`,
    `{"topNames":null,"conflict":"skip"}`,
    `{"topNames":"a","conflict":"skip"}`,
    `{"topNames":{"a":1},"conflict":"skip"}`,
    `{"topNames":{},"conflict":"ask"}`,
  ];
  for (const placement of placements) {
    await withPath((path) => {
      withStore(path, (store) => store.save(PEER, ID, TRANSFER));
      change(path, `UPDATE transfers SET placement = '${placement}'`);
      withStore(path, (store) => {
        fails(() => store.find(PEER, ID), "state_corrupt", path, /damaged/, /--state/);
        fails(() => store.list("receiving"), "state_corrupt", path, /damaged/, /--state/);
      });
    });
  }
});
