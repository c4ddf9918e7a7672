/** Somebody on the way answers in the receiver's place. */
import assert from "node:assert/strict";
import { type Alert, ALERTS } from "../../lib/wire/alert.ts";
import type { StxEvent } from "../support/events.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { tree } from "../support/tree.ts";

/** An alert's frame, in clear, which anybody can make. */
function forged(alert: Alert): Uint8Array {
  return Uint8Array.of(5, 0, 0, 1, ALERTS[alert]);
}

function codes(events: readonly StxEvent[], name: "error" | "retry"): readonly (string | null)[] {
  return events.flatMap((each) => each.event === name && "code" in each ? [each.code] : []);
}

for (const alert of ["handshakeFailed", "accessDenied"] as const) {
  Deno.test(`three forged alerts "${alert}" do not end a transfer`, async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", "content");
      const receiver = await stage.receive();
      await using relay = new Relay(receiver, {
        answer: (connection) => connection < 3 ? forged(alert) : undefined,
      });

      const sent = await stage.send(relay, file);

      assert.equal(sent.code, 0, sent.stderr);
      assert.equal(relay.connectionCount, 4);
      assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    });
  });
}

Deno.test("whoever forges alerts without end keeps a transfer from happening, and it says so: exit 3", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { answer: () => forged("accessDenied") });

    const sent = await stage.send(relay, stage.file("file", "content"));

    assert.equal(sent.code, 3, sent.stderr);
    assert.equal(relay.connectionCount, 4);
    assert.match(sent.stderr, /alert in clear, which anybody on the way could have sent/);
    assert.deepEqual(codes(sent.events, "error"), ["refused_connection"]);
  });
});

Deno.test("busy is tried again for as long as the sender is patient, and counts as no disturbance", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, {
      answer: (connection) => connection < 4 ? forged("busy") : undefined,
    });

    const sent = await stage.send(relay, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(relay.connectionCount, 5);
    assert.deepEqual(codes(sent.events, "retry"), Array(4).fill("busy"));
  });
});

Deno.test("a receiver that is always busy is given up in the end: exit 5", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { answer: () => forged("busy") });

    const sent = await stage.send(relay, stage.file("file", "content"), { args: ["--retry-for", "1s"] });

    assert.equal(sent.code, 5, sent.stderr);
    assert.deepEqual(codes(sent.events, "error"), ["busy"]);
  });
});
