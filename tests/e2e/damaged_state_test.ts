/** Files that are damaged, foreign or older: refused with the way out and left as they are, or brought to the newest. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { codeOf } from "../../lib/errors.ts";
import { SqliteState } from "../../lib/store/sqlite_state.ts";
import { OBEYING_MODES } from "../support/programs.ts";
import { Relay } from "../support/relay.ts";
import { withGroup } from "../support/rounds_group.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { type Person, type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { names, tree } from "../support/tree.ts";

/** Asserts exit 7 and one line, which says what to do. */
function assertRefused({ code, stderr }: Ended, words: RegExp, what: string): void {
  assert.equal(code, 7, `${what}: ${stderr}`);
  assert.match(stderr, /^stx (send|recv|keys|rounds): [^\n]+(; |\. )[^\n]+\n$/, what);
  assert.match(stderr, words, what);
}

/** Runs stx with one file in each of several states, and asserts that it refuses each and leaves it as it is. */
async function refusesEach(
  run: (args: readonly string[]) => Promise<Ended>,
  path: string,
  states: Readonly<Record<string, Uint8Array | string>>,
  args: readonly string[],
  words: RegExp,
): Promise<void> {
  for (const [name, content] of Object.entries(states)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(path, bytes, { mode: 0o600 });
    assertRefused(await run(args), words, `${args.slice(0, 2).join(" ")}, ${name}`);
    assert.deepEqual(Deno.readFileSync(path), bytes, `${name}: changed`);
  }
}

function runAs(stage: Stage, person: Person): (args: readonly string[]) => Promise<Ended> {
  return (args) => stage.run(args, { person });
}

/** Leaves a transfer unfinished, in a state file that is closed; returns what was being sent, and the state file. */
async function leaveUnfinished(stage: Stage): Promise<{ file: string; state: string }> {
  const file = stage.file("file", 8_000_000);
  const receiver = await stage.receive();
  assert.equal((await stage.send(receiver, stage.file("whole", "content"))).code, 0);
  await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
  assert.equal((await stage.send(relay, file, { args: ["--retry-for", "0"] })).code, 5);
  await receiver.process.event("error");
  receiver.process.kill("SIGTERM");
  await receiver.process.ended;
  return { file, state: `${stage.receiver.home}/state/stx/recv.db` };
}

/** A copy with some bytes inverted. */
function flipped(bytes: Uint8Array, ...offsets: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const offset of offsets) copy[offset]! ^= 0xff;
  return copy;
}

/** Changes a database by hand, as its owner could. */
function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** The bytes of a database after a change, which the file itself does not get. */
function changed(bytes: Uint8Array, folder: string, sql: string): Uint8Array {
  const path = `${folder}/copy.db`;
  Deno.writeFileSync(path, bytes);
  change(path, sql);
  return Deno.readFileSync(path);
}

Deno.test("recv with a damaged state file: exit 7, the way out, and not a byte of anything is changed", async () => {
  await withStage(async (stage) => {
    const { state } = await leaveUnfinished(stage);
    const whole = Deno.readFileSync(state);
    const partial = tree(`${stage.inbox}/.stx-partial`);
    const states = {
      "cut to nothing but its header": whole.subarray(0, 100),
      "cut inside a page": whole.subarray(0, whole.length - 2000),
      "another magic": flipped(whole, 0),
      "another page size": flipped(whole, 16),
      "another kind of schema": flipped(whole, 47),
      "another text encoding": flipped(whole, 59),
      "a broken root": flipped(whole, 100, 101, 102, 103),
      "a broken table": flipped(whole, ...Array.from({ length: 20 }, (_, index) => 4096 + index)),
      "a line of text": "hello\n",
      "long text": "this is no database. ".repeat(1000),
      "a newer layout": changed(whole, stage.folder, "PRAGMA user_version = 99"),
      "another program's": changed(whole, stage.folder, "PRAGMA application_id = 7"),
      "a table gone": changed(whole, stage.folder, "DROP TABLE transfers"),
      "a column gone": changed(whole, stage.folder, "ALTER TABLE nonces RENAME TO mine"),
    };
    const args = ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox];
    await refusesEach(
      runAs(stage, stage.receiver),
      state,
      states,
      args,
      /^stx recv: [^\n]*state file [^\n]*\/recv\.db[^\n]*(?:; |use that stx, or )name another file with --state, or move this one away/,
    );
    assert.deepEqual(tree(`${stage.inbox}/.stx-partial`), partial);

    for (
      const [what, path] of [["a folder", stage.inbox], ["no folder", `${stage.folder}/absent/db`]] as const
    ) {
      assertRefused(await runAs(stage, stage.receiver)([...args, "--state", path]), /--state/, what);
    }
  });
});

