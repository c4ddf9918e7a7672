/** What a sender tells of its progress over a line that is slower than its disk. */
import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";

const SIZE = 20 * 2 ** 20;

Deno.test("what is still under way is not told as sent, nor the transfer as finishing", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 10 * 2 ** 20 });
    const sender = stage.startSend(relay, stage.file("large", SIZE));
    await sender.event("progress", ({ phase }) => phase === "finishing");
    const passed = relay.bytesFromClient;
    assert.ok(passed > SIZE, `finishing when ${passed} of ${SIZE} bytes had passed`);
    assert.equal((await sender.ended).code, 0);
    const told = sender.events.flatMap((event) =>
      event.event === "progress" && event.phase === "sending" ? [event.bytes] : []
    );
    assert.ok(told.length > 5, "progress is told all along");
    assert.deepEqual(told, told.toSorted((a, b) => a - b));
  });
});
