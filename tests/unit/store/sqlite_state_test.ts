import assert from "node:assert/strict";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { StxError } from "../../../lib/errors.ts";
import { SqliteNonceStore } from "../../../lib/store/sqlite_nonce_store.ts";
import { SqliteRotationStore } from "../../../lib/store/sqlite_rotation_store.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { HAS_SMALL_DISKS, onSmallDisk, runProgram } from "../../support/programs.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { ID, LATER_MS, NONCE, NOW_MS, PEER, ROTATION, TRANSFER } from "./rows.ts";
import {
  change,
  countOf,
  fails,
  schemaOf,
  whenTold,
  withDatabase,
  withPath,
  withState,
} from "./state_file.ts";
import { commandOf, withProcess } from "./store_process.ts";
import { OLD_ROWS, writeVersion1 } from "./version_1.ts";

/** Asserts that the file is refused as it is, stays as it is, and is let go of. */
function refusesToOpen(path: string, message: RegExp): void {
  const before = Deno.readFileSync(path);
  let closed = 0;
  const close = DatabaseSync.prototype.close;
  DatabaseSync.prototype.close = function (this: DatabaseSync) {
    close.call(this);
    closed += 1;
  };
  try {
    fails(
      () => new SqliteState(path),
      "state_corrupt",
      path,
      message,
      /--state.*move this one away.*keys are forgotten/,
    );
  } finally {
    DatabaseSync.prototype.close = close;
  }
  assert.equal(closed, 1);
  assert.deepEqual(Deno.readFileSync(path), before);
}

/** Asserts that the file has the first layout, whole, with the rows of {@link OLD_ROWS}. */
function isWholeVersion1(path: string): void {
  withDatabase(path, (database) => {
    assert.equal(database.prepare("PRAGMA user_version").get()!["user_version"], 1);
    assert.equal(database.prepare("PRAGMA integrity_check").get()!["integrity_check"], "ok");
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    assert.deepEqual(tables.map(({ name }) => name), ["transfers"]);
  });
  assert.equal(countOf(path, "transfers"), OLD_ROWS.length);
}

/** Asserts that the file has the newest layout, the rows of {@link OLD_ROWS}, and room for the other memories. */
function isWholeAndNew(path: string): void {
  withState(path, (state) => {
    const transfers = new SqliteTransferStore(state);
    for (const [peer, id, transfer, manifest] of OLD_ROWS) {
      assert.deepEqual(transfers.find(peer, id), transfer);
      assert.deepEqual(transfers.manifestPart(peer, id, 0), manifest);
      assert.equal(transfers.manifestPart(peer, id, 1), undefined);
    }
    assert.equal(new SqliteNonceStore(state).claim(NONCE, LATER_MS, NOW_MS), true);
    assert.deepEqual(new SqliteRotationStore(state).list(), []);
  });
  assert.equal(countOf(path, "transfers"), OLD_ROWS.length);
  withDatabase(path, (database) => {
    assert.equal(database.prepare("PRAGMA user_version").get()!["user_version"], 4);
  });
}

Deno.test("an open file has a log and waits for the disk, and trusts no function that it names", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const valueOf = (pragma: string) => Object.values(state.prepare(`PRAGMA ${pragma}`).get()!)[0];
      assert.equal(valueOf("journal_mode"), "wal");
      assert.equal(valueOf("synchronous"), 2);
      assert.equal(valueOf("trusted_schema"), 0);
      assert.equal(valueOf("application_id"), 0x73747831);
    });
  });
});

Deno.test("a file of the first layout is brought to the newest, with all that is in it", async () => {
  await withPath((path) => {
    writeVersion1(path);
    isWholeVersion1(path);
    isWholeAndNew(path);
    withState(path, (state) => {
      assert.equal(new SqliteNonceStore(state).claim(NONCE, LATER_MS, NOW_MS), false);
      new SqliteRotationStore(state).save(ROTATION);
    });
    withState(path, (state) => assert.deepEqual(new SqliteRotationStore(state).list(), [ROTATION]));
  });
});

