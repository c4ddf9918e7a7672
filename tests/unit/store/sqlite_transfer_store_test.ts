import assert from "node:assert/strict";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { ID, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
import { change, fails, withPath, withState } from "./state_file.ts";
import { withProcess } from "./store_process.ts";

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
