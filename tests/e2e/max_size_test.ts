import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

Deno.test("--max-size takes what is as large, and refuses what is larger before its content is sent", async () => {
  await withStage(async (stage) => {
    const exact = stage.file("exact", 1024 * 1024);
    const larger = stage.file("larger", 1024 * 1024 + 1);
    const receiver = await stage.receive({ args: ["--max-size", "1M"] });
    await using relay = new Relay(receiver);

    const refused = await stage.send(relay, larger);

    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /^stx send: .*1048577 bytes.*1048576.*\n$/);
    assert.ok(relay.bytesFromClient < 100_000, `${relay.bytesFromClient} bytes went`);
    assert.deepEqual(names(stage.inbox), []);

    const taken = await stage.send(receiver, exact);
    assert.equal(taken.code, 0, taken.stderr);
    assert.deepEqual(names(stage.inbox), ["exact"]);
  });
});

Deno.test("--max-size holds for a folder as a whole", async () => {
  await withStage(async (stage) => {
    for (let index = 0; index < 11; index++) stage.file(`folder/${index}`, 100_000);
    const receiver = await stage.receive({ args: ["--max-size", "1MB"] });

    const sent = await stage.send(receiver, `${stage.outbox}/folder`);

    assert.equal(sent.code, 4, sent.stderr);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("--max-size holds for standard input, whose size nobody knows beforehand", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive({ args: ["--max-size", "2M"] });

    const sent = await stage.send(receiver, "-", {
      stdin: randomBytes(6_000_000),
      args: ["--name", "piped"],
    });

    assert.equal(sent.code, 4, sent.stderr);
    assert.match(sent.stderr, /has more than 2\.0 MiB, this receiver takes at most 2\.0 MiB \(--max-size\)/);
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox), []);
  });
});
