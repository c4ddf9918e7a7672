/** SIGTERM to a receiver at work, as a service manager sends it: nothing is lost, and it ends soon. */
import assert from "node:assert/strict";
import { DRAIN_TIMEOUT_MS } from "../../lib/limits.ts";
import { durableBytesOf } from "../support/journal.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

/** What may be on the way when the signal comes, 16 MiB at most, must not be all of it. */
const FILE_SIZE = 60_000_000;

Deno.test("SIGTERM while a large file arrives: what is durable is where the sender goes on", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", FILE_SIZE);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
    const sender = stage.startSend(relay, file);
    const { bytes } = await receiver.process.event("progress", ({ bytes }) => bytes > 10_000_000);
    const begin = performance.now();

    receiver.process.kill("SIGTERM");

    const { code, stderr } = await receiver.process.ended;
    assert.equal(code, 143, stderr);
    assert.ok(performance.now() - begin < 5_000);
    assert.deepEqual(names(stage.inbox), [".stx-partial"]);
    const durable = durableBytesOf(stage.receiver);
    assert.ok(durable >= bytes, `${bytes} had arrived, ${durable} are durable`);
    await stage.receive({ port: receiver.port });
    const sent = await sender.ended;
    assert.equal(sent.code, 0, sent.stderr);
    const resumed = sent.events.flatMap((event) => event.event === "resumed" ? [event.offsetBytes] : []);
    assert.deepEqual(resumed, [durable]);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    assert.deepEqual(names(stage.inbox), ["file"]);
  });
});

Deno.test("SIGTERM while a transfer is put in place: it is in place when the receiver has ended, whole", async () => {
  await withStage(async (stage) => {
    for (let index = 0; index < 1_000; index++) stage.file(`folder/${index % 10}/${index}`, `${index}`);
    const folder = `${stage.outbox}/folder`;
    const receiver = await stage.receive();
    const sender = stage.startSend(receiver, folder, { args: ["--checksum"] });
    await receiver.process.event("progress", ({ phase }) => phase === "finishing");

    receiver.process.kill("SIGTERM");

    const { code, stderr, events } = await receiver.process.ended;
    assert.equal(code, 143, stderr);
    assert.ok(events.some(({ event }) => event === "done"), stderr);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(folder));
    assert.deepEqual(names(stage.inbox), ["folder"]);
    const heard = await sender.ended;
    assert.equal(heard.code, 0, heard.stderr);
    assert.ok(!heard.events.some(({ event }) => event === "retry"), heard.stderr);
    const next = await stage.receive({ port: receiver.port });
    const sent = await sender.ended;
    assert.equal(sent.code, 0, sent.stderr);
    next.process.kill("SIGTERM");
    const after = await next.process.ended;
    assert.equal(after.events.filter(({ event }) => event === "error").length, 0, after.stderr);
    assert.deepEqual(names(stage.inbox), ["folder"]);
  });
});

Deno.test("SIGTERM while several arrive, one is put in place, and a stranger says nothing: each is as it should be", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 2_000_000 });
    using _silent = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
    const slow = ["one", "two", "three"].map((name) => stage.file(name, FILE_SIZE / 2));
    // Too slow to be through before the signal, however busy the machine; afterwards they go another way.
    const senders = slow.map((file) => stage.startSend(relay, file, { args: ["--retry-for", "0"] }));
    for (const sender of senders) {
      const offer = await sender.event("offer");
      await receiver.process.event(
        "progress",
        ({ transfer, bytes }) => transfer === offer.transfer && bytes > 0,
      );
    }
    for (let index = 0; index < 200; index++) stage.file(`folder/${index}`, `${index}`);
    const quick = stage.startSend(receiver, `${stage.outbox}/folder`);
    const { transfer: last } = await quick.event("offer");
    await receiver.process.event(
      "progress",
      ({ phase, transfer }) => phase === "finishing" && transfer === last,
    );
    const begin = performance.now();

    receiver.process.kill("SIGTERM");

    assert.equal((await receiver.process.ended).code, 143);
    assert.ok(performance.now() - begin < 8_000);
    assert.deepEqual(names(stage.inbox), [".stx-partial", "folder"]);
    assert.equal(names(`${stage.inbox}/.stx-partial`).length, 3);
    for (const sender of senders) assert.equal((await sender.ended).code, 5);
    const next = await stage.receive({ port: receiver.port });
    const heard = await quick.ended;
    assert.equal(heard.code, 0, heard.stderr);
    for (const file of slow) {
      const sent = await stage.send(next, file);
      assert.equal(sent.code, 0, sent.stderr);
      assert.ok(sent.events.some(({ event }) => event === "resumed"), sent.stderr);
    }
    for (const file of [...slow, `${stage.outbox}/folder`]) {
      assert.deepEqual(tree(`${stage.inbox}/${file.split("/").at(-1)}`), tree(file));
    }
    assert.deepEqual(names(stage.inbox), ["folder", "one", "three", "two"]);
  });
});

Deno.test("SIGTERM to a receiver whose sender is stopped: it waits a moment, and a second signal ends it at once", async () => {
  await withStage(async (stage) => {
    for (const signalCount of [1, 2]) {
      const file = stage.file(`file-${signalCount}`, FILE_SIZE);
      const receiver = await stage.receive();
      await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
      const sender = stage.startSend(relay, file, { args: ["--retry-for", "0"] });
      await receiver.process.event("progress", ({ bytes }) => bytes > 10_000_000);
      sender.kill("SIGSTOP");
      const begin = performance.now();

      receiver.process.kill("SIGTERM");
      await receiver.process.says(/Stopping/);
      if (signalCount === 2) receiver.process.kill("SIGTERM");

      const { code, stderr } = await receiver.process.ended;
      const tookMs = performance.now() - begin;
      assert.equal(code, 143, stderr);
      const mostMs = signalCount === 2 ? DRAIN_TIMEOUT_MS : 3 * DRAIN_TIMEOUT_MS;
      assert.ok(tookMs < mostMs, `${signalCount} signals, ${tookMs} ms`);
      sender.kill("SIGCONT");
      assert.equal((await sender.ended).code, 5);
      const again = await stage.receive();
      const sent = await stage.send(again, file);
      assert.equal(sent.code, 0, sent.stderr);
      // Who ends at once makes nothing durable any more.
      if (signalCount === 1) assert.ok(sent.events.some(({ event }) => event === "resumed"), sent.stderr);
      assert.deepEqual(tree(`${stage.inbox}/file-${signalCount}`), tree(file));
      again.process.kill("SIGTERM");
      await again.process.ended;
    }
  });
});
