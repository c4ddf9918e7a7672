import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";
import { names } from "../support/tree.ts";

const POLICIES = ["refuse", "rename", "overwrite", "skip"] as const;

/** Sends a folder and a file whose names are taken in the inbox; the folder has one file that is new there. */
async function sendTaken(stage: Stage, policy: typeof POLICIES[number]): Promise<Ended> {
  Deno.mkdirSync(`${stage.inbox}/folder`);
  Deno.writeTextFileSync(`${stage.inbox}/folder/kept`, "was here");
  Deno.writeTextFileSync(`${stage.inbox}/folder/old`, "was here");
  Deno.writeTextFileSync(`${stage.inbox}/notes.txt`, "was here");
  stage.file("folder/old", "new");
  stage.file("folder/added", "new");
  stage.file("notes.txt", "new");
  const receiver = await stage.receive({ args: ["--on-conflict", policy] });
  return await stage.send(receiver, [`${stage.outbox}/folder`, `${stage.outbox}/notes.txt`]);
}

/** The text of every file below the inbox. */
function texts(stage: Stage, folder = ""): Record<string, string> {
  return Object.assign(
    {},
    ...names(`${stage.inbox}${folder}`).map((name) => {
      const path = `${folder}/${name}`;
      if (Deno.statSync(stage.inbox + path).isDirectory) return texts(stage, path);
      return { [path.slice(1)]: Deno.readTextFileSync(stage.inbox + path) };
    }),
  );
}

Deno.test("refuse: nothing is touched, and the sender ends with 4", async () => {
  await withStage(async (stage) => {
    const sent = await sendTaken(stage, "refuse");

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(sent.stderr, /^stx send: .*"folder".*already taken.*\n$/);
    assert.ok(!sent.stderr.includes(stage.inbox), "the receiver's own path is none of the sender's business");
    assert.deepEqual(texts(stage), {
      "folder/kept": "was here",
      "folder/old": "was here",
      "notes.txt": "was here",
    });
  });
});

Deno.test("rename: all arrives beside what is there, and events tell the names", async () => {
  await withStage(async (stage) => {
    const sent = await sendTaken(stage, "rename");

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(texts(stage), {
      "folder/kept": "was here",
      "folder/old": "was here",
      "folder-1/added": "new",
      "folder-1/old": "new",
      "notes.txt": "was here",
      "notes-1.txt": "new",
    });
  });
});

Deno.test("overwrite: what has the same name is replaced, the rest of a folder stays", async () => {
  await withStage(async (stage) => {
    const sent = await sendTaken(stage, "overwrite");

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(texts(stage), {
      "folder/added": "new",
      "folder/kept": "was here",
      "folder/old": "new",
      "notes.txt": "new",
    });
  });
});

Deno.test("skip: what is there stays, what is new arrives, and the sender is told so with 4", async () => {
  await withStage(async (stage) => {
    const sent = await sendTaken(stage, "skip");

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(
      sent.stderr,
      /^stx send: [^\n]*"folder\/old" and 1 more were kept[^\n]*already there[^\n]*\n$/,
    );
    assert.deepEqual(texts(stage), {
      "folder/added": "new",
      "folder/kept": "was here",
      "folder/old": "was here",
      "notes.txt": "was here",
    });
  });
});

Deno.test("skip: with nothing in the way a transfer is like any other", async () => {
  await withStage(async (stage) => {
    stage.file("folder/a", "1");
    stage.file("folder/b", "2");
    const receiver = await stage.receive({ args: ["--on-conflict", "skip"] });

    const sent = await stage.send(receiver, `${stage.outbox}/folder`);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(texts(stage), { "folder/a": "1", "folder/b": "2" });
  });
});