Deno.test("a state file with any byte of its header changed, or any other, is refused as it is or keeps all its rows", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/state`;
    new SqliteState(path).close();
    change(
      path,
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 29)
      INSERT INTO transfers SELECT zeroblob(32), CAST(n AS BLOB), 'done', zeroblob(700), 0, 0, '', '{}', x'', n, 0 FROM numbers`,
    );
    const whole = Deno.readFileSync(path);
    const random = seededRandom("a state file");
    const anywhere = Array.from({ length: 200 }, () => {
      const bytes = random.bytes(4);
      return new DataView(bytes.buffer).getUint32(0) % whole.length;
    });
    let refusedCount = 0;
    for (const offset of [...Array.from({ length: 108 }, (_, index) => index), ...anywhere]) {
      for (const name of names(folder)) Deno.removeSync(`${folder}/${name}`);
      const damaged = flipped(whole, offset);
      Deno.writeFileSync(path, damaged);
      try {
        const state = new SqliteState(path);
        try {
          const { n } = state.guard(() => state.prepare("SELECT count(*) AS n FROM transfers").get())!;
          assert.equal(n, 30, `byte ${offset}: rows are gone`);
        } finally {
          state.close();
        }
      } catch (error) {
        assert.ok(
          ["state_corrupt", "permission", "disk"].includes(codeOf(error) ?? ""),
          `byte ${offset}: ${error}`,
        );
        assert.deepEqual(Deno.readFileSync(path), damaged, `byte ${offset}: refused, and changed`);
        refusedCount += 1;
      }
    }
    assert.ok(refusedCount > 40, `${refusedCount} were refused`);
  });
});

/** What makes the third layout out of the fourth, and so on. */
const [TO_3, TO_2, TO_1] = [
  `
    DROP INDEX transfers_finished_by_peer;
    ALTER TABLE transfers RENAME COLUMN manifest_digest TO manifest;
    UPDATE transfers SET manifest =
      (SELECT bytes FROM manifests WHERE manifests.peer = transfers.peer AND manifests.id = transfers.id);
    ALTER TABLE transfers DROP COLUMN manifest_size;
    DROP TABLE manifests;
    PRAGMA user_version = 3;
  `,
  "DROP INDEX transfers_finished; PRAGMA user_version = 2;",
  "DROP TABLE nonces; DROP TABLE rotations; PRAGMA user_version = 1;",
];

for (
  const [layout, sql] of [
    [1, TO_3 + TO_2 + TO_1],
    [2, TO_3 + TO_2],
    [3, TO_3],
  ] as const
) {
  Deno.test(`a state file of layout ${layout} is brought to the newest, and its transfer goes on`, async () => {
    await withStage(async (stage) => {
      const { file, state } = await leaveUnfinished(stage);
      change(state, sql);
      const receiver = await stage.receive();

      const sent = await stage.send(receiver, file);

      assert.equal(sent.code, 0, sent.stderr);
      assert.ok(sent.events.some((event) => event.event === "resumed" && event.offsetBytes > 1_000_000));
      assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
      receiver.process.kill("SIGTERM");
      await receiver.process.ended;
      const database = new DatabaseSync(state);
      assert.equal(database.prepare("PRAGMA user_version").get()!["user_version"], 4);
      database.close();
    });
  });
}

Deno.test("an empty state file is a new one; a log that is none of SQLite's costs what is in the file nothing", async () => {
  await withStage(async (stage) => {
    const { file, state } = await leaveUnfinished(stage);
    Deno.writeTextFileSync(`${state}-wal`, "no log of anybody's. ".repeat(1000));
    const receiver = await stage.receive();
    const sent = await stage.send(receiver, file);
    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(sent.events.some(({ event }) => event === "resumed"), sent.stderr);
    receiver.process.kill("SIGTERM");
    await receiver.process.ended;

    Deno.writeTextFileSync(`${stage.folder}/empty`, "");
    const other = await stage.receive({
      args: ["--state", `${stage.folder}/empty`, "--on-conflict", "rename"],
    });
    assert.equal((await stage.send(other, file)).code, 0);
  });
});

/** What is no private key, each by its name. */
function brokenKeys(key: string): Readonly<Record<string, string>> {
  return {
    "cut": key.slice(0, key.length / 2),
    "one letter": key.replace(/^b3Bl/m, "b3Bm"),
    "its end": key.replace(/-----END[^]*$/, ""),
    "text": "not a key\n",
    "empty": "",
  };
}

