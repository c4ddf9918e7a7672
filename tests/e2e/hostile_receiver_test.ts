import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { BLOCK_SIZE } from "../../lib/limits.ts";
import { encodeAccept, encodeDone } from "../../lib/wire/message.ts";
import type { Channel } from "../../lib/net/channel.ts";
import { withHostileReceiver } from "../support/hostile_peer.ts";
import { withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";

/** Sends a file to a receiver that answers so. */
async function sendTo(answer: (channel: Channel) => Promise<void>): Promise<Ended> {
  let outcome: Ended | undefined;
  await withStage(async (stage) => {
    const file = stage.file("file", 3_000_000);
    await withHostileReceiver(stage.receiver, answer, async (receiver) => {
      outcome = await stage.send(receiver, file, { args: ["--retry-for", "0"] });
    });
  });
  return outcome!;
}

/** Waits for a message of this type. */
async function until(channel: Channel, type: string): Promise<void> {
  while ((await channel.receive()).type !== type);
}

const ACCEPT = encodeAccept({ offsetBytes: 0, sha256: new Uint8Array(32) });

Deno.test("a receiver that hangs up politely without a receipt has not got the file: exit 5", async () => {
  const { code, stderr, events } = await sendTo(async (channel) => {
    await until(channel, "offer");
    channel.send("accept", ACCEPT);
    await until(channel, "end");
  });
  assert.equal(code, 5, stderr);
  assert.ok(!events.some(({ event }) => event === "done"));
});

Deno.test("a receiver whose receipt is not signed by its key has not got the file: exit 6", async () => {
  const { code, stderr, events } = await sendTo(async (channel) => {
    await until(channel, "offer");
    channel.send("accept", ACCEPT);
    await until(channel, "end");
    channel.send(
      "done",
      encodeDone({
        finishedMs: 0,
        sizeBytes: 3_000_000,
        sessionId: channel.sessionId,
        withDigests: false,
        signature: new Uint8Array(randomBytes(100)),
      }),
    );
    await channel.peerClosed();
  });
  assert.equal(code, 6, stderr);
  assert.ok(!events.some(({ event }) => event === "done"));
});

Deno.test("a receiver that claims to have what it cannot have is sent everything", async () => {
  const { code, stderr, events } = await sendTo(async (channel) => {
    await until(channel, "offer");
    channel.send(
      "accept",
      encodeAccept({ offsetBytes: 2 * BLOCK_SIZE, sha256: new Uint8Array(randomBytes(32)) }),
    );
    await until(channel, "end");
  });
  assert.equal(code, 5, stderr);
  assert.ok(!events.some(({ event }) => event === "resumed"));
});