Deno.test("an old file and a new one end up with the same layout", async () => {
  await withTempFolder((folder) => {
    writeVersion1(`${folder}/old`);
    for (const name of ["old", "new"]) withState(`${folder}/${name}`, () => {});
    assert.deepEqual(schemaOf(`${folder}/old`), schemaOf(`${folder}/new`));
  });
});

Deno.test("a process killed while it changes the layout leaves the old one whole", async () => {
  await withPath(async (path) => {
    writeVersion1(path);
    await withProcess("migrate", path, async ({ end }) => {
      await end();
      isWholeVersion1(path);
    });
    isWholeAndNew(path);
  });
});

Deno.test("a change of the layout that fails half-way leaves the old one whole", async () => {
  await withPath((path) => {
    writeVersion1(path);
    change(path, "CREATE TABLE rotations (x)");
    refusesToOpen(path, /damaged/);
    change(path, "DROP TABLE rotations");
    isWholeVersion1(path);
  });
});

for (const [kind, prepare] of [["old", writeVersion1], ["missing", () => {}]] as const) {
  Deno.test(`two processes that find the same ${kind} file at once make the layout once`, async () => {
    await withPath((path) => {
      prepare(path);
      let others = 0;
      const other = () => {
        others += 1;
        if (others === 1) withState(path, (state) => new SqliteTransferStore(state).save(PEER, ID, TRANSFER));
      };
      whenTold("BEGIN IMMEDIATE", other, () => {
        withState(path, (state) => {
          assert.deepEqual(new SqliteTransferStore(state).find(PEER, ID), TRANSFER);
        });
      });
      assert.equal(others, 2);
    });
  });
}

Deno.test("a file that gets a newer layout just before it would be changed is refused", async () => {
  await withPath((path) => {
    writeVersion1(path);
    whenTold("BEGIN IMMEDIATE", () => change(path, "PRAGMA user_version = 5"), () => {
      fails(() => new SqliteState(path), "state_corrupt", path, /layout 5/, /--state/);
    });
  });
});

Deno.test("a newest file is opened while another process writes", async () => {
  await withPath(async (path) => {
    writeVersion1(path);
    withState(path, () => {});
    await withProcess("write", path, () => {
      withState(path, (state) => assert.equal(new SqliteTransferStore(state).list("done").length, 1));
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
    "PRAGMA application_id = 1; PRAGMA user_version = 1",
    "PRAGMA application_id = 1",
    "PRAGMA user_version = 1",
  ];
  for (const sql of foreign) {
    await withPath((path) => {
      change(path, sql);
      refusesToOpen(path, /another program/);
    });
  }
});

Deno.test("another layout is refused and left alone", async () => {
  for (const version of [0, 5, 2_000_000, -1]) {
    await withPath((path) => {
      withState(path, () => {});
      change(path, `PRAGMA user_version = ${version}`);
      refusesToOpen(path, new RegExp(`layout ${version}, this stx knows 1 to 4`));
    });
  }
});

Deno.test("for the state of a newer stx, that one is what to use", async () => {
  await withPath((path) => {
    withState(path, () => {});
    change(path, "PRAGMA user_version = 99");
    const newer = /written by a newer stx: it has layout 99/;
    fails(
      () => new SqliteState(path),
      "state_corrupt",
      path,
      newer,
      /^use that stx, or .*keys are forgotten$/,
    );
  });
});

Deno.test("a disk that fails or has no room for the log is what the hint speaks of", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const fail = (text: string) => () => {
        throw new Error(text);
      };
      fails(
        () => state.guard(fail("disk I/O error")),
        "disk",
        path,
        /disk I\/O error$/,
        /df and dmesg.*--state/,
      );
      fails(() => state.guard(fail("out of luck")), "disk", path, /out of luck$/, /^name another file/);
    });
  });
});

/** Damages a file's bytes, by the way it is done. */
const DAMAGES: Readonly<Record<string, (file: Deno.FsFile, size: number) => void>> = {
  // Only a look at the whole finds it.
  "other bytes in all pages but the first": (file, size) => {
    for (let at = 4096 + 100; at + 200 < size; at += 4096) overwrite(file, at, 200);
  },
  "other bytes behind the header": (file) => overwrite(file, 100, 3000),
  "its end missing": (file, size) => file.truncateSync(size / 2),
};

