import assert from "node:assert/strict";
import { doctorPermissions } from "../../scripts/permissions.ts";
import { HAS_SMALL_DISKS, OBEYING_MODES, onSmallDisk } from "../support/programs.ts";
import { type Person, type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";
import { names, tree } from "../support/tree.ts";
import { withWorkshop } from "../support/workshop.ts";

/** Runs doctor as the stage's receiver. */
async function examine(
  stage: Stage,
  args: readonly string[] = [],
  options: { person?: Person; prefix?: readonly string[] } = {},
): Promise<Ended> {
  const listen = args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const dir = args.includes("--dir") ? [] : ["--dir", stage.inbox];
  return await stage.run(["doctor", ...listen, ...dir, ...args], { person: stage.receiver, ...options });
}

/** What was found under one name, by status. */
function statusOf({ events }: Ended, name: string): readonly string[] {
  return events.flatMap((event) => event.event === "check" && event.name === name ? [event.status] : []);
}

Deno.test("doctor finds nothing wrong where recv works, and leaves everything as it was", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    assert.equal((await stage.send(receiver, stage.file("file", "content"))).code, 0);
    receiver.process.kill("SIGTERM");
    await receiver.process.ended;
    const content = () => tree(stage.folder).filter(({ kind }) => kind === "file");
    const before = content();

    const { code, stdout, stderr } = await examine(stage);

    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /^problem/m);
    assert.match(stdout, /^ok {7}identity: .*signs$/m);
    assert.match(stdout, /^ok {7}state: .*finished: 1$/m);
    for (const line of stdout.trimEnd().split("\n")) {
      assert.match(line, /^(ok {6}|warning|problem) {1,2}[a-z-]+: \S/);
    }
    assert.match(stderr, /^No problems, (\d|no) warnings?\.\n$/);
    assert.deepEqual(content(), before);
  });
});

Deno.test("doctor before anything was set up has warnings alone, and makes nothing", async () => {
  await withStage(async (stage) => {
    const home = `${stage.folder}/nobody`;
    const person = { ...stage.receiver, env: { HOME: home } };
    const { code, stdout } = await examine(stage, [], { person });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^warning {2}identity: .*stx keygen$/m);
    assert.throws(() => Deno.lstatSync(home), Deno.errors.NotFound);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("doctor without HOME says what it cannot find, and looks at the rest", async () => {
  await withStage(async (stage) => {
    const { code, stdout } = await examine(stage, [], { person: { ...stage.receiver, env: {} } });
    assert.equal(code, 7, stdout);
    assert.match(
      stdout,
      /^problem {2}configuration: .*HOME.*give --identity FILE and --authorized-keys FILE, or/m,
    );
    assert.match(stdout, /^problem {2}state: .*HOME.*--state/m);
    assert.match(stdout, /^ok {7}folder: /m);
  });
});

Deno.test("doctor tells every problem at once, ends with 7, and --quiet shows nothing else", async () => {
  await withStage(async (stage) => {
    Deno.chmodSync(stage.receiver.identity, 0o644);
    Deno.chmodSync(`${stage.receiver.config}/authorized_keys`, 0o666);
    Deno.chmodSync(stage.receiver.config, 0o777);
    const state = `${stage.folder}/state`;
    Deno.writeTextFileSync(state, "no database".repeat(1000));

    const { code, stdout, stderr } = await examine(stage, ["--quiet", "--state", state]);

    assert.equal(code, 7, stdout);
    const problems = stdout.match(/^problem.*$/gm)!.map((line) => line.split(/ +/)[1]);
    assert.deepEqual(problems, ["configuration:", "state:", "identity:", "authorized-keys:"]);
    assert.doesNotMatch(stdout, /^ok/m);
    assert.equal(stdout.match(/chmod/g)?.length, 3);
    assert.equal(stderr, "");
  });
});

Deno.test("doctor while recv runs: the taken port is explained, the state is read, nobody is disturbed", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const address = `127.0.0.1:${receiver.port}`;
    const during = await examine(stage, ["--listen", address, "--json"]);
    assert.equal(during.code, 0, during.stdout);
    assert.deepEqual([statusOf(during, "address"), statusOf(during, "state")], [["warning"], ["ok"]]);
    assert.equal((await stage.send(receiver, stage.file("file", "content"))).code, 0);

    const elsewhere = await examine(stage, [
      "--listen",
      address,
      "--json",
      "--state",
      `${stage.folder}/other`,
    ]);
    assert.equal(elsewhere.code, 7, elsewhere.stdout);
    assert.deepEqual(statusOf(elsewhere, "address"), ["problem"]);
  });
});

Deno.test("doctor prints no secret, and no name that acts on a terminal", async () => {
  await withStage(async (stage) => {
    const hostile = `${stage.folder}/\x1b]0;owned\x07\u202e`;
    Deno.mkdirSync(hostile);
    const psk = `${hostile}/psk`;
    assert.equal((await stage.run(["keygen", "--psk", "--out", psk])).code, 0);
    const args = ["--dir", hostile, "--psk-file", psk, "--state", `${hostile}/absent/db`, "--verbose"];
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = await examine(stage, [...args, ...more]);
      const text = stdout + stderr;
      assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
      const secrets = [psk, stage.receiver.identity].flatMap((path) =>
        Deno.readTextFileSync(path).match(/[A-Za-z0-9+/]{30,}/g)!
      );
      for (const secret of secrets) assert.ok(!text.includes(secret));
    }
  });
});

