import assert from "node:assert/strict";
import { OBEYING_MODES, runProgram } from "../support/programs.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

Deno.test("files and a folder with all below it arrive, with times, modes, empty ones and all names", async () => {
  await withStage(async (stage) => {
    stage.file("photos/Grüße aus Zürich 🏔.txt", "unicode");
    stage.file("photos/with space  and 'quotes' & $(signs)", "signs");
    stage.file("photos/-rf", "looks like an option");
    stage.file("photos/2024/summer/beach.jpg", 2_500_000);
    stage.file("photos/2024/empty", "");
    stage.file("photos/.hidden", "hidden below a folder");
    stage.file("script.sh", "#!/bin/sh\n");
    Deno.mkdirSync(`${stage.outbox}/photos/empty folder`);
    const modes = { "script.sh": 0o755, "photos/-rf": 0o444, "photos/.hidden": 0o600, "photos/2024": 0o700 };
    for (const [name, mode] of Object.entries(modes)) Deno.chmodSync(`${stage.outbox}/${name}`, mode);
    // From the leaves up: whatever is made in a folder changes the folder's own time.
    for (const [index, { path }] of tree(stage.outbox).entries()) {
      const time = new Date(Date.UTC(1999, index % 12, 1 + index, 2, 3, 4, 100 + index));
      Deno.utimeSync(stage.outbox + path, time, time);
    }
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, [`${stage.outbox}/photos/`, `${stage.outbox}/script.sh`]);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["photos", "script.sh"]);
    for (const name of ["photos", "script.sh"]) {
      assert.deepEqual(tree(`${stage.inbox}/${name}`), tree(`${stage.outbox}/${name}`));
    }
  });
});

Deno.test("an empty folder arrives alone, and . under the name of the folder that it is", async () => {
  await withStage(async (stage) => {
    Deno.mkdirSync(`${stage.outbox}/empty`);
    stage.file("folder/file", "content");
    const receiver = await stage.receive();

    for (const cwd of ["empty", "folder"]) {
      const sent = await stage.send(receiver, ".", { cwd: `${stage.outbox}/${cwd}` });
      assert.equal(sent.code, 0, sent.stderr);
    }

    assert.deepEqual(names(stage.inbox), ["empty", "folder"]);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
  });
});

Deno.test("long names, deep folders, and times before 1970 and far ahead arrive", async () => {
  await withStage(async (stage) => {
    stage.file(`folder/${"x".repeat(255)}`, "255 bytes");
    stage.file(`folder/${"ä".repeat(127)}`, "254 bytes");
    stage.file(`folder/${"d/".repeat(120)}file`, "120 folders down");
    for (
      const [name, date] of Object.entries({ old: "1965-01-02T03:04:05.678Z", new: "2525-01-01T00:00:00Z" })
    ) {
      const file = stage.file(`folder/${name}`, name);
      assert.equal((await runProgram("touch", ["-d", date, file])).code, 0);
    }
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, `${stage.outbox}/folder`);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
    assert.ok(
      tree(`${stage.inbox}/folder`).some(({ mtimeMs }) => mtimeMs === Date.parse("1965-01-02T03:04:05.678Z")),
    );
  });
});

Deno.test({
  name: "folders and files that their owner may not write or read arrive so (as root, needs setpriv)",
  // Only root can read what it sends here, and only who has to obey modes shows that receiving it works.
  ignore: OBEYING_MODES === undefined || OBEYING_MODES.length === 0,
  fn: async () => {
    await withStage(async (stage) => {
      stage.file("folder/read-only/file", "1");
      stage.file("folder/read-only/nobody", "2");
      stage.file("folder/read-only/deeper/file", "3");
      const modes = { "/read-only/nobody": 0, "/read-only/deeper": 0o555, "/read-only": 0o500, "": 0o111 };
      for (const [name, mode] of Object.entries(modes)) Deno.chmodSync(`${stage.outbox}/folder${name}`, mode);
      const receiver = await stage.receive({ prefix: OBEYING_MODES! });

      const sent = await stage.send(receiver, `${stage.outbox}/folder`);

      assert.equal(sent.code, 0, sent.stderr);
      assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
      assert.deepEqual(names(stage.inbox), ["folder"]);
    });
  },
});

