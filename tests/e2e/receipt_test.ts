import assert from "node:assert/strict";
import { isInstalled, type Outcome, runProgram } from "../support/programs.ts";
import { type Stage, withStage } from "../support/stage.ts";

const HAS_KEYGEN = isInstalled("ssh-keygen");

/** Has ssh-keygen verify a receipt with this text as the receiver's. */
async function verify(stage: Stage, receipt: string, text: string): Promise<Outcome> {
  const signers = `${stage.folder}/allowed_signers`;
  const key = Deno.readTextFileSync(`${stage.receiver.identity}.pub`);
  Deno.writeTextFileSync(signers, `receiver namespaces="receipt@stx1" ${key}`);
  const args = [
    "-Y",
    "verify",
    "-n",
    "receipt@stx1",
    "-I",
    "receiver",
    "-f",
    signers,
    "-s",
    `${receipt}.sig`,
  ];
  return await runProgram("ssh-keygen", args, { input: text });
}

Deno.test({
  name: "ssh-keygen verifies the receipt, and no other text with its signature (needs OpenSSH)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", 123_456);
      const receiver = await stage.receive();
      const receipt = `${stage.folder}/receipt`;

      const sent = await stage.send(receiver, file, { args: ["--receipt", receipt] });

      assert.equal(sent.code, 0, sent.stderr);
      const done = sent.events.find(({ event }) => event === "done");
      assert.ok(done?.event === "done" && done.receipt === receipt);
      const text = Deno.readTextFileSync(receipt);
      assert.ok(text.includes("bytes: 123456\n") && text.includes(`transfer: ${done.transfer}\n`), text);
      const { code, stdout, stderr } = await verify(stage, receipt, text);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /Good "receipt@stx1" signature for receiver/);
      assert.notEqual((await verify(stage, receipt, text.replace("123456", "123457"))).code, 0);
    });
  },
});

Deno.test({
  name: "a transfer that was done before gives a valid receipt again (needs OpenSSH)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", 1_234_567);
      const receiver = await stage.receive();
      const receipt = `${stage.folder}/receipt`;
      assert.equal((await stage.send(receiver, file, { args: ["--checksum"] })).code, 0);

      const again = await stage.send(receiver, file, { args: ["--receipt", receipt] });

      assert.equal(again.code, 0, again.stderr);
      const { code, stdout, stderr } = await verify(stage, receipt, Deno.readTextFileSync(receipt));
      assert.equal(code, 0, stdout + stderr);
    });
  },
});

Deno.test("a receipt that cannot be written: exit 7, though the file has arrived", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, file, { args: ["--receipt", `${file}/receipt`] });

    assert.equal(sent.code, 7, sent.stderr);
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/file`), "content");
  });
});
