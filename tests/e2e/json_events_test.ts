import assert from "node:assert/strict";
import { DOCUMENTED_EVENTS, eventProblem } from "../support/events.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import type { StxEvent } from "../support/events.ts";

// Every event of every scenario is held against the document as it is read: see support/stx_process.ts.

/** The names of events, several in a row as one. */
function order(events: readonly StxEvent[]): string {
  return events.map(({ event }) => event).filter((name, index, all) => name !== all[index - 1]).join(" ");
}

Deno.test("events of a transfer come in the documented order at both ends, and agree", async () => {
  await withStage(async (stage) => {
    stage.file("folder/a", 2_000_000);
    stage.file("folder/b", 1_000_000);
    const receiver = await stage.receive({ args: ["--once"] });

    const sent = await stage.send(receiver, `${stage.outbox}/folder`);

    const received = await receiver.process.ended;
    assert.match(order(sent.events), /^(progress )?connected offer progress file done$/);
    assert.match(order(received.events), /^listening connected offer progress file done$/);
    for (const events of [sent.events, received.events]) {
      const ids = new Set(
        events.flatMap((event) => "transfer" in event && event.transfer !== null ? [event.transfer] : []),
      );
      assert.equal(ids.size, 1);
      assert.match([...ids][0]!, /^[0-9a-f]{64}$/);
      const offer = events.find(({ event }) => event === "offer");
      assert.ok(offer?.event === "offer");
      assert.deepEqual([offer.names, offer.totalBytes, offer.totalFiles], [["folder"], 3_000_000, 2]);
      const files = events.flatMap((event) => event.event === "file" ? [[event.path, event.sizeBytes]] : []);
      assert.deepEqual(files, [["folder/a", 2_000_000], ["folder/b", 1_000_000]]);
      const done = events.at(-1)!;
      assert.ok(done.event === "done");
      assert.deepEqual([done.bytes, done.files, done.receipt], [3_000_000, 2, null]);
    }
    const peers = [sent, received].map(({ events }) => events.find(({ event }) => event === "connected"));
    assert.deepEqual(
      peers.map((event) => event?.event === "connected" && event.peer),
      [stage.receiver.fingerprint, stage.sender.fingerprint],
    );
  });
});

Deno.test("events of a cut and resumed transfer come in the documented order, with one id", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive({ args: ["--once"] });
    await using relay = new Relay(receiver, {
      cutAfter: (connection) => connection === 0 ? 5_000_000 : undefined,
    });

    const sent = await stage.send(relay, file);

    const received = await receiver.process.ended;
    assert.match(
      order(sent.events),
      /^(progress )?connected offer progress retry (progress )?connected (offer )?(progress )?resumed progress file done$/,
    );
    assert.match(
      order(received.events),
      /^listening connected offer progress error connected offer (progress )?resumed progress file done$/,
    );
    for (const { events } of [sent, received]) {
      const ids = new Set(
        events.flatMap((event) => "transfer" in event && event.transfer !== null ? [event.transfer] : []),
      );
      assert.equal(ids.size, 1);
      const resumed = events.find(({ event }) => event === "resumed");
      assert.ok(
        resumed?.event === "resumed" && resumed.offsetBytes > 2_000_000 && resumed.offsetBytes < 5_000_000,
      );
    }
    const failure = received.events.find(({ event }) => event === "error");
    assert.ok(failure?.event === "error");
    assert.deepEqual([failure.exit, failure.peer], [null, stage.sender.fingerprint]);
    assert.match(failure.transfer!, /^[0-9a-f]{64}$/);
  });
});

Deno.test("the names of an offer are the first 100 at most", async () => {
  await withStage(async (stage) => {
    const files = Array.from({ length: 101 }, (_, index) => stage.file(`${1000 + index}`, ""));
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, files);

    assert.equal(sent.code, 0, sent.stderr);
    for (
      const { names, totalFiles } of [
        await receiver.process.event("offer"),
        sent.events.find((each) => each.event === "offer")!,
      ]
    ) {
      assert.deepEqual([names.length, names[0], names[99], totalFiles], [100, "1000", "1099", 101]);
    }
  });
});

Deno.test("progress counts up to the whole, and its phases are the documented ones", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 40_000_000);
    const receiver = await stage.receive({ args: ["--once"] });
    await using relay = new Relay(receiver, { bytesPerSecond: 25_000_000 });

    const sent = await stage.send(relay, file);

    const received = await receiver.process.ended;
    const phases = ["hashing", "connecting", "sending", "receiving", "resuming", "finishing"];
    for (const { events } of [sent, received]) {
      const progress = events.flatMap((event) => event.event === "progress" ? [event] : []);
      assert.ok(progress.length >= 4, `only ${progress.length} events for a second and a half`);
      assert.ok(progress.every(({ phase }) => phases.includes(phase)));
      assert.ok(progress.every(({ bytes }, index) => index === 0 || bytes >= progress[index - 1]!.bytes));
      assert.ok(
        progress.every(({ totalBytes, totalFiles }) => totalBytes === 40_000_000 && totalFiles === 1),
      );
      assert.deepEqual([progress.at(-1)!.phase, progress.at(-1)!.bytes], ["finishing", 40_000_000]);
    }
  });
});

Deno.test("the last event of a sender that fails is its error, with the exit status that follows", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive({ args: ["--max-size", "1"] });
    const sent = await stage.send(receiver, stage.file("file", "content"));

    const last = sent.events.at(-1)!;
    assert.ok(last.event === "error");
    assert.deepEqual([last.code, last.exit, sent.code], ["rejected", 4, 4]);
    assert.match(last.transfer ?? "", /^[0-9a-f]{64}$/, "the transfer that failed is named");
    assert.equal(last.peer, receiver.fingerprint, "and so is the receiver that refused it");
  });
});

Deno.test("without --json standard output stays empty", async () => {
  await withStage(async (stage) => {
    const receiver = stage.start(["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--once"], {
      env: stage.receiver.env,
    });
    await receiver.says(/Send with: .*\n/);
    const port = /Send with: .*:(\d+)\n/.exec(receiver.stderr)![1];
    const file = stage.file("file", "content");
    const sent = await stage.run(["send", file, `127.0.0.1:${port}`, "--peer", stage.receiver.fingerprint]);
    assert.deepEqual([sent.code, sent.stdout], [0, ""], sent.stderr);
    const { code, stdout } = await receiver.ended;
    assert.deepEqual([code, stdout], [0, ""]);
  });
});

Deno.test("the checker of events finds what is wrong with one", () => {
  const good = { v: 1, event: "resumed", transfer: "0f", offsetBytes: 1 };
  assert.equal(eventProblem(JSON.stringify(good)), undefined);
  for (
    const bad of [
      JSON.stringify({ ...good, v: 2 }),
      JSON.stringify({ event: "resumed", v: 1, transfer: "0f", offsetBytes: 1 }),
      JSON.stringify({ ...good, event: "unheard-of" }),
      JSON.stringify({ ...good, offsetBytes: "1" }),
      JSON.stringify({ ...good, more: 1 }),
      JSON.stringify({ v: 1, event: "resumed", transfer: "0f" }),
      JSON.stringify({ ...good, transfer: "é" }),
      "[]",
      "no JSON",
    ]
  ) assert.notEqual(eventProblem(bad), undefined, bad);
  assert.equal(DOCUMENTED_EVENTS.get("error")?.size, 6);
});
