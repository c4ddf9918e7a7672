import assert from "node:assert/strict";
import { chosenSeed, seededFractions } from "../support/random.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

Deno.test("a transfer that is cut again and again finishes by itself", async () => {
  const seed = chosenSeed();
  const random = seededFractions(seed);
  // Then two within the handshake, and one just behind it.
  const cuts = [...Array.from({ length: 4 }, () => 100_000 + Math.floor(random() * 4_000_000)), 1, 700, 3000];
  await withStage(async (stage) => {
    const file = stage.file("big", 24_000_000);
    const receiver = await stage.receive({ args: ["--once"] });
    await using relay = new Relay(receiver, { cutAfter: (connection) => cuts[connection] });

    const sent = await stage.send(relay, file);

    const told = `seed ${seed}, cuts after ${cuts}: ${sent.stderr}`;
    assert.equal(sent.code, 0, told);
    assert.equal((await receiver.process.ended).code, 0, told);
    assert.equal(relay.connectionCount, cuts.length + 1, told);
    assert.equal(sent.events.filter(({ event }) => event === "retry").length, cuts.length, told);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file), told);
    assert.deepEqual(names(stage.inbox), ["big"], told);
    assert.ok(relay.bytesFromClient < 1.5 * 24_000_000, `${relay.bytesFromClient} bytes went; ${told}`);
  });
});

Deno.test("a line that never carries more than 400 kB brings a file of 1.5 MB", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 1_500_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 400_000 });

    const sent = await stage.send(relay, file, { args: ["--retry-for", "30s"] });

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    assert.ok(relay.connectionCount > 3, `${relay.connectionCount} connections`);
  });
});

Deno.test("a transfer whose last words are cut off is not sent twice", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 3_000_000);
    const receiver = await stage.receive();
    // What the receiver answers once it has everything gets lost, and its receipt with it.
    await using relay = new Relay(receiver, {
      mute: (connection, bytes) => connection === 0 && bytes > 3_000_000,
    });
    const sender = stage.startSend(relay, file);
    await receiver.process.event("done");
    relay.cut();

    const sent = await sender.ended;

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    assert.deepEqual(names(stage.inbox), ["file"]);
    assert.equal(relay.connectionCount, 2);
    assert.ok(relay.bytesFromClient < 3_100_000, `${relay.bytesFromClient} bytes went`);
  });
});

Deno.test("a sender that has the receipt has succeeded, whether or not the receiver's goodbye arrives", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    let total = Infinity;
    // Of the second connection all is lost that comes behind the sender's own goodbye.
    await using relay = new Relay(receiver, {
      mute: (connection, bytes) => connection === 1 && bytes >= total,
    });
    const first = await stage.send(relay, stage.file("first", 100_000));
    assert.equal(first.code, 0, first.stderr);
    total = relay.bytesFromClient;

    const again = await stage.send(relay, stage.file("again", 100_000));

    assert.equal(again.code, 0, again.stderr);
    assert.equal(relay.bytesFromClient, 2 * total);
    assert.deepEqual(relay.connectionCount, 2);
    assert.ok(again.events.some(({ event }) => event === "done"));
    assert.deepEqual(names(stage.inbox), ["again", "first"]);
  });
});

Deno.test("a line that is cut at the same place again and again is no progress, and given up: exit 5", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    // Behind START, so that something is sent each time, and before a whole block has come.
    await using relay = new Relay(receiver, { cutAfter: () => 200_000 });

    const sent = await stage.send(relay, stage.file("file", 3_000_000), { args: ["--retry-for", "2s"] });

    assert.equal(sent.code, 5, sent.stderr);
    assert.deepEqual(names(stage.inbox), [".stx-partial"]);
  });
});

Deno.test("a sender gives up a cut connection at once with --retry-for 0: exit 5, nothing in place", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 3_000_000 });

    const sent = await stage.send(relay, file, { args: ["--retry-for", "0"] });

    assert.equal(sent.code, 5, sent.stderr);
    assert.match(sent.stderr, /^stx send: .*\n$/);
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox), [".stx-partial"]);

    const again = await stage.send(relay, file, { args: ["--retry-for", "0"] });

    assert.equal(again.code, 5, again.stderr);
    assert.match(
      again.stderr,
      /stx send: .*; \d\.\d MiB of 7\.6 MiB have arrived: the same command continues\n$/,
    );
  });
});

Deno.test("nobody listens: exit 5 at once, or after as long as --retry-for says", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const { port } = stage.closedPort();

    const atOnce = await stage.send({ port }, file);
    const later = await stage.send({ port }, file, { args: ["--retry-for", "1s"] });

    for (const { code, stderr } of [atOnce, later]) {
      assert.equal(code, 5, stderr);
      assert.match(stderr, /stx send: Cannot connect to 127\.0\.0\.1 port \d+: connection refused.*\n$/);
    }
    assert.ok(!atOnce.events.some(({ event }) => event === "retry"));
    assert.doesNotMatch(atOnce.stderr, /gave up/);
    assert.match(later.stderr, /gave up after 1\.0s without progress; check the address/);
  });
});

Deno.test("with --retry-for a sender waits for a receiver that is yet to come", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const { port } = stage.closedPort();
    const sender = stage.startSend({ port }, file, { args: ["--retry-for", "1m"] });
    await sender.event("retry");

    await stage.receive({ port });

    const sent = await sender.ended;
    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["file"]);
  });
});
