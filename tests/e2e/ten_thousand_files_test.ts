import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { withStage } from "../support/stage.ts";
import { tree } from "../support/tree.ts";

const FILE_COUNT = 10_000;
const FILE_SIZE = 4096;

Deno.test("10,000 small files arrive with equal digests, modes and times", async () => {
  await withStage(async (stage) => {
    const folder = `${stage.outbox}/many`;
    const content = randomBytes(FILE_SIZE);
    for (let index = 0; index < FILE_COUNT; index++) {
      const path = `${folder}/${Math.floor(index / 1000)}/${index % 1000}`;
      if (index % 1000 === 0) Deno.mkdirSync(`${folder}/${index / 1000}`, { recursive: true });
      content.writeUInt32BE(index);
      Deno.writeFileSync(path, content, { mode: index % 2 === 0 ? 0o644 : 0o600 });
      const time = new Date(1_700_000_000_000 + index);
      Deno.utimeSync(path, time, time);
    }
    const receiver = await stage.receive({ args: ["--once"] });

    const sent = await stage.send(receiver, folder);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal((await receiver.process.ended).code, 0);
    const arrived = tree(`${stage.inbox}/many`);
    assert.equal(arrived.filter(({ kind }) => kind === "file").length, FILE_COUNT);
    // Not deepEqual of the whole: its message for 10,000 entries would help nobody.
    const wrong = tree(folder).findIndex((item, index) => {
      return JSON.stringify(item) !== JSON.stringify(arrived[index]);
    });
    assert.equal(wrong, -1, `${JSON.stringify(arrived[wrong])} is not what was sent`);
    assert.deepEqual(sent.events.filter(({ event }) => event === "file").length, FILE_COUNT);
  });
});
