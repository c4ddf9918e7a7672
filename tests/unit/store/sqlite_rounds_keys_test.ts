import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { SqliteRoundsKeys } from "../../../lib/store/sqlite_rounds_keys.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { HAS_SMALL_DISKS, onSmallDisk, runProgram } from "../../support/programs.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { CLIENT, FIRST_ROOT, SECOND_ROOT, THIRD_ROOT } from "./rows.ts";
import { change, fails, withDatabase, withPath, withState } from "./state_file.ts";
import { commandOf, ROOT_RACE_SIZE, withProcess } from "./store_process.ts";

const WAY_OUT = /--keys|enrol every client again/;

function withKeys<T>(path: string, body: (keys: SqliteRoundsKeys) => T): T {
  const keys = new SqliteRoundsKeys(path);
  try {
    return body(keys);
  } finally {
    keys.close();
  }
}

/** A file with one client in epoch 0. */
function enrolled(path: string): void {
  withKeys(path, (keys) => keys.enroll(CLIENT, FIRST_ROOT));
}

/** Which of these roots stand in the file, its log, or anything else beside it. */
function rootsIn(path: string, ...roots: readonly Bytes[]): readonly number[] {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const files = [...Deno.readDirSync(folder)].map(({ name }) => Deno.readFileSync(`${folder}/${name}`));
  const isThere = (root: Bytes) => files.some((file) => Buffer.from(file).includes(Buffer.from(root)));
  return roots.map((root, i) => isThere(root) ? i : -1).filter((i) => i >= 0);
}

const ROOTS = [FIRST_ROOT, SECOND_ROOT, THIRD_ROOT] as const;

Deno.test("a root that was replaced is nowhere in the files, while they are open and when they are closed", async () => {
  await withPath((path) => {
    withKeys(path, (keys) => {
      keys.enroll(CLIENT, FIRST_ROOT);
      assert.deepEqual(rootsIn(path, ...ROOTS), [0]);
      keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT);
      assert.deepEqual(rootsIn(path, ...ROOTS), [1]);
      keys.enroll(CLIENT, THIRD_ROOT);
      assert.deepEqual(rootsIn(path, ...ROOTS), [2]);
    });
    assert.deepEqual(rootsIn(path, ...ROOTS), [2]);
    withKeys(path, (keys) => {
      keys.revoke(CLIENT);
      assert.deepEqual(rootsIn(path, ...ROOTS), []);
    });
    assert.deepEqual(rootsIn(path, ...ROOTS), []);
  });
});

Deno.test("of a hundred clients' roots the files hold the last ones alone", async () => {
  await withPath((path) => {
    const rootOf = (client: number, epoch: number) =>
      Uint8Array.from({ length: 32 }, (_, i) => 0x80 ^ (7 * client + 13 * epoch + i * i * (epoch + 1)));
    withKeys(path, (keys) => {
      for (let client = 0; client < 100; client++) keys.enroll(`client-${client}`, rootOf(client, 0));
      for (let client = 0; client < 100; client += 3) {
        keys.advance(`client-${client}`, rootOf(client, 0), 1, rootOf(client, 1));
      }
      for (let client = 0; client < 100; client += 5) keys.revoke(`client-${client}`);
      const gone = Array.from({ length: 100 }, (_, client) => client).flatMap((client) => [
        ...(client % 3 === 0 || client % 5 === 0 ? [rootOf(client, 0)] : []),
        ...(client % 15 === 0 ? [rootOf(client, 1)] : []),
      ]);
      assert.deepEqual(rootsIn(path, ...gone), []);
      assert.deepEqual(rootsIn(path, rootOf(1, 0), rootOf(3, 1)), [0, 1]);
    });
  });
});

Deno.test("a process killed between a change and the end of its log leaves a root behind, until the next one opens", async () => {
  await withPath(async (path) => {
    enrolled(path);
    await withProcess("advanceRootHalf", path, async ({ end }) => {
      await end();
      assert.deepEqual(rootsIn(path, ...ROOTS), [0, 1]);
    });
    withKeys(path, (keys) => {
      assert.deepEqual(rootsIn(path, ...ROOTS), [1]);
      assert.deepEqual(keys.find(CLIENT), { root: SECOND_ROOT, epoch: 1 });
    });
  });
});