Deno.test("skip: a sender to which the last words were lost is told again, and nothing changes", async () => {
  await withStage(async (stage) => {
    Deno.mkdirSync(`${stage.inbox}/folder`);
    Deno.writeTextFileSync(`${stage.inbox}/folder/old`, "was here");
    stage.file("folder/old", "new, and longer");
    stage.file("folder/added", 1_000_000);
    const receiver = await stage.receive({ args: ["--on-conflict", "skip"] });
    await using relay = new Relay(receiver, {
      mute: (connection, bytes) => connection === 0 && bytes > 1_000_000,
    });
    const sender = stage.startSend(relay, `${stage.outbox}/folder`);
    await receiver.process.event("error");
    relay.cut();

    const sent = await sender.ended;

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(sent.stderr, /stx send: [^\n]*already there[^\n]*\n$/);
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/folder/old`), "was here");
    assert.deepEqual(names(`${stage.inbox}/folder`), ["added", "old"]);
    assert.ok(relay.bytesFromClient < 1_100_000, `${relay.bytesFromClient} bytes went`);
  });
});

Deno.test("skip: where all is there, nobody is told that it was delivered", async () => {
  await withStage(async (stage) => {
    Deno.writeTextFileSync(`${stage.inbox}/notes.txt`, "was here");
    const receiver = await stage.receive({ args: ["--on-conflict", "skip"] });

    const sent = await stage.send(receiver, stage.file("notes.txt", "new"));

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(sent.stderr, /"notes\.txt" was kept as it is \(--on-conflict skip\): .* was not compared/);
    const { message, hint } = await receiver.process.event("error");
    assert.match(message, /"notes\.txt" was kept as it is/);
    assert.equal(hint, null, "the policy was chosen already");
  });
});

Deno.test("overwrite replaces a symbolic link and does not write through it", async () => {
  await withStage(async (stage) => {
    const outside = stage.file("outside", "precious");
    Deno.symlinkSync(outside, `${stage.inbox}/notes.txt`);
    const file = stage.file("notes.txt", "new");
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });

    const sent = await stage.send(receiver, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(Deno.readTextFileSync(outside), "precious");
    assert.ok(Deno.lstatSync(`${stage.inbox}/notes.txt`).isFile);
    assert.deepEqual(texts(stage), { "notes.txt": "new" });
  });
});

Deno.test("no folder is merged through a symbolic link: exit 4, and nothing outside changes", async () => {
  await withStage(async (stage) => {
    stage.file("outside/old", "precious");
    Deno.symlinkSync(`${stage.outbox}/outside`, `${stage.inbox}/folder`);
    stage.file("folder/old", "new");
    stage.file("folder/added", "new");

    for (const policy of ["overwrite", "skip"] as const) {
      const receiver = await stage.receive({ args: ["--on-conflict", policy] });
      const sent = await stage.send(receiver, `${stage.outbox}/folder`);
      assert.equal(sent.code, 4, `${policy}: ${sent.stderr}`);
      receiver.process.kill("SIGTERM");
      await receiver.process.ended;
    }

    assert.deepEqual(names(`${stage.outbox}/outside`), ["old"]);
    assert.equal(Deno.readTextFileSync(`${stage.outbox}/outside/old`), "precious");
  });
});

Deno.test("the same transfer again, with all of it in place, is done at once and sends nothing", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 3_000_000);
    const receiver = await stage.receive();
    const first = await stage.send(receiver, file);
    assert.equal(first.code, 0, first.stderr);

    const again = await stage.send(receiver, file);

    assert.equal(again.code, 0, again.stderr);
    assert.ok(!again.events.some((event) => event.event === "progress" && event.phase === "sending"));
    assert.deepEqual(names(stage.inbox), ["file"]);
  });
});

Deno.test("a changed file is another transfer, and its old name is taken", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "first");
    const receiver = await stage.receive();
    assert.equal((await stage.send(receiver, file)).code, 0);
    Deno.writeTextFileSync(file, "second, and longer");

    const changed = await stage.send(receiver, file);

    assert.equal(changed.code, 4, changed.stderr);
    assert.deepEqual(texts(stage), { file: "first" });
  });
});