Deno.test("a damaged identity: recv, send, keys list and keys rotate refuse it, and leave it as it is", async () => {
  await withStage(async (stage) => {
    const path = stage.receiver.identity;
    const broken = brokenKeys(Deno.readTextFileSync(path));
    const run = runAs(stage, stage.receiver);
    const file = stage.file("file", "content");
    await refusesEach(
      run,
      path,
      broken,
      ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox],
      /identity/,
    );
    const few = { cut: broken["cut"]!, empty: "" };
    for (
      const args of [
        ["send", file, "127.0.0.1:1", "--peer", stage.receiver.fingerprint],
        ["keys", "list"],
        ["keys", "rotate"],
        ["keys", "rotate", "--force"],
      ]
    ) await refusesEach(run, path, few, args, /identity/);
    assert.ok(!names(stage.receiver.config).some((name) => /next|rotation/.test(name)));
  });
});

Deno.test("a damaged next key or statement: nothing is finished or lost, and no transfer fails for it", async () => {
  await withStage(async (stage) => {
    const run = runAs(stage, stage.receiver);
    const { identity } = stage.receiver;
    assert.equal((await run(["keys", "rotate"])).code, 0);
    const before = Deno.readTextFileSync(identity);
    const [next, statement] = [`${identity}.next`, `${identity}.rotation`];
    const [nextKey, said] = [Deno.readTextFileSync(next), Deno.readTextFileSync(statement)];
    await refusesEach(run, next, brokenKeys(nextKey), ["keys", "rotate", "--finish"], /identity/);
    Deno.writeTextFileSync(next, nextKey);
    const broken = {
      "cut": said.slice(0, said.length / 2),
      "one letter": said.replace(/[A-Za-z](?=[^]{40,80}$)/, (letter) => letter === "A" ? "B" : "A"),
      "text": "nothing\n",
      "empty": "",
    };
    await refusesEach(run, statement, broken, ["keys", "rotate", "--finish"], /identity/);
    assert.deepEqual([Deno.readTextFileSync(identity), Deno.readTextFileSync(next)], [before, nextKey]);

    const receiver = await stage.receive();
    assert.equal((await stage.send(receiver, stage.file("file", "content"))).code, 0);
    assert.equal(Deno.readTextFileSync(statement), "");
    Deno.writeTextFileSync(statement, said);
    assert.equal((await run(["keys", "rotate", "--finish"])).code, 0);
    assert.equal(Deno.readTextFileSync(identity), nextKey);
  });
});

Deno.test("damaged shared keys: neither end starts with them", async () => {
  await withStage(async (stage) => {
    const psk = `${stage.folder}/psk`;
    assert.equal((await stage.run(["keygen", "--psk", "--out", psk])).code, 0);
    const key = Deno.readTextFileSync(psk);
    const broken = {
      "cut": key.slice(0, 30),
      "one letter": key.replace(/[0-9A-Za-z+/](?=\S{10})/, (letter) => letter === "A" ? "!" : "\u00c4"),
      "a line too many": `${key}nonsense\n`,
      "empty": "",
    };
    const file = stage.file("file", "content");
    const args = [
      ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--psk-file", psk],
      ["send", file, "127.0.0.1:1", "--psk-file", psk, "--peer", stage.receiver.fingerprint],
    ];
    for (const each of args) await refusesEach(runAs(stage, stage.receiver), psk, broken, each, /psk/);
  });
});

Deno.test("damaged lists of trust: who is known or revoked is not guessed, and nothing is written over them", async () => {
  await withStage(async (stage) => {
    const run = runAs(stage, stage.receiver);
    const key = Deno.readTextFileSync(`${stage.sender.identity}.pub`).trim();
    const known = `${stage.receiver.config}/known_receivers`;
    const revoked = `${stage.receiver.config}/revoked_keys`;
    const file = stage.file("file", "content");
    const lines = {
      "a cut line": `# mine\n[host]:7891 ${key.slice(0, 40)}\n`,
      "other bytes": new Uint8Array([0x80, 0xff, 0x00, 0x0a, 0x41]),
    };
    for (
      const args of [["send", file, "127.0.0.1:1"], ["keys", "trust", key, "host"], ["keys", "list"]]
    ) await refusesEach(run, known, lines, args, /known_receivers/);
    Deno.removeSync(known);
    const revocations = { "a cut line": "SHA256:short\n", "other bytes": lines["other bytes"] };
    for (
      const args of [
        ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox],
        ["send", file, "127.0.0.1:1", "--peer", stage.sender.fingerprint],
        ["keys", "trust", key],
        ["keys", "revoke", stage.sender.fingerprint],
        ["keys", "list"],
      ]
    ) await refusesEach(run, revoked, revocations, args, /revoked_keys/);
  });
});

