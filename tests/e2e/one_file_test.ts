import assert from "node:assert/strict";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

Deno.test("a file arrives under its own name, the same in every byte, with its time and mode", async () => {
  await withStage(async (stage) => {
    const file = stage.file("report.bin", 3_000_001);
    Deno.chmodSync(file, 0o640);
    Deno.utimeSync(file, new Date(0), new Date("2001-02-03T04:05:06.789Z"));
    const receiver = await stage.receive({ args: ["--once"] });

    const sent = await stage.send(receiver, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal((await receiver.process.ended).code, 0);
    assert.deepEqual(tree(`${stage.inbox}/report.bin`), tree(file));
    assert.deepEqual(names(stage.inbox), ["report.bin"], "nothing else is left behind");
  });
});

Deno.test("an empty file arrives", async () => {
  await withStage(async (stage) => {
    const file = stage.file("empty", "");
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/empty`), tree(file));
  });
});

Deno.test("--name chooses the name that a file arrives under", async () => {
  await withStage(async (stage) => {
    const file = stage.file("draft.txt", "text");
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, file, { args: ["--name", "final.txt"] });

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["final.txt"]);
  });
});

for (const cipher of ["aes-256-gcm", "chacha20-poly1305"]) {
  Deno.test(`a file arrives under --cipher ${cipher}`, async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", 2_000_000);
      const receiver = await stage.receive();

      const sent = await stage.send(receiver, file, { args: ["--cipher", cipher] });

      assert.equal(sent.code, 0, sent.stderr);
      assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    });
  });
}

Deno.test("the command line that the receiver shows sends to it, and files arrive in the current folder", async () => {
  await withStage(async (stage) => {
    stage.file("file", "content");
    const receiver = stage.start(["recv", "--json", "--listen", "127.0.0.1:0"], {
      env: stage.receiver.env,
      cwd: stage.inbox,
    });
    const { command } = await receiver.event("listening");
    const [program, ...words] = command.split(" ");

    const sent = await stage.run(words.map((word) => word === "PATH" ? "file" : word), { cwd: stage.outbox });

    assert.equal(program, "stx");
    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/file`), "content");
  });
});

Deno.test("a file goes over IPv6", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive({ args: ["--listen", "[::1]:0"] });

    const sent = await stage.run(["send", file, `[::1]:${receiver.port}`, "--peer", receiver.fingerprint]);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(sent.stdout, "", "nothing but events is for standard output");
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/file`), "content");
  });
});