Deno.test("setuid, setgid and sticky bits do not arrive", async () => {
  await withStage(async (stage) => {
    const file = stage.file("tool", "#!/bin/sh\n");
    Deno.mkdirSync(`${stage.outbox}/shared`);
    Deno.chmodSync(file, 0o6755);
    Deno.chmodSync(`${stage.outbox}/shared`, 0o1777);
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, [file, `${stage.outbox}/shared`]);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/tool`).map(({ mode }) => mode), [0o755]);
    assert.equal(tree(`${stage.inbox}/shared`)[0]!.mode & 0o7000, 0);
  });
});

Deno.test("the receiver's umask takes bits away", async () => {
  await withStage(async (stage) => {
    const file = stage.file("open", "to all");
    Deno.chmodSync(file, 0o666);
    const receiver = await stage.receive({ prefix: ["sh", "-c", 'umask 027; exec "$@"', "sh"] });

    const sent = await stage.send(receiver, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/open`).map(({ mode }) => mode), [0o640]);
  });
});

Deno.test("symbolic links are left out with a warning, or followed where that is asked for", async () => {
  await withStage(async (stage) => {
    stage.file("folder/file", "content");
    Deno.symlinkSync("file", `${stage.outbox}/folder/link`);
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });

    const without = await stage.send(receiver, `${stage.outbox}/folder`);

    assert.equal(without.code, 0, without.stderr);
    assert.match(without.stderr, /warning: Skipped ".*folder\/link": it is a symbolic link/);
    assert.deepEqual(names(`${stage.inbox}/folder`), ["file"]);

    const following = await stage.send(receiver, `${stage.outbox}/folder`, { args: ["--follow-links"] });

    assert.equal(following.code, 0, following.stderr);
    assert.deepEqual(tree(`${stage.inbox}/folder`).map(({ kind }) => kind), ["directory", "file", "file"]);
  });
});

Deno.test("a name with a line break is refused, and nothing of its folder arrives", async () => {
  await withStage(async (stage) => {
    stage.file("folder/good", "content");
    stage.file("folder/two\nlines", "content");
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, `${stage.outbox}/folder`);

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(sent.stderr, /two\\x0alines/);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test({
  name: "a name that is not UTF-8 is refused (needs Linux, whose names are bytes)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withStage(async (stage) => {
      stage.file("folder/good", "content");
      const { code, stderr } = await runProgram("sh", [
        "-c",
        'touch "$0/$(printf "bad\\377")"',
        `${stage.outbox}/folder`,
      ]);
      assert.equal(code, 0, stderr);
      const receiver = await stage.receive();

      const sent = await stage.send(receiver, `${stage.outbox}/folder`);

      assert.equal(sent.code, 4, sent.stderr);
      assert.match(sent.stderr, /^stx send: [^\n]*not valid UTF-8[^\n]*\n$/);
      assert.deepEqual(names(stage.inbox), []);
    });
  },
});

Deno.test("hidden names at the top are refused unless the receiver takes them", async () => {
  await withStage(async (stage) => {
    const file = stage.file(".bashrc", "alias ls='rm -r'");
    const cautious = await stage.receive();
    const refused = await stage.send(cautious, file);
    assert.equal(refused.code, 4, refused.stderr);
    assert.deepEqual(names(stage.inbox), []);
    cautious.process.kill("SIGTERM");
    await cautious.process.ended;

    const trusting = await stage.receive({ args: ["--allow-dotfiles"] });
    const taken = await stage.send(trusting, file);

    assert.equal(taken.code, 0, taken.stderr);
    assert.deepEqual(names(stage.inbox), [".bashrc"]);
  });
});
