import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { withStage } from "../support/stage.ts";
import { names, sha256 } from "../support/tree.ts";

const SENDER_COUNT = 20;

Deno.test("20 senders at once are served, each by itself, beside one who talks nonsense", async () => {
  await withStage(async (stage) => {
    const stranger = await stage.newPerson("stranger");
    const receiver = await stage.receive({ args: ["--max-size", "1M"] });
    // One says nothing at all and one sends garbage; both stay for as long as they are let.
    using silent = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
    using noisy = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
    const noise = (async () => {
      while (await noisy.write(randomBytes(10_000)) > 0);
    })().catch(() => {});

    const sent = await Promise.all(Array.from({ length: SENDER_COUNT }, async (_, index) => {
      // Two of them fail, which is nobody else's concern.
      const size = index === 3 ? 1_200_000 : 400_000;
      const file = stage.file(`file-${index}`, size);
      const { code, stderr } = await stage.send(receiver, file, index === 5 ? { person: stranger } : {});
      return { index, file, code, stderr };
    }));

    for (const { index, file, code, stderr } of sent) {
      assert.equal(code, index === 3 ? 4 : index === 5 ? 3 : 0, `sender ${index}: ${stderr}`);
      if (code === 0) assert.equal(sha256(`${stage.inbox}/file-${index}`), sha256(file));
    }
    assert.deepEqual(names(stage.inbox).length, SENDER_COUNT - 2);
    assert.ok(receiver.process.events.filter(({ event }) => event === "error").length >= 3);
    receiver.process.kill("SIGTERM");
    await receiver.process.ended;
    await noise;
    assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
  });
});

Deno.test("someone who sends garbage is hung up on, and told nothing", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    using stranger = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });

    await stranger.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n"));
    const answer = new Uint8Array(1000);
    let size = 0;
    for (;;) {
      const count = await stranger.read(answer.subarray(size)).catch(() => null);
      if (count === null) break;
      size += count;
    }

    assert.ok(size <= 16, `it was told ${size} bytes`);
    const { exit, peer, transfer } = await receiver.process.event("error");
    assert.deepEqual([exit, peer, transfer], [null, null, null]);
    const sent = await stage.send(receiver, stage.file("file", "content"));
    assert.equal(sent.code, 0, sent.stderr);
  });
});
