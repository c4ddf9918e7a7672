import assert from "node:assert/strict";
import { HeldTerminal } from "../support/held_terminal.ts";
import { works } from "../support/programs.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import type { StxProcess } from "../support/stx_process.ts";
import { names, tree } from "../support/tree.ts";

/** What was sent before the signal, 16 MiB at most, still arrives: the file has to be larger by far. */
const FILE_SIZE = 40_000_000;

const SIGNALS = [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const;

/** How a process is started that a signal is to stop, and how it is sent. A hang-up is one of a terminal. */
interface Stopping extends AsyncDisposable {
  readonly prefix: readonly string[];
  stop(process: StxProcess): Promise<void>;
}

async function stoppingBy(signal: Deno.Signal): Promise<Stopping> {
  if (signal !== "SIGHUP") {
    const stop = (process: StxProcess) => Promise.resolve(process.kill(signal));
    return { prefix: [], stop, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const terminal = await HeldTerminal.open();
  return {
    prefix: terminal.prefix,
    stop: async (process) => {
      await terminal.hangUp();
      // Which the system does by itself only where the terminal controls the process.
      process.kill(signal);
    },
    [Symbol.asyncDispose]: () => terminal.hangUp(),
  };
}

for (const [signal, status] of SIGNALS) {
  const needs = signal === "SIGHUP" ? " (needs script)" : "";
  const ignore = signal === "SIGHUP" && !works("script", "--version");

  Deno.test({
    name: `${signal} to the sender: exit ${status}, and the same command continues${needs}`,
    ignore,
    fn: async () => {
      await withStage(async (stage) => {
        await using stopping = await stoppingBy(signal);
        const file = stage.file("file", FILE_SIZE);
        const receiver = await stage.receive();
        await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
        const sender = stage.startSend(relay, file, { prefix: stopping.prefix });
        await relay.passed(6_000_000);

        await stopping.stop(sender);

        const { code, stderr, events } = await sender.ended;
        assert.equal(code, status, stderr);
        assert.match(stderr, new RegExp(`^stx send: [^\\n]*${signal}[^\\n]*\\n$`));
        const last = events.at(-1)!;
        assert.ok(last.event === "error");
        assert.deepEqual([last.code, last.exit], ["cancelled", status]);
        await receiver.process.event("error");
        assert.deepEqual(names(stage.inbox), [".stx-partial"]);
        const again = await stage.send(receiver, file);
        assert.equal(again.code, 0, again.stderr);
        assert.ok(again.events.some(({ event }) => event === "resumed"), again.stderr);
        assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
      });
    },
  });

  Deno.test({
    name: `${signal} to the receiver: exit ${status}, and the sender finishes with the next one${needs}`,
    ignore,
    fn: async () => {
      await withStage(async (stage) => {
        await using stopping = await stoppingBy(signal);
        const file = stage.file("file", FILE_SIZE);
        const receiver = await stage.receive({ prefix: stopping.prefix });
        await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
        const sender = stage.startSend(relay, file);
        await receiver.process.event("progress", ({ bytes }) => bytes > 4_000_000);

        await stopping.stop(receiver.process);

        const { code, stderr, events } = await receiver.process.ended;
        assert.equal(code, status, stderr);
        const offer = events.find(({ event }) => event === "offer")!;
        const last = events.at(-1)!;
        assert.ok(offer.event === "offer" && last.event === "error", "what was begun has its end");
        assert.deepEqual(
          [last.code, last.exit, last.transfer, last.peer],
          ["cancelled", null, offer.transfer, offer.peer],
        );
        assert.match(stderr, /^stx recv: "file" from SHA256:\S+ \(127.*\): Stopped, at .*; .*continue$/m);
        assert.deepEqual(names(stage.inbox), [".stx-partial"]);
        await stage.receive({ port: receiver.port });
        const sent = await sender.ended;
        assert.equal(sent.code, 0, sent.stderr);
        assert.ok(sent.events.some(({ event }) => event === "resumed"), sent.stderr);
        assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
      });
    },
  });

  Deno.test({
    name: `${signal} to a receiver with nothing to do: exit ${status}${needs}`,
    ignore,
    fn: async () => {
      await withStage(async (stage) => {
        await using stopping = await stoppingBy(signal);
        const receiver = await stage.receive({ prefix: stopping.prefix });
        await stopping.stop(receiver.process);
        const { code, stderr } = await receiver.process.ended;
        assert.equal(code, status, stderr);
      });
    },
  });
}

Deno.test("SIGHUP stops no receiver that has no terminal, as under nohup", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    // Served, so that it listens to signals too.
    assert.equal((await stage.send(receiver, stage.file("before", "x"))).code, 0);

    receiver.process.kill("SIGHUP");

    const sent = await stage.send(receiver, stage.file("after", "x"));
    assert.equal(sent.code, 0, sent.stderr);
    assert.doesNotMatch(receiver.process.stderr, /Stopping/);
    receiver.process.kill("SIGTERM");
    assert.equal((await receiver.process.ended).code, 143);
  });
});

Deno.test("SIGHUP stops no sender that has no terminal, as under nohup", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
    const sender = stage.startSend(relay, stage.file("file", FILE_SIZE));
    await relay.passed(6_000_000);

    sender.kill("SIGHUP");

    const { code, stderr } = await sender.ended;
    assert.equal(code, 0, stderr);
  });
});

Deno.test("SIGTERM to a sender that waits before it tries again: exit 143 at once", async () => {
  await withStage(async (stage) => {
    const sender = stage.startSend(stage.closedPort(), stage.file("file", "x"), {
      args: ["--retry-for", "1h"],
    });
    await sender.event("retry", ({ delayMs }) => delayMs > 500);

    sender.kill("SIGTERM");

    assert.equal((await sender.ended).code, 143);
  });
});

Deno.test("SIGTERM to a sender that waits for its standard input: exit 143, nothing in place", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const stdin = new ReadableStream<Uint8Array>({
      // Never ends, and never gives more.
      start: (controller) => controller.enqueue(new TextEncoder().encode("the beginning")),
    });
    const sender = stage.startSend(receiver, "-", { stdin, args: ["--name", "endless"] });
    await receiver.process.event("offer");

    sender.kill("SIGTERM");

    const { code, stderr } = await sender.ended;
    assert.equal(code, 143, stderr);
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("SIGTERM to a receiver that a stranger keeps waiting: exit 143 without waiting for it", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    using _silent = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
    // Served behind it, so the receiver has taken the silent one too.
    assert.equal((await stage.send(receiver, stage.file("file", "x"))).code, 0);
    const start = performance.now();

    receiver.process.kill("SIGTERM");

    assert.equal((await receiver.process.ended).code, 143);
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds < 5, `it took ${seconds.toFixed(1)} s`);
  });
});
