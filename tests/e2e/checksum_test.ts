import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, sha256, tree } from "../support/tree.ts";

Deno.test("--checksum: the receipt has each file's SHA-256 as sha256sum writes it", async () => {
  await withStage(async (stage) => {
    stage.file("folder/a", 1_500_000);
    stage.file("folder/b/c", "text");
    stage.file("folder/empty", "");
    const receiver = await stage.receive();
    const receipt = `${stage.folder}/receipt`;

    const sent = await stage.send(receiver, `${stage.outbox}/folder`, {
      args: ["--checksum", "--receipt", receipt],
    });

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
    const sums = Deno.readTextFileSync(receipt).split("\n").filter((line) => /^[0-9a-f]{64} {2}/.test(line));
    assert.deepEqual(
      sums,
      ["a", "b/c", "empty"].map((name) => `${sha256(`${stage.outbox}/folder/${name}`)}  folder/${name}`),
    );
  });
});

Deno.test("--checksum holds over a cut", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, {
      cutAfter: (connection) => connection === 0 ? 4_000_000 : undefined,
    });
    const receipt = `${stage.folder}/receipt`;

    const sent = await stage.send(relay, file, { args: ["--checksum", "--receipt", receipt] });

    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(sent.events.some(({ event }) => event === "resumed"), sent.stderr);
    assert.ok(Deno.readTextFileSync(receipt).includes(`${sha256(file)}  file\n`));
  });
});

Deno.test("--checksum notices what changed on the receiver's disk, and nothing of it is in place", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 12_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 8_000_000 });
    const sender = stage.startSend(relay, file, { args: ["--checksum"] });
    await receiver.process.event("progress", ({ bytes }) => bytes > 4_000_000);
    const [transfer] = names(`${stage.inbox}/.stx-partial`);
    using partial = Deno.openSync(`${stage.inbox}/.stx-partial/${transfer}/data/file`, { write: true });
    partial.seekSync(1_000_000, Deno.SeekMode.Start);
    partial.writeSync(new TextEncoder().encode("a disk that does not keep what it is given"));

    const sent = await sender.ended;

    assert.equal(sent.code, 6, sent.stderr);
    assert.ok(!names(stage.inbox).includes("file"));
    const again = await stage.send(receiver, file, { args: ["--checksum"] });
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  });
});
