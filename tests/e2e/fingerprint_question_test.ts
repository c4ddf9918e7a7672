import assert from "node:assert/strict";
import { works } from "../support/programs.ts";
import { type Receiver, type Stage, withStage } from "../support/stage.ts";
import type { StxProcess } from "../support/stx_process.ts";
import { names } from "../support/tree.ts";

const HAS_SCRIPT = works("script", "--version");

/** Starts a sender at a terminal that trusts nobody yet, and waits until it asks. */
async function askedAtTerminal(stage: Stage, receiver: Receiver, file: string): Promise<StxProcess> {
  const sender = sendAtTerminal(stage, receiver, file);
  await sender.says(/\(yes\/no\)\? $/);
  return sender;
}

/** Starts a sender at a terminal. */
function sendAtTerminal(stage: Stage, receiver: Receiver, file: string): StxProcess {
  return stage.start(["send", file, `127.0.0.1:${receiver.port}`], { env: stage.sender.env, terminal: true });
}

Deno.test({
  name: "at a terminal an unknown receiver is asked about once, and remembered after yes (needs script)",
  ignore: !HAS_SCRIPT,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();
      const first = await askedAtTerminal(stage, receiver, stage.file("first", "1"));
      await first.type("yes\n");
      const asked = await first.ended;
      assert.equal(asked.code, 0, asked.stdout);
      assert.ok(asked.stdout.includes(receiver.fingerprint), asked.stdout);

      const again = await sendAtTerminal(stage, receiver, stage.file("second", "2")).ended;

      assert.equal(again.code, 0, again.stdout);
      assert.doesNotMatch(again.stdout, /yes\/no/);
      assert.deepEqual(names(stage.inbox), ["first", "second"]);
      // It is the list that sending without a terminal reads too.
      const unattended = await stage.run(["send", stage.file("third", "3"), `127.0.0.1:${receiver.port}`]);
      assert.equal(unattended.code, 0, unattended.stderr);
    });
  },
});

for (const answer of ["no\n", "y\n", "\n", "\x04"]) {
  Deno.test({
    name: `the answer ${JSON.stringify(answer)} sends nothing and remembers nothing: exit 3 (needs script)`,
    ignore: !HAS_SCRIPT,
    fn: async () => {
      await withStage(async (stage) => {
        const receiver = await stage.receive();
        const sender = await askedAtTerminal(stage, receiver, stage.file("file", "content"));

        await sender.type(answer);

        const { code, stdout } = await sender.ended;
        assert.equal(code, 3, stdout);
        assert.deepEqual(names(stage.inbox), []);
        assert.deepEqual(names(stage.sender.config), ["identity", "identity.pub"]);
      });
    },
  });
}

Deno.test({
  name: "Ctrl-C at the question ends with 130 (needs script)",
  ignore: !HAS_SCRIPT,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();
      const sender = await askedAtTerminal(stage, receiver, stage.file("file", "content"));

      await sender.type("\x03");

      const { code, stdout } = await sender.ended;
      assert.equal(code, 130, stdout);
      assert.deepEqual(names(stage.inbox), []);
    });
  },
});