Deno.test("a program that reads the file for long holds nothing up, and the log is emptied behind it", async () => {
  await withPath((path) => {
    withKeys(path, (keys) => {
      keys.enroll(CLIENT, FIRST_ROOT);
      withDatabase(path, (reader) => {
        reader.exec("BEGIN; SELECT * FROM clients");
        // It waits for the reader as long as for a writer, which is too long for a test.
        const original = DatabaseSync.prototype.exec;
        DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
          if (sql === "PRAGMA wal_checkpoint(TRUNCATE)") original.call(this, "PRAGMA busy_timeout = 1");
          original.call(this, sql);
        };
        try {
          assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), true);
        } finally {
          DatabaseSync.prototype.exec = original;
        }
        assert.deepEqual(rootsIn(path, ...ROOTS), [0, 1]);
        reader.exec("COMMIT");
      });
      keys.advance(CLIENT, SECOND_ROOT, 2, THIRD_ROOT);
      assert.deepEqual(rootsIn(path, ...ROOTS), [2]);
    });
  });
});

Deno.test("nobody but its owner may read the file, or its log", async () => {
  await withPath((path) => {
    withKeys(path, (keys) => {
      keys.enroll(CLIENT, FIRST_ROOT);
      const folder = path.slice(0, path.lastIndexOf("/"));
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assert.ok(files.includes("state-wal"), files.join());
      for (const name of files) assert.equal(Deno.statSync(`${folder}/${name}`).mode! & 0o777, 0o600, name);
    });
  });
});

Deno.test("the file overwrites what is deleted, has a log and waits for the disk", async () => {
  await withPath((path) => {
    const pragmas: unknown[] = [];
    const close = DatabaseSync.prototype.close;
    DatabaseSync.prototype.close = function (this: DatabaseSync) {
      for (const pragma of ["secure_delete", "journal_mode", "synchronous", "application_id"]) {
        pragmas.push(Object.values(this.prepare(`PRAGMA ${pragma}`).get()!)[0]);
      }
      close.call(this);
    };
    try {
      enrolled(path);
    } finally {
      DatabaseSync.prototype.close = close;
    }
    assert.deepEqual(pragmas, [1, "wal", 2, 0x73747872]);
  });
});

Deno.test("an epoch is there after the process was killed right behind it", async () => {
  await withPath(async (path) => {
    enrolled(path);
    await withProcess("advanceRoot", path, async ({ end }) => {
      await end();
      withKeys(path, (keys) => assert.deepEqual(keys.find(CLIENT), { root: SECOND_ROOT, epoch: 1 }));
    });
  });
});

Deno.test("of two processes that go on to the same epochs at once, exactly one gets each", async () => {
  await withPath(async (path) => {
    const numbers = Array.from({ length: ROOT_RACE_SIZE }, (_, number) => number);
    withKeys(path, (keys) => {
      for (const number of numbers) keys.enroll(`c${number}`, FIRST_ROOT);
    });
    await withProcess("raceRoots", path, async (one) => {
      await withProcess("raceRoots", path, async (other) => {
        const said = await Promise.all([one.goOn(), other.goOn()]);
        const got = said.flatMap((text) => JSON.parse(text) as number[]).sort((left, right) => left - right);
        assert.deepEqual(got, numbers);
      });
    });
  });
});

Deno.test("another process's enrolments are seen at once", async () => {
  await withPath((path) => {
    withKeys(path, (server) => {
      enrolled(path);
      assert.deepEqual(server.find(CLIENT), { root: FIRST_ROOT, epoch: 0 });
      withKeys(path, (other) => other.revoke(CLIENT));
      assert.equal(server.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), false);
      assert.equal(server.find(CLIENT), undefined);
    });
  });
});

