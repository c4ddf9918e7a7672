import assert from "node:assert/strict";
import { loadIdentity } from "../../cli/key_files.ts";
import { CONNECTIONS_PER_SENDER_MAX } from "../../lib/limits.ts";
import type { Channel } from "../../lib/net/channel.ts";
import { connect } from "../../lib/net/client.ts";
import { dial } from "../../lib/net/tcp.ts";
import { withStage } from "../support/stage.ts";
import { tree } from "../support/tree.ts";

Deno.test("one sender has a part of the places: one session more is told busy, and others are served", async () => {
  await withStage(async (stage) => {
    const other = await stage.newPerson("other");
    stage.authorize(stage.sender, other);
    const receiver = await stage.receive();
    const identity = await loadIdentity(stage.sender.identity);
    const open = async () =>
      await connect(await dial("127.0.0.1", receiver.port), { identity, checkServer: () => {} });
    const channels: Channel[] = [];
    try {
      for (let i = 0; i < CONNECTIONS_PER_SENDER_MAX; i++) {
        channels.push(await open());
        await receiver.process.event("connected");
      }
      const oneMore = await open();
      await assert.rejects(oneMore.receive(), { code: "busy" });
      await oneMore.close();

      const file = stage.file("file", "content");
      const sent = await stage.send(receiver, file, { person: other });
      assert.equal(sent.code, 0, sent.stderr);
      assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    } finally {
      await Promise.all(channels.map((channel) => channel.close()));
    }
  });
});
