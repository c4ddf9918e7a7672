/**
 * Where `recv` or `send` cannot work, `stx doctor` says so beforehand.
 * @module
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { SqliteState } from "../../lib/store/sqlite_state.ts";
import { HAS_SMALL_DISKS, isInstalled, OBEYING_MODES, onSmallDisk, works } from "../support/programs.ts";
import { type RunOptions, type Stage, withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

/** Runs doctor as the receiver; returns its exit status and the names of its problems. */
async function examine(stage: Stage, options: RunOptions = {}) {
  const { args = [], ...rest } = options;
  const { code, stdout, events } = await stage.run(
    ["doctor", "--json", "--listen", "127.0.0.1:0", "--dir", stage.inbox, ...args],
    { person: stage.receiver, ...rest },
  );
  const problems = events.flatMap((each) =>
    each.event === "check" && each.status === "problem" ? [each.name] : []
  );
  return { code, problems, stdout };
}

/** Asserts that doctor ends with 7 for these problems, and `recv` with 7 at once. */
async function bothRefuse(stage: Stage, problems: readonly string[], options: RunOptions = {}) {
  const found = await examine(stage, options);
  assert.deepEqual([found.code, found.problems], [7, problems], found.stdout);
  const { code, stderr } = await stage.startReceive(options).ended;
  assert.equal(code, 7, stderr);
}

/** Asserts that doctor ends with 7 for the receiving folder, and that the receiver refuses what is sent. */
async function bothRefuseFiles(stage: Stage, options: RunOptions = {}) {
  const found = await examine(stage, options);
  assert.deepEqual([found.code, found.problems], [7, ["folder"]], found.stdout);
  const receiver = await stage.receive(options);
  assert.equal((await stage.send(receiver, stage.file("file", "content"))).code, 4);
}

/** As root, this needs setpriv. */
const MODES = { ignore: OBEYING_MODES === undefined };
const OBEYING = { prefix: OBEYING_MODES ?? [] };

function stateFile(stage: Stage): string {
  return `${stage.receiver.env["XDG_STATE_HOME"]}/stx/recv.db`;
}

/** Makes the state file, as a receiver that has ended leaves it. */
function makeState(stage: Stage): void {
  const path = stateFile(stage);
  Deno.mkdirSync(dirname(path), { recursive: true });
  new SqliteState(path).close();
}

Deno.test("doctor changes nothing but when three folders were last changed", async () => {
  await withStage(async (stage) => {
    makeState(stage);
    const paths = () => tree(stage.folder).map(({ path }) => `${stage.folder}${path}`);
    const before = paths();
    for (const path of before.toReversed()) Deno.utimeSync(path, 1000, 1000);
    const { code } = await examine(stage);
    assert.equal(code, 0);
    assert.deepEqual(paths(), before);
    const changed = before.filter((path) => Deno.lstatSync(path).mtime!.getTime() !== 1_000_000);
    assert.deepEqual(changed, [stage.inbox, stage.receiver.config, dirname(stateFile(stage))].sort());
  });
});

Deno.test({
  name: "doctor and recv: partial transfers of another user (as root)",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withStage(async (stage) => {
      const partial = `${stage.inbox}/.stx-partial`;
      Deno.mkdirSync(partial, { mode: 0o700 });
      Deno.chownSync(partial, 65534, 65534);
      await bothRefuseFiles(stage);
    });
  },
});

Deno.test({
  name: "doctor and recv: partial transfers where nothing can be put (as root, needs setpriv)",
  ...MODES,
  fn: async () => {
    await withStage(async (stage) => {
      const partial = `${stage.inbox}/.stx-partial`;
      Deno.mkdirSync(partial);
      Deno.chmodSync(partial, 0o000);
      await bothRefuseFiles(stage, OBEYING);
    });
  },
});

Deno.test({
  name: "doctor and recv: a state file, then its folder, that cannot be written (as root, needs setpriv)",
  ...MODES,
  fn: async () => {
    await withStage(async (stage) => {
      makeState(stage);
      const state = stateFile(stage);
      Deno.chmodSync(state, 0o400);
      for (const args of [[], ["--state", state]]) {
        assert.equal((await examine(stage, { ...OBEYING, args })).code, 7);
        assert.deepEqual(names(dirname(state)), ["recv.db"]);
        await bothRefuse(stage, ["state"], { ...OBEYING, args });
        // The receiver leaves these, and would work on with them.
        for (const file of ["wal", "shm"]) Deno.removeSync(`${state}-${file}`);
      }
      Deno.chmodSync(state, 0o600);
      Deno.chmodSync(dirname(state), 0o500);
      await bothRefuse(stage, ["state-folder"], OBEYING);
      await bothRefuse(stage, ["state"], { ...OBEYING, args: ["--state", state] });
    });
  },
});

Deno.test({
  name:
    "doctor and recv: what a killed receiver has left beside its state is enough (as root, needs setpriv)",
  ...MODES,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();
      receiver.process.kill("SIGKILL");
      await receiver.process.ended;
      Deno.chmodSync(dirname(stateFile(stage)), 0o500);
      for (const args of [[], ["--state", stateFile(stage)]]) {
        const { code, stdout } = await examine(stage, { ...OBEYING, args });
        assert.equal(code, 0, stdout);
        assert.match(stdout, /is whole/);
      }
      await stage.receive(OBEYING);
    });
  },
});