Deno.test("a root of another size does not get in", async () => {
  await withPath((path) => {
    withKeys(path, (keys) => {
      keys.enroll(CLIENT, FIRST_ROOT);
      for (const size of [0, 31, 33]) {
        const wrong = new Uint8Array(size);
        fails(() => keys.enroll("other", wrong), "disk", path, /key database .* constraint/i, WAY_OUT);
        fails(() => keys.advance(CLIENT, FIRST_ROOT, 1, wrong), "disk", path, /constraint/i, WAY_OUT);
      }
      assert.deepEqual(keys.list(), [{ id: CLIENT, epoch: 0 }]);
    });
  });
});

Deno.test("a file of another kind is refused, and stays as it is", async () => {
  await withPath((path) => {
    withState(path, () => {});
    const before = Deno.readFileSync(path);
    fails(() => new SqliteRoundsKeys(path), "state_corrupt", path, /another program/, WAY_OUT);
    assert.deepEqual(Deno.readFileSync(path), before);
  });
  await withPath((path) => {
    enrolled(path);
    fails(() => new SqliteState(path), "state_corrupt", path, /another program/, /--state/);
    change(path, "PRAGMA user_version = 2");
    const newer = /written by a newer stx: it has layout 2, this stx knows 1/;
    fails(() => new SqliteRoundsKeys(path), "state_corrupt", path, newer, /^use that stx, or .*--keys/);
    change(path, "PRAGMA user_version = -1");
    fails(
      () => new SqliteRoundsKeys(path),
      "state_corrupt",
      path,
      /has layout -1, this stx knows 1/,
      WAY_OUT,
    );
  });
});

Deno.test("a file without its table is damaged, and is let go of", async () => {
  await withPath((path) => {
    enrolled(path);
    change(path, "DROP TABLE clients");
    let closed = 0;
    const close = DatabaseSync.prototype.close;
    DatabaseSync.prototype.close = function (this: DatabaseSync) {
      close.call(this);
      closed += 1;
    };
    try {
      fails(() => new SqliteRoundsKeys(path), "state_corrupt", path, /damaged/, WAY_OUT);
    } finally {
      DatabaseSync.prototype.close = close;
    }
    assert.equal(closed, 1);
  });
});

Deno.test("a folder, or a file in a folder that is missing, cannot be used", async () => {
  await withTempFolder((folder) => {
    for (const path of [folder, `${folder}/missing/keys`]) {
      fails(() => new SqliteRoundsKeys(path), "disk", path, /Cannot use the key database/, WAY_OUT);
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a closed file can be asked nothing", async () => {
  await withPath((path) => {
    const keys = new SqliteRoundsKeys(path);
    keys.close();
    fails(() => keys.find(CLIENT), "disk", path, /Cannot use the key database/, WAY_OUT);
  });
});

Deno.test({
  name: `an epoch that finds the disk full is an error${HAS_SMALL_DISKS ? "" : " (needs unshare and mount)"}`,
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const [program, ...args] = [...onSmallDisk(folder, "1m"), ...commandOf("fillRoots", `${folder}/keys`)];
      const env = { HOME: Deno.env.get("HOME") ?? folder };
      const { stdout, stderr } = await runProgram(program!, args, { env });
      assert.equal(stdout, "disk_full disk_full\n", stderr);
    });
  },
});

Deno.test("a reader of the file holds nobody up: the log is emptied with the next change after it", async () => {
  await withPath((path) => {
    enrolled(path);
    withKeys(path, (keys) => {
      const reader = new DatabaseSync(path);
      try {
        reader.exec("BEGIN; SELECT * FROM clients;");
        reader.prepare("SELECT count(*) FROM clients").get();
        // A generous guard: waiting for the reader would take 5 s, a change takes milliseconds.
        const startMs = performance.now();
        assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), true);
        assert.ok(performance.now() - startMs < 4_000);
        reader.exec("COMMIT");
      } finally {
        reader.close();
      }
      assert.equal(keys.advance(CLIENT, SECOND_ROOT, 2, THIRD_ROOT), true);
      assert.deepEqual(rootsIn(path, ...ROOTS), [2]);
    });
  });
});
