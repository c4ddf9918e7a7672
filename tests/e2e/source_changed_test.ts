import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

/**
 * A sender reads ahead of the line: as much as may go unacknowledged, 16 MiB, lies in its memory and the system's.
 * The change has to come before it has read all.
 */
const FILE_SIZE = 40_000_000;

/** Sends a file, does `change` to it half-way, and asserts that the transfer fails for that and leaves nothing in place. */
async function assertNoticed(change: (path: string, stage: Stage) => void): Promise<void> {
  await withStage(async (stage) => {
    const file = stage.file("log", FILE_SIZE);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
    const sender = stage.startSend(relay, file);
    await relay.passed(2_000_000);

    change(file, stage);

    const { code, stderr } = await sender.ended;
    assert.equal(code, 7, stderr);
    assert.match(stderr, /^stx send: [^\n]+\n$/);
    const { code: name } = await sender.event("error");
    assert.equal(name, "source_changed");
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox).filter((each) => each !== ".stx-partial"), []);
  });
}

Deno.test("a file that grows while it is sent: exit 7, and nothing is in place", async () => {
  await assertNoticed((path) => Deno.writeTextFileSync(path, "one line more\n", { append: true }));
});

Deno.test("a file that shrinks while it is sent: exit 7, and nothing is in place", async () => {
  await assertNoticed((path) => Deno.truncateSync(path, 11_000_000));
});

Deno.test("a file that is replaced while it is sent: exit 7, and nothing is in place", async () => {
  await assertNoticed((path, stage) => Deno.renameSync(stage.file("other", FILE_SIZE), path));
});

Deno.test("a file that is removed before its turn: exit 7, and nothing of its folder is in place", async () => {
  await withStage(async (stage) => {
    stage.file("folder/a", FILE_SIZE);
    const last = stage.file("folder/b", "content");
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: FILE_SIZE });
    const sender = stage.startSend(relay, `${stage.outbox}/folder`);
    await relay.passed(2_000_000);

    Deno.removeSync(last);

    const { code, stderr } = await sender.ended;
    assert.equal(code, 7, stderr);
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox).filter((each) => each !== ".stx-partial"), []);
  });
});