Deno.test({
  name: "doctor where nothing may be written or read: problems, no crash (as root, needs setpriv)",
  ignore: OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      Deno.chmodSync(stage.inbox, 0o500);
      Deno.chmodSync(stage.receiver.config, 0o500);
      const readable = await examine(stage, ["--json"], { prefix: OBEYING_MODES! });
      assert.equal(readable.code, 7, readable.stdout);
      assert.deepEqual(
        [statusOf(readable, "folder"), statusOf(readable, "configuration"), statusOf(readable, "identity")],
        [["problem"], ["warning"], ["ok"]],
      );
      Deno.chmodSync(stage.receiver.config, 0o000);
      const closed = await examine(stage, ["--json"], { prefix: OBEYING_MODES! });
      Deno.chmodSync(stage.receiver.config, 0o700);
      assert.equal(closed.code, 7, closed.stdout);
      for (const name of ["identity", "authorized-keys", "known-receivers", "revoked-keys"]) {
        assert.deepEqual(statusOf(closed, name), ["problem"], name);
      }
    });
  },
});

Deno.test({
  name:
    "doctor on a small disk: little space, no space, and partial transfers on another one (needs unshare and mount)",
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withStage(async (stage) => {
      const small = await examine(stage, [], { prefix: onSmallDisk(stage.inbox, "8m") });
      assert.equal(small.code, 0, small.stdout);
      assert.match(small.stdout, /^warning {2}folder: only .* free/m);
      const full = await examine(stage, [], {
        prefix: [
          ...onSmallDisk(stage.inbox, "64k"),
          ...["sh", "-c", 'cat /dev/zero > "$0/filler" 2> /dev/null; exec "$@"', stage.inbox],
        ],
      });
      assert.equal(full.code, 7, full.stdout);
      assert.match(full.stdout, /^problem {2}folder: .*no space/m);
      const partial = `${stage.inbox}/.stx-partial`;
      Deno.mkdirSync(partial);
      const other = await examine(stage, [], {
        prefix: [...onSmallDisk(partial, "1m"), "sh", "-c", 'chmod 700 "$0" && exec "$@"', partial],
      });
      assert.equal(other.code, 7, other.stdout);
      assert.match(other.stdout, /^problem {2}folder: .*another file system/m);
    });
  },
});

Deno.test("doctor does its work with the narrowest permissions, and uses all of them", async () => {
  await withWorkshop(async (workshop, { sender, receiver }) => {
    const config = workshop.at("config");
    await Deno.mkdir(config);
    const state = workshop.at("state.db");
    await (await Deno.create(state)).close();
    const [listen, dir, pskFile] = [
      "127.0.0.1:0",
      workshop.at("arrived"),
      await workshop.key("shared", "psk"),
    ];
    const [authorizedKeys, revokedKeys] = [`${sender}.pub`, workshop.at("revoked")];
    await Deno.writeTextFile(revokedKeys, "# nobody\n");
    const job = { listen, dir, identity: receiver, authorizedKeys, revokedKeys, pskFile, state, config };
    await workshop.start(
      doctorPermissions({ ...job, variables: ["STX_CONFIG_DIR"] }),
      [
        ...["doctor", "--listen", listen, "--dir", dir, "--identity", receiver, "--state", state],
        ...["--authorized-keys", authorizedKeys, "--revoked-keys", revokedKeys, "--psk-file", pskFile],
      ],
      { STX_CONFIG_DIR: config },
    ).succeed();
  });
});

Deno.test("doctor without a permission says which it lacks, and asks nobody", async () => {
  await withWorkshop(async (workshop, { sender, receiver: identity }) => {
    const config = workshop.at("config");
    const [listen, dir, state] = ["127.0.0.1:0", workshop.at("arrived"), workshop.at("state.db")];
    const job = { listen, dir, identity, authorizedKeys: `${sender}.pub`, state, config };
    const permissions = doctorPermissions({ ...job, variables: ["STX_CONFIG_DIR"] });
    const run = workshop.start(
      { ...permissions, write: [state], net: [], sys: [] },
      [
        ...["doctor", "--listen", listen, "--dir", dir, "--identity", identity, "--state", state],
        ...["--authorized-keys", job.authorizedKeys],
      ],
      { STX_CONFIG_DIR: config },
    );
    const lacking = await run.stx.first("check", ({ name }) => name === "permissions");
    assert.deepEqual([lacking.status, lacking.message.match(/--allow-\w+/g)], [
      "warning",
      ["--allow-write", "--allow-net"],
    ]);
    for (const name of ["folder", "address"] as const) {
      const { status, hint } = await run.stx.first("check", (each) => each.name === name);
      assert.equal(status, "problem");
      assert.match(hint ?? "", /--allow/);
    }
    // What is above the folder that is not there yet, it may not look at.
    for (const name of ["identity", "configuration"] as const) {
      assert.equal((await run.stx.first("check", (each) => each.name === name)).status, "ok");
    }
    assert.equal((await run.stx.child.end).code, 7);
  });
});
