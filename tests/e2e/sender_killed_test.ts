import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

const MIB = 1024 * 1024;

Deno.test("a sender is killed: the same command again continues where it stopped", async () => {
  await withStage(async (stage) => {
    const file = stage.file("big", 48 * MIB);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 40 * MIB });
    const first = stage.startSend(relay, file);
    // What is on the way then, 16 MiB at most, still arrives.
    await relay.passed(16 * MIB);
    first.kill("SIGKILL");
    await first.ended;
    // Once the receiver says so, what has arrived is kept.
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox), [".stx-partial"], "nothing is in place yet");
    const sentBefore = relay.bytesFromClient;

    const second = await stage.send(relay, file);

    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file));
    assert.deepEqual(names(stage.inbox), ["big"]);
    const sentAfter = relay.bytesFromClient - sentBefore;
    assert.ok(sentBefore + sentAfter < 1.2 * 48 * MIB, `${sentBefore} and ${sentAfter} bytes went`);
  });
});

Deno.test("a sender that comes back while its old connection seems alive takes over", async () => {
  await withStage(async (stage) => {
    const file = stage.file("big", 24 * MIB);
    const receiver = await stage.receive();
    await using slow = new Relay(receiver, { bytesPerSecond: 4 * MIB });
    const first = stage.startSend(slow, file, { args: ["--retry-for", "0"] });
    await slow.passed(2 * MIB);
    // Stopped, not ended: to the receiver it looks like a line that went dead.
    first.kill("SIGSTOP");

    const second = await stage.send(receiver, file);

    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file));
    assert.deepEqual(names(stage.inbox), ["big"]);
  });
});
