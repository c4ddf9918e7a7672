import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

Deno.test("standard input arrives under the name that it is given", async () => {
  await withStage(async (stage) => {
    const content = randomBytes(5_000_000);
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, "-", { stdin: content, args: ["--name", "piped.bin"] });

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["piped.bin"]);
    assert.ok(content.equals(Deno.readFileSync(`${stage.inbox}/piped.bin`)));
    const { bytes } = await receiver.process.event("done");
    assert.equal(bytes, content.length);
    const { sizeBytes } = await receiver.process.event("file");
    assert.equal(sizeBytes, content.length);
  });
});

Deno.test("standard input with --checksum arrives, and its digest is in the receipt", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const receipt = `${stage.folder}/receipt`;

    const sent = await stage.send(receiver, "-", {
      stdin: new TextEncoder().encode("hello\n"),
      args: ["--name", "hello", "--checksum", "--receipt", receipt],
    });

    assert.equal(sent.code, 0, sent.stderr);
    assert.match(
      Deno.readTextFileSync(receipt),
      /^5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 {2}hello$/m,
    );
  });
});

Deno.test("empty standard input arrives as an empty file", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, "-", { args: ["--name", "nothing"] });

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(Deno.statSync(`${stage.inbox}/nothing`).size, 0);
  });
});

Deno.test("standard input needs a name, and goes alone", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");

    const nameless = await stage.send({ port: 1 }, "-");
    const accompanied = await stage.send({ port: 1 }, ["-", file], { args: ["--name", "both"] });

    for (const { code, stderr } of [nameless, accompanied]) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^stx send: .*\n$/);
    }
  });
});

Deno.test("standard input that is cut off cannot be resumed: exit 5, and nothing is in place", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 2_000_000 });

    const sent = await stage.send(relay, "-", { stdin: randomBytes(4_000_000), args: ["--name", "piped"] });

    assert.equal(sent.code, 5, sent.stderr);
    assert.match(sent.stderr, /standard input cannot be sent twice/);
    await receiver.process.event("error");
    assert.deepEqual(names(stage.inbox), []);
  });
});
