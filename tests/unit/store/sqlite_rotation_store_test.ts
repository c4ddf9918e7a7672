import assert from "node:assert/strict";
import { SqliteRotationStore } from "../../../lib/store/sqlite_rotation_store.ts";
import { ID, ROTATION } from "./rows.ts";
import { change, fails, withPath, withState } from "./state_file.ts";
import { withProcess } from "./store_process.ts";

Deno.test("a change is there after the file is opened again", async () => {
  await withPath((path) => {
    const complete = { ...ROTATION, oldKey: ID, isComplete: true };
    withState(path, (state) => {
      const store = new SqliteRotationStore(state);
      store.save(ROTATION);
      store.save(complete);
    });
    withState(path, (state) => {
      assert.deepEqual(new SqliteRotationStore(state).list(), [ROTATION, complete]);
    });
  });
});

Deno.test("a change is there after the process was killed", async () => {
  await withPath(async (path) => {
    await withProcess("rotate", path, async ({ end }) => {
      await end();
      withState(path, (state) => assert.deepEqual(new SqliteRotationStore(state).list(), [ROTATION]));
    });
  });
});

Deno.test("a state without the changes is damaged", async () => {
  await withPath((path) => {
    withState(path, () => {});
    change(path, "DROP TABLE rotations");
    withState(path, (state) => {
      fails(() => new SqliteRotationStore(state), "state_corrupt", path, /damaged/, /--state/);
    });
  });
});

Deno.test("a change that cannot be written is an error", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const store = new SqliteRotationStore(state);
      change(path, "DROP TABLE rotations");
      fails(() => store.save(ROTATION), "state_corrupt", path, /damaged/, /--state/);
      fails(() => store.list(), "state_corrupt", path, /damaged/, /--state/);
    });
  });
});
