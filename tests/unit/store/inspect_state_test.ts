import assert from "node:assert/strict";
import { inspectState } from "../../../lib/store/inspect_state.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { names, tree } from "../../support/tree.ts";
import { ID, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
import { change, fails, withDatabase, withPath, withState } from "./state_file.ts";
import { writeVersion1 } from "./version_1.ts";

Deno.test("a look at a state file counts what is in it, whatever its layout, and changes nothing", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/state`;
    writeVersion1(path);
    const before = tree(path);
    assert.deepEqual(inspectState(path, false), {
      layout: 1,
      newestLayout: 4,
      unfinishedCount: 2,
      finishedCount: 1,
    });
    assert.deepEqual([tree(path), names(folder)], [before, ["state"]]);

    withState(path, (state) => {
      const store = new SqliteTransferStore(state);
      store.save(OTHER_PEER, OTHER_ID, { ...TRANSFER, state: "done" });
      store.remove(PEER, ID);
    });
    const after = tree(path);
    assert.deepEqual(inspectState(path, false), {
      layout: 4,
      newestLayout: 4,
      unfinishedCount: 1,
      finishedCount: 2,
    });
    assert.deepEqual([tree(path), names(folder)], [after, ["state"]]);
  });
});

Deno.test("a look at a state file whose receiver was killed sees its log, and leaves it there", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/state`;
    withState(`${folder}/other`, (state) => {
      new SqliteTransferStore(state).save(PEER, ID, TRANSFER);
      for (const end of ["", "-wal", "-shm"]) Deno.copyFileSync(`${folder}/other${end}`, `${path}${end}`);
    });
    assert.ok(Deno.statSync(`${path}-wal`).size > 0);
    const before = tree(folder);
    assert.equal(inspectState(path, true).unfinishedCount, 1);
    // What SQLite has in the -shm is made anew by whoever opens the file.
    const lasting = (items: ReturnType<typeof tree>) =>
      items.filter(({ path }) => !path.endsWith("-shm")).map(({ path, sha256 }) => [path, sha256]);
    assert.deepEqual(lasting(tree(folder)), lasting(before));
  });
});

Deno.test("a look at a state file that is in use finds what its receiver has written", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      new SqliteTransferStore(state).save(PEER, ID, TRANSFER);
      assert.equal(inspectState(path, true).unfinishedCount, 1);
      new SqliteTransferStore(state).save(PEER, OTHER_ID, TRANSFER);
      assert.equal(inspectState(path, true).unfinishedCount, 2);
    });
  });
});

Deno.test("an empty state file stays empty", async () => {
  await withPath((path) => {
    Deno.writeTextFileSync(path, "");
    assert.deepEqual(inspectState(path, false), {
      layout: 0,
      newestLayout: 4,
      unfinishedCount: 0,
      finishedCount: 0,
    });
    assert.equal(Deno.statSync(path).size, 0);
  });
});

Deno.test("a look refuses what a receiver refuses", async () => {
  await withPath((path) => {
    change(path, "CREATE TABLE notes (x)");
    fails(() => inspectState(path, false), "state_corrupt", path, /another program/, /--state/);
  });
  await withPath((path) => {
    withState(path, () => {});
    withDatabase(path, (database) => database.exec("PRAGMA user_version = 5"));
    fails(() => inspectState(path, false), "state_corrupt", path, /layout 5/, /--state/);
  });
  await withPath((path) => {
    Deno.writeTextFileSync(path, "no database".repeat(1000));
    fails(() => inspectState(path, false), "state_corrupt", path, /damaged/, /--state/);
  });
});