Deno.test({
  name: "doctor and recv: a state that is no file (needs mkfifo)",
  ignore: !isInstalled("mkfifo"),
  fn: async () => {
    await withStage(async (stage) => {
      const state = `${stage.folder}/fifo`;
      assert.ok(works("mkfifo", state));
      // To open it to be written would wait for a reader.
      await bothRefuse(stage, ["state"], { args: ["--state", state] });
    });
  },
});

Deno.test({
  name: "doctor and recv: no state folder yet, and none can be made (as root, needs setpriv)",
  ...MODES,
  fn: async () => {
    await withStage(async (stage) => {
      const parent = stage.receiver.env["XDG_STATE_HOME"]!;
      Deno.mkdirSync(parent);
      Deno.chmodSync(parent, 0o500);
      await bothRefuse(stage, ["state-folder"], OBEYING);
      assert.deepEqual(names(parent), []);
    });
  },
});

Deno.test({
  name: "doctor and recv: no identity yet, and none can be made (as root, needs setpriv)",
  ...MODES,
  fn: async () => {
    await withStage(async (stage) => {
      const home = `${stage.folder}/home`;
      Deno.mkdirSync(home);
      Deno.chmodSync(home, 0o500);
      const person = {
        ...stage.receiver,
        env: { HOME: home, XDG_STATE_HOME: stage.receiver.env["XDG_STATE_HOME"]! },
      };
      const options = { ...OBEYING, person };
      await bothRefuse(stage, ["identity"], options);
      const sent = await stage.send(stage.closedPort(), stage.file("file", "content"), options);
      assert.equal(sent.code, 7, sent.stderr);
      // The folder is there, and does not take it either.
      Deno.chmodSync(home, 0o700);
      Deno.mkdirSync(`${home}/.config/stx`, { recursive: true });
      Deno.chmodSync(`${home}/.config/stx`, 0o500);
      await bothRefuse(stage, ["identity"], options);
      const named = { ...options, args: ["--identity", stage.receiver.identity] };
      assert.equal((await examine(stage, named)).code, 0);
      assert.deepEqual(names(`${home}/.config/stx`), []);
    });
  },
});

Deno.test("doctor and recv: a state file is named in a folder that is not there", async () => {
  await withStage(async (stage) => {
    await bothRefuse(stage, ["state"], { args: ["--state", `${stage.folder}/absent/recv.db`] });
  });
});

Deno.test("doctor and recv: without HOME, where the command line names everything", async () => {
  await withStage(async (stage) => {
    const [person, { identity, config }] = [{ ...stage.receiver, env: {} }, stage.receiver];
    const lists = ["--authorized-keys", `${config}/authorized_keys`, "--state", `${stage.folder}/recv.db`];
    const little = await examine(stage, { person, args: lists });
    assert.deepEqual([little.code, little.problems], [7, ["configuration"]], little.stdout);
    assert.equal((await stage.startReceive({ person, args: lists }).ended).code, 2);
    const args = ["--identity", identity, ...lists];
    const { code, stdout } = await examine(stage, { person, args });
    assert.equal(code, 0, stdout);
    await stage.receive({ person, args });
  });
});

Deno.test({
  name:
    "doctor and recv: the disk of the state, then that of the identity, is full (needs unshare and mount)",
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withStage(async (stage) => {
      const parent = stage.receiver.env["XDG_STATE_HOME"]!;
      Deno.mkdirSync(parent);
      // Folders can be made there, and a small file.
      await bothRefuse(stage, ["state-folder"], { prefix: onSmallDisk(parent, "64k") });
      const named = ["--state", `${parent}/recv.db`];
      await bothRefuse(stage, ["state"], { prefix: onSmallDisk(parent, "64k"), args: named });
      const { code } = await examine(stage, { prefix: onSmallDisk(parent, "1m") });
      assert.equal(code, 0);

      const home = `${stage.folder}/home`;
      Deno.mkdirSync(home);
      const person = { ...stage.receiver, env: { HOME: home, XDG_STATE_HOME: parent } };
      const prefix = [
        ...onSmallDisk(home, "64k"),
        ...["sh", "-c", 'cat /dev/zero > "$0/filler" 2> /dev/null; exec "$@"', home],
      ];
      await bothRefuse(stage, ["identity"], { person, prefix });
    });
  },
});

Deno.test("doctor where recv was killed, and another program has its port, says how to see which", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    receiver.process.kill("SIGKILL");
    await receiver.process.ended;
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const { events } = await stage.run(
      ["doctor", "--json", "--listen", `127.0.0.1:${port}`, "--dir", stage.inbox],
      { person: stage.receiver },
    );
    const address = events.find((each) => each.event === "check" && each.name === "address");
    assert.ok(address?.event === "check");
    assert.equal(address.status, "warning");
    assert.match(address.hint!, new RegExp(`see who it is with: (ss|lsof) .*:${port}`));
    assert.equal((await stage.startReceive({ port }).ended).code, 7);
  });
});

Deno.test("doctor tells of a folder above the keys that others may change", async () => {
  await withStage(async (stage) => {
    const env = { HOME: stage.receiver.home };
    Deno.mkdirSync(`${stage.receiver.home}/.config/stx`, { recursive: true, mode: 0o700 });
    const above = `${stage.receiver.home}/.config`;
    const options = { person: { ...stage.receiver, env } };
    assert.equal((await examine(stage, options)).code, 0);
    Deno.chmodSync(above, 0o777);
    const { code, problems, stdout } = await examine(stage, options);
    assert.deepEqual([code, problems], [7, ["configuration"]], stdout);
    assert.match(stdout, /exchange what is below it/);
  });
});