Deno.test("authorized keys with lines that cannot be read: those grant nothing, are warned of, and stay", async () => {
  await withStage(async (stage) => {
    const path = `${stage.receiver.config}/authorized_keys`;
    const key = Deno.readTextFileSync(`${stage.sender.identity}.pub`);
    const text = `${key.slice(0, 40)}\n\x00\x01\x02\n${key}`;
    Deno.writeTextFileSync(path, text);
    const receiver = await stage.receive();
    assert.equal((await stage.send(receiver, stage.file("file", "content"))).code, 0);
    const { message } = await receiver.process.event("log", ({ level }) => level === "warning");
    assert.match(message, /[Ll]ine 1/);
    assert.equal(Deno.readTextFileSync(path), text);
    const other = await stage.newPerson("other");
    const more = await stage.run(["keys", "trust", `${other.identity}.pub`], { person: stage.receiver });
    assert.equal(more.code, 0, more.stderr);
    assert.equal(Deno.readTextFileSync(path), text + Deno.readTextFileSync(`${other.identity}.pub`));
  });
});

Deno.test("damaged databases and keys of rounds: every action refuses them, and leaves them as they are", async () => {
  await withGroup(["roof"], async (group) => {
    const run = (args: readonly string[]) => group.start(["rounds", ...args]).ended;
    const whole = Deno.readFileSync(group.database);
    const states = {
      "cut": whole.subarray(0, whole.length / 2),
      "another magic": flipped(whole, 0),
      "a broken table": flipped(whole, ...Array.from({ length: 20 }, (_, index) => 4096 + index)),
      "text": "this is no database. ".repeat(1000),
      "a newer layout": changed(whole, group.folder, "PRAGMA user_version = 99"),
      "another program's": changed(whole, group.folder, "PRAGMA application_id = 7"),
    };
    const words =
      /key database [^\n]*(?:; |use that stx, or )name another file with --keys, or move this one away/;
    const keys = ["--keys", group.database];
    const base = `${group.folder}/base`;
    assert.equal((await group.start(["keygen", "--base-key", "--out", base]).ended).code, 0);
    const enroll = ["enroll", "cellar", "--base-key", base, ...keys, "--out", `${group.folder}/cellar.key`];
    await refusesEach(run, group.database, states, ["serve", "--listen", "127.0.0.1:0", ...keys], words);
    const few = { cut: states.cut, "a newer layout": states["a newer layout"] };
    for (const args of [["list", ...keys], ["revoke", "roof", ...keys], enroll]) {
      await refusesEach(run, group.database, few, args, words);
    }
    assert.ok(!names(group.folder).includes("cellar.key"));
    Deno.writeFileSync(group.database, whole);

    const key = Deno.readTextFileSync(group.keyFile("roof"));
    const brokenKeys = (text: string) => ({
      "cut": text.slice(0, text.length / 2),
      "text": "nothing\n",
      "empty": "",
      "a line too many": `${text}${text}`,
    });
    const join = ["join", "127.0.0.1:1", "--key", group.keyFile("roof"), "--data", "1"];
    await refusesEach(run, group.keyFile("roof"), brokenKeys(key), join, /roof\.key/);
    await refusesEach(run, base, brokenKeys(Deno.readTextFileSync(base)), enroll, /base/);
    assert.ok(!names(group.folder).includes("cellar.key"));
  });
});

Deno.test({
  name: "a list of another user's is changed by nobody but root (as root, needs setpriv)",
  ignore: Deno.uid() !== 0 || OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      const list = `${stage.receiver.config}/authorized_keys`;
      const before = Deno.readTextFileSync(list);
      Deno.chownSync(list, 65534, 65534);
      const other = await stage.newPerson("other");
      const trust = (prefix: readonly string[]) =>
        stage.run(["keys", "trust", `${other.identity}.pub`], { person: stage.receiver, prefix });
      const { code, stderr } = await trust(["setpriv", "--bounding-set", "-chown"]);
      assert.equal(code, 7, stderr);
      assert.match(stderr, /^stx keys: Cannot keep the owner of [^\n]*\n$/);
      assert.equal(Deno.readTextFileSync(list), before);
      assert.equal((await trust([])).code, 0);
      const { uid, gid } = Deno.statSync(list);
      assert.deepEqual([uid, gid], [65534, 65534]);
      assert.ok(!names(stage.receiver.config).some((name) => name.includes("stx-new")));
    });
  },
});
