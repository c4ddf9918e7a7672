import assert from "node:assert/strict";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX } from "../../lib/limits.ts";
import { withStage } from "../support/stage.ts";
import { ownAddress, Strangers } from "../support/strangers.ts";
import { sha256 } from "../support/tree.ts";

const COUNT = HANDSHAKES_MAX + 64;

Deno.test("strangers from many addresses take every place, and a sender gets one all the same", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const file = stage.file("file", 1024 * 1024);
    await using strangers = await Strangers.gather({
      port: receiver.port,
      count: COUNT,
      perSecond: 300,
      address: ownAddress,
    });
    await strangers.until(({ dropped }) => dropped >= COUNT - HANDSHAKES_MAX);

    const { code, stderr } = await stage.send(receiver, file, { args: ["--retry-for", "40s"] });

    assert.equal(code, 0, stderr);
    assert.equal(sha256(`${stage.inbox}/file`), sha256(file));
    await receiver.process.says(/many connections at once/);
  });
});

Deno.test("strangers from one address take its places from each other, and from nobody else", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const file = stage.file("file", 1024 * 1024);
    await using strangers = await Strangers.gather({
      port: receiver.port,
      count: COUNT,
      perSecond: 300,
      address: () => ownAddress(0),
    });
    await strangers.until(({ dropped }) => dropped >= COUNT - HANDSHAKES_PER_ADDRESS_MAX);

    const { code, stderr, events } = await stage.send(receiver, file);

    assert.equal(code, 0, stderr);
    assert.ok(events.every(({ event }) => event !== "retry"), stderr);
    assert.equal(sha256(`${stage.inbox}/file`), sha256(file));
    await receiver.process.says(/many connections at once/);
  });
});
