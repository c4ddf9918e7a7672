import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";

Deno.test("the same send twice at once: the newer one finishes, the older one says why it stops", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 4_000_000 });
    const older = stage.startSend(relay, file);
    await older.event("progress");

    const newer = await stage.send(receiver, file);
    const stopped = await older.ended;

    assert.equal(newer.code, 0, newer.stderr);
    assert.equal(stopped.code, 5, stopped.stderr);
    assert.match(stopped.stderr, /Another stx send works on the same transfer/);
    assert.deepEqual(Deno.readFileSync(`${stage.inbox}/file`), Deno.readFileSync(file));
  });
});