function overwrite(file: Deno.FsFile, offset: number, size: number): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(size).fill(0xee));
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`a damaged database is refused and left alone, whatever its layout: ${name}`, async () => {
    for (const [isNewest, list] of [[false, "manifest"], [true, "manifest_digest"]] as const) {
      await withPath((path) => {
        writeVersion1(path);
        if (isNewest) withState(path, () => {});
        // Enough to need many pages.
        change(
          path,
          `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99)
          INSERT INTO transfers (peer, id, state, ${list}, block_size, durable, folder, placement, receipt, updated_ms)
          SELECT zeroblob(32), CAST(n AS BLOB), 'done', zeroblob(3000), 0, 0, '', '', x'', 0 FROM numbers`,
        );
        {
          using file = Deno.openSync(path, { write: true });
          damage(file, file.statSync().size);
        }
        refusesToOpen(path, /damaged/);
      });
    }
  });
}

Deno.test("a transaction is done whole or not at all, and a failed one does not stand in the next one's way", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const insert = state.prepare("INSERT INTO nonces VALUES (?, 0)");
      const failure = new Error("half-way");
      const failing = () =>
        state.transaction(() => {
          insert.run(Uint8Array.of(1));
          throw failure;
        });
      assert.throws(failing, (error) => error instanceof Error && error.cause === failure);
      assert.equal(countOf(path, "nonces"), 0);
      assert.equal(state.transaction(() => insert.run(Uint8Array.of(2)).changes), 1);
      assert.equal(countOf(path, "nonces"), 1);
    });
  });
});

Deno.test("a transaction has the file for itself from its first moment", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      state.transaction(() => {
        assert.throws(() => change(path, "BEGIN IMMEDIATE"), /locked/);
      });
      change(path, "BEGIN IMMEDIATE; ROLLBACK");
    });
  });
});

Deno.test("a file that another process has locked is busy", async () => {
  await withPath(async (path) => {
    await withProcess("lock", path, () => {
      fails(() => new SqliteState(path), "state_busy", path, /another process/, /stop the other/);
    });
  });
});

Deno.test("a file that another process writes for long is busy", async () => {
  await withPath(async (path) => {
    withState(path, () => {});
    await withProcess("write", path, async ({ end }) => {
      const state = new SqliteState(path);
      try {
        const store = new SqliteTransferStore(state);
        fails(() => store.save(PEER, ID, TRANSFER), "state_busy", path, /another process/, /stop the other/);
        await end();
        store.save(PEER, ID, TRANSFER);
        assert.deepEqual(store.find(PEER, ID), TRANSFER);
      } finally {
        state.close();
      }
    });
  });
});

Deno.test("a folder, or a file in a folder that is missing, cannot be used", async () => {
  await withTempFolder((folder) => {
    for (const path of [folder, `${folder}/missing/state`]) {
      fails(() => new SqliteState(path), "disk", path, /Cannot use/, /--state/);
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a runtime without SQLite is told apart from a file that cannot be used", async () => {
  await withPath((path) => {
    const original = process.getBuiltinModule;
    process.getBuiltinModule = () => undefined;
    try {
      assert.throws(() => new SqliteState(path), (error) => {
        assert.ok(error instanceof StxError, String(error));
        assert.equal(error.code, "disk");
        assert.match(error.message, /no SQLite/);
        assert.match(error.hint ?? "", /22\.13/);
        return true;
      });
    } finally {
      process.getBuiltinModule = original;
    }
  });
});

Deno.test("a closed state can be asked nothing", async () => {
  await withPath((path) => {
    const state = new SqliteState(path);
    const store = new SqliteNonceStore(state);
    state.close();
    fails(() => store.claim(NONCE, LATER_MS, NOW_MS), "disk", path, /not open/, /--state/);
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

Deno.test("a file that cannot be written is refused at once, and not when something is to be written", async () => {
  await withPath((path) => {
    new SqliteState(path).close();
    const readOnly = `file:${path}?mode=ro`;
    fails(
      () => new SqliteState(readOnly),
      "permission",
      readOnly,
      /^Cannot write the state file/,
      /--state$/,
    );
    new SqliteState(path).close();
  });
});
