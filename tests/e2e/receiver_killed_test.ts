import assert from "node:assert/strict";
import { durableBytesOf } from "../support/journal.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

const MIB = 1024 * 1024;

Deno.test("a receiver is killed and started again: the sender finishes by itself, nothing durable goes twice", async () => {
  await withStage(async (stage) => {
    const file = stage.file("big", 72 * MIB);
    const first = await stage.receive();
    await using relay = new Relay(first, { bytesPerSecond: 40 * MIB });
    const sender = stage.startSend(relay, file, { args: ["--verbose"] });
    await sender.says(/safe on its disk/);

    first.process.kill("SIGKILL");
    await first.process.ended;
    const durable = durableBytesOf(stage.receiver);
    assert.deepEqual(names(stage.inbox), [".stx-partial"], "nothing is in place yet");
    const sentBefore = relay.bytesFromClient;
    await sender.event("retry");
    await stage.receive({ port: first.port });

    const sent = await sender.ended;
    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file));
    assert.deepEqual(names(stage.inbox), ["big"]);
    assert.ok(durable >= 16 * MIB, `durable were ${durable} bytes`);
    const { offsetBytes } = await sender.event("resumed");
    assert.ok(offsetBytes >= durable, `durable were ${durable} bytes, resumed at ${offsetBytes}`);
    const sentAfter = relay.bytesFromClient - sentBefore;
    const sentTwice = sentAfter - (72 * MIB - durable);
    assert.ok(sentTwice < 0.2 * durable, `of ${durable} durable bytes ${sentTwice} went twice`);
  });
});

Deno.test("a receiver is killed while it puts files in place: they all arrive, and each once", async () => {
  await withStage(async (stage) => {
    for (let index = 0; index < 2000; index++) stage.file(`folder/${index}`, `content of ${index}`);
    const first = await stage.receive();
    await using relay = new Relay(first);
    const sender = stage.startSend(relay, `${stage.outbox}/folder`);
    await first.process.event("progress", ({ phase }) => phase === "finishing");

    first.process.kill("SIGKILL");
    await first.process.ended;
    const second = await stage.receive({ args: ["--once"] });
    relay.upstreamPort = second.port;

    const sent = await sender.ended;
    assert.equal(sent.code, 0, sent.stderr);
    assert.equal((await second.process.ended).code, 0);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
    assert.deepEqual(names(stage.inbox), ["folder"]);
  });
});
