import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Relay } from "../support/relay.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

/** Leaves a transfer unfinished and ends its receiver; returns the file that was being sent. */
async function leaveUnfinished(stage: Stage): Promise<string> {
  const file = stage.file("file", 8_000_000);
  const receiver = await stage.receive();
  await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
  const cut = await stage.send(relay, file, { args: ["--retry-for", "0"] });
  assert.equal(cut.code, 5, cut.stderr);
  await receiver.process.event("error");
  receiver.process.kill("SIGTERM");
  await receiver.process.ended;
  return file;
}

const journalOf = (stage: Stage) => `${stage.receiver.home}/state/stx/recv.db`;

Deno.test("a damaged journal: recv ends with 7 and one line, and touches nothing", async () => {
  await withStage(async (stage) => {
    await leaveUnfinished(stage);
    const before = tree(`${stage.inbox}/.stx-partial`);
    const journal = journalOf(stage);
    const whole = Deno.readFileSync(journal);
    const damages = {
      "other bytes": new TextEncoder().encode("this is no database. ".repeat(1000)),
      "its first half": whole.subarray(0, whole.length / 2),
      "zeros in the middle": whole.slice().fill(0, 4096, 8192),
    };
    for (const [name, bytes] of Object.entries(damages)) {
      Deno.writeFileSync(journal, bytes);
      const { code, stderr } = await stage.run(["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox], {
        person: stage.receiver,
      });
      assert.equal(code, 7, `${name}: ${stderr}`);
      assert.match(stderr, /^stx recv: [^\n]*state file[^\n]*\n$/, name);
      assert.deepEqual(Deno.readFileSync(journal), bytes, name);
    }
    assert.deepEqual(tree(`${stage.inbox}/.stx-partial`), before);
  });
});

Deno.test("another program's database is not taken for the journal", async () => {
  await withStage(async (stage) => {
    const path = `${stage.folder}/other.db`;
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
    database.close();

    const { code, stderr } = await stage.run(
      ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--state", path],
      { person: stage.receiver },
    );

    assert.equal(code, 7, stderr);
    assert.match(stderr, /^stx recv: [^\n]*another program[^\n]*\n$/);
  });
});

Deno.test("a lost journal: the transfer begins again and arrives", async () => {
  await withStage(async (stage) => {
    const file = await leaveUnfinished(stage);
    for (const name of names(`${stage.receiver.home}/state/stx`)) {
      Deno.removeSync(`${stage.receiver.home}/state/stx/${name}`);
    }
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(!sent.events.some(({ event }) => event === "resumed"));
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    assert.deepEqual(names(stage.inbox), ["file"]);
  });
});

Deno.test("lost or changed partial data: the transfer begins again and arrives", async () => {
  await withStage(async (stage) => {
    const file = await leaveUnfinished(stage);
    const partial = `${stage.inbox}/.stx-partial`;
    const data = `${partial}/${names(partial)[0]}/data/file`;
    {
      using open = Deno.openSync(data, { write: true });
      open.writeSync(new TextEncoder().encode("changed by somebody"));
    }
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
    const changed = await stage.send(receiver, file);
    assert.equal(changed.code, 0, changed.stderr);
    assert.match(changed.stderr, /warning: .*sending everything again/);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    receiver.process.kill("SIGTERM");
    await receiver.process.ended;
    Deno.removeSync(`${stage.inbox}/file`);

    Deno.utimeSync(file, 1, 1);
    await leaveUnfinishedAgain(stage, file);
    Deno.removeSync(partial, { recursive: true });
    const sent = await stage.send(await stage.receive(), file);
    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  });
});

/** Leaves the transfer of `file` unfinished. */
async function leaveUnfinishedAgain(stage: Stage, file: string): Promise<void> {
  const receiver = await stage.receive();
  await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
  await stage.send(relay, file, { args: ["--retry-for", "0"] });
  await receiver.process.event("error");
  receiver.process.kill("SIGTERM");
  await receiver.process.ended;
}

Deno.test("the same journal for two receivers at once is refused or shared, never broken", async () => {
  await withStage(async (stage) => {
    const first = await stage.receive();
    const other = `${stage.folder}/other`;
    Deno.mkdirSync(other);
    const second = await stage.receive({ dir: other });

    const sent = await Promise.all([
      stage.send(first, stage.file("one", 1_000_000)),
      stage.send(second, stage.file("two", 1_000_000)),
    ]);

    for (const { code, stderr } of sent) assert.equal(code, 0, stderr);
    assert.deepEqual([names(stage.inbox), names(other)], [["one"], ["two"]]);
  });
});
