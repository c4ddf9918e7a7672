import assert from "node:assert/strict";
import { SqliteNonceStore } from "../../../lib/store/sqlite_nonce_store.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { HAS_SMALL_DISKS, onSmallDisk, runProgram } from "../../support/programs.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { LATER_MS, NONCE, nonceOf, NOW_MS } from "./rows.ts";
import { change, countOf, fails, withDatabase, withPath, withState } from "./state_file.ts";
import { commandOf, RACE_SIZE, withProcess } from "./store_process.ts";

Deno.test("a claim is there after the file is opened again", async () => {
  await withPath((path) => {
    const claim = (nowMs: number) =>
      withState(path, (state) => new SqliteNonceStore(state).claim(NONCE, LATER_MS, nowMs));
    assert.equal(claim(NOW_MS), true);
    assert.equal(claim(NOW_MS), false);
    assert.equal(claim(LATER_MS), false);
    assert.equal(claim(LATER_MS + 1), true);
  });
});

Deno.test("a claim is there after the process was killed right behind it", async () => {
  await withPath(async (path) => {
    await withProcess("claim", path, async ({ end }) => {
      await end();
      withState(path, (state) => {
        assert.equal(new SqliteNonceStore(state).claim(NONCE, LATER_MS, NOW_MS), false);
      });
    });
  });
});

Deno.test("of two processes that claim the same nonces at once, exactly one gets each", async () => {
  await withPath(async (path) => {
    await withProcess("race", path, async (one) => {
      await withProcess("race", path, async (other) => {
        const said = await Promise.all([one.goOn(), other.goOn()]);
        const got = said.flatMap((text) => JSON.parse(text) as number[]).sort((left, right) => left - right);
        assert.deepEqual(got, Array.from({ length: RACE_SIZE }, (_, number) => number));
      });
    });
  });
});

Deno.test("expired claims leave the file, and nothing is searched row by row to find them", async () => {
  await withPath((path) => {
    withState(path, () => {});
    change(
      path,
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99999)
      INSERT INTO nonces SELECT randomblob(32), ${NOW_MS} + n FROM numbers`,
    );
    const statements: string[] = [];
    withState(path, (state) => {
      const prepare = state.prepare.bind(state);
      state.prepare = (sql) => {
        statements.push(sql);
        return prepare(sql);
      };
      assert.equal(new SqliteNonceStore(state).claim(NONCE, LATER_MS, NOW_MS + 99_990), true);
    });
    assert.equal(countOf(path, "nonces"), 11);

    const plans = withDatabase(path, (database) =>
      statements.map((sql) => {
        const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...sql.match(/\?/g)!.map(() => 0));
        return steps.map(({ detail }) => String(detail));
      }));
    assert.deepEqual(plans, [["SEARCH nonces USING COVERING INDEX nonces_by_expiry (expires_ms<?)"], []]);
  });
});

Deno.test("a claim that cannot be written down is an error, and the next one is tried afresh", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const store = new SqliteNonceStore(state);
      change(path, "ALTER TABLE nonces RENAME TO hidden");
      fails(() => store.claim(NONCE, LATER_MS, NOW_MS), "state_corrupt", path, /damaged/, /--state/);
      change(path, "ALTER TABLE hidden RENAME TO nonces");
      assert.equal(store.claim(NONCE, LATER_MS, NOW_MS), true);
    });
  });
});

Deno.test("a claim that fails half-way forgets nothing", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const store = new SqliteNonceStore(state);
      store.claim(nonceOf(1), NOW_MS, NOW_MS);
      change(path, "CREATE TRIGGER stop BEFORE INSERT ON nonces BEGIN SELECT raise(ABORT, 'stopped'); END");
      fails(() => store.claim(NONCE, LATER_MS, NOW_MS + 1), "disk", path, /stopped/, /--state/);
      assert.equal(countOf(path, "nonces"), 1);
    });
  });
});

Deno.test("a claim while another process writes for long is an error", async () => {
  await withPath(async (path) => {
    withState(path, () => {});
    await withProcess("write", path, async ({ end }) => {
      const state = new SqliteState(path);
      try {
        const store = new SqliteNonceStore(state);
        const claim = () => store.claim(NONCE, LATER_MS, NOW_MS);
        fails(claim, "state_busy", path, /another process/, /stop the other/);
        await end();
        assert.equal(claim(), true);
      } finally {
        state.close();
      }
    });
  });
});

Deno.test("a claim waits for another process for a moment only, and nobody else less than before", async () => {
  await withPath((path) => {
    withState(path, (state) => {
      const timeout = () => Object.values(state.prepare("PRAGMA busy_timeout").get()!)[0];
      const usual = timeout();
      const seen: unknown[] = [];
      const transaction = state.transaction.bind(state);
      state.transaction = (body, patienceMs) =>
        transaction(() => {
          seen.push(timeout());
          return body();
        }, patienceMs);
      new SqliteNonceStore(state).claim(NONCE, LATER_MS, NOW_MS);
      assert.deepEqual(seen, [1_000]);
      assert.equal(timeout(), usual);
      assert.equal(usual, 5_000);
    });
  });
});

Deno.test("a state without the nonces is damaged", async () => {
  await withPath((path) => {
    withState(path, () => {});
    change(path, "DROP TABLE nonces");
    withState(path, (state) => {
      fails(() => new SqliteNonceStore(state), "state_corrupt", path, /damaged/, /--state/);
    });
  });
});

Deno.test({
  name: `claims on a full disk fail, one like the other${
    HAS_SMALL_DISKS ? "" : " (needs unshare and mount)"
  }`,
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const command = commandOf("fillNonces", `${folder}/state`);
      const [program, ...args] = [...onSmallDisk(folder, "1m"), ...command];
      const env = { HOME: Deno.env.get("HOME") ?? folder };
      const { stdout, stderr } = await runProgram(program!, args, { env });
      assert.equal(stdout, "disk_full disk_full\n", stderr);
    });
  },
});
