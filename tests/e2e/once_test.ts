import assert from "node:assert/strict";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

Deno.test("recv --once ends with 0 after the first finished transfer, not after a refused one", async () => {
  await withStage(async (stage) => {
    const other = await stage.newPerson("other");
    const receiver = await stage.receive({ args: ["--once", "--max-size", "1K"] });
    assert.equal((await stage.send(receiver, stage.file("too large", 2000))).code, 4);
    assert.equal((await stage.send(receiver, stage.file("hidden", "x"), { person: other })).code, 3);

    const sent = await stage.send(receiver, stage.file("file", "content"));

    assert.equal(sent.code, 0, sent.stderr);
    const { code, stderr } = await receiver.process.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(names(stage.inbox), ["file"]);
    const late = await stage.send(receiver, stage.file("late", "content"));
    assert.equal(late.code, 5, late.stderr);
  });
});

Deno.test("recv without --once goes on", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    for (const name of ["first", "second", "third"]) {
      const sent = await stage.send(receiver, stage.file(name, name));
      assert.equal(sent.code, 0, sent.stderr);
    }
    assert.deepEqual(names(stage.inbox), ["first", "second", "third"]);
  });
});
