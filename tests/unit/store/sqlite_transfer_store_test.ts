import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { HAS_SMALL_DISKS, onSmallDisk, runProgram } from "../../support/programs.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { ID, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";
import { commandOf, withProcess } from "./store_process.ts";

/** Runs `body` with the path of a state file that does not exist yet. */
function withPath(body: (path: string) => Promise<void> | void): Promise<void> {
  return withTempFolder((folder) => body(`${folder}/state`));
}

/** Runs `body` with an open store. */
function withStore(path: string, body: (store: SqliteTransferStore) => void): void {
  const store = new SqliteTransferStore(path);
  try {
    body(store);
  } finally {
    store.close();
  }
}

/** Changes a database by hand. */
function withDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** Asserts that `body` fails with this code, names the file and says what to do. */
function fails(body: () => unknown, code: ErrorCode, path: string, message: RegExp, hint: RegExp): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof StxError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(path), error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
    return true;
  });
}

/** Asserts that the file is refused as it is, and stays as it is. */
function refusesToOpen(path: string, message: RegExp): void {
  const before = Deno.readFileSync(path);
  fails(() => new SqliteTransferStore(path), "state_corrupt", path, message, /--state|move this one away/);
  assert.deepEqual(Deno.readFileSync(path), before);
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
    await withProcess("save", path, async (end) => {
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

Deno.test("a file that is no database is refused and left alone", async () => {
  await withPath((path) => {
    Deno.writeTextFileSync(path, "a letter that somebody wrote, long enough to be looked at\n".repeat(100));
    refusesToOpen(path, /damaged/);
  });
});

Deno.test("a database of another program is refused and left alone", async () => {
  const foreign = [
    "CREATE TABLE notes (text)",
    "CREATE TABLE transfers (peer, id)",
    "PRAGMA application_id = 1; CREATE TABLE notes (text)",
    "PRAGMA application_id = 1",
    "PRAGMA user_version = 1",
  ];
  for (const sql of foreign) {
    await withPath((path) => {
      withDatabase(path, sql);
      refusesToOpen(path, /another program/);
    });
  }
});

Deno.test("another layout is refused and left alone", async () => {
  for (const version of [0, 2, 2_000_000]) {
    await withPath((path) => {
      withStore(path, (store) => store.save(PEER, ID, TRANSFER));
      withDatabase(path, `PRAGMA user_version = ${version}`);
      refusesToOpen(path, new RegExp(`layout ${version}, this stx knows 1`));
    });
  }
});

Deno.test("a damaged database is refused and left alone", async () => {
  await withPath((path) => {
    withStore(path, (store) => {
      for (let i = 0; i < 100; i++) {
        store.save(PEER, Uint8Array.of(i), { ...TRANSFER, manifest: new Uint8Array(3000).fill(i) });
      }
    });
    const file = Deno.openSync(path, { write: true });
    const size = file.statSync().size;
    // All but the first page, so that only a look at the whole finds it.
    for (let at = 4096 + 100; at + 200 < size; at += 4096) {
      file.seekSync(at, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(200).fill(0xee));
    }
    file.close();
    refusesToOpen(path, /damaged/);
  });
});

Deno.test("a database without what belongs in it is refused", async () => {
  for (
    const sql of [
      "DROP TABLE transfers",
      "ALTER TABLE transfers DROP COLUMN receipt",
      "ALTER TABLE transfers RENAME COLUMN peer TO friend",
    ]
  ) {
    await withPath((path) => {
      withStore(path, () => {});
      withDatabase(path, sql);
      fails(() => new SqliteTransferStore(path), "state_corrupt", path, /damaged/, /--state/);
    });
  }
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
      withDatabase(path, `UPDATE transfers SET placement = '${placement}'`);
      withStore(path, (store) => {
        fails(() => store.find(PEER, ID), "state_corrupt", path, /damaged/, /--state/);
        fails(() => store.list("receiving"), "state_corrupt", path, /damaged/, /--state/);
      });
    });
  }
});

Deno.test("a file that another process has locked is busy", async () => {
  await withPath(async (path) => {
    await withProcess("lock", path, () => {
      fails(() => new SqliteTransferStore(path), "state_busy", path, /another process/, /stop the other/);
    });
  });
});

Deno.test("a file that another process writes for long is busy", async () => {
  await withPath(async (path) => {
    withStore(path, () => {});
    await withProcess("write", path, async (end) => {
      const store = new SqliteTransferStore(path);
      try {
        fails(() => store.save(PEER, ID, TRANSFER), "state_busy", path, /another process/, /stop the other/);
        await end();
        store.save(PEER, ID, TRANSFER);
        assert.deepEqual(store.find(PEER, ID), TRANSFER);
      } finally {
        store.close();
      }
    });
  });
});

Deno.test("a folder, or a file in a folder that is missing, cannot be used", async () => {
  await withTempFolder((folder) => {
    for (const path of [folder, `${folder}/missing/state`]) {
      fails(() => new SqliteTransferStore(path), "disk", path, /Cannot use/, /--state/);
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test({
  name: `a full disk is called so${HAS_SMALL_DISKS ? "" : " (needs unshare and mount)"}`,
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const [program, ...args] = [...onSmallDisk(folder, "1m"), ...commandOf("fill", `${folder}/state`)];
      const env = { HOME: Deno.env.get("HOME") ?? folder };
      const { stdout, stderr } = await runProgram(program!, args, { env });
      assert.equal(stdout, "disk_full\n", stderr);
    });
  },
});
