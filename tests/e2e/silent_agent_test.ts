import assert from "node:assert/strict";
import { withStage } from "../support/stage.ts";

Deno.test("a receiver whose ssh-agent never answers still ends when it is told to", async () => {
  await withStage(async (stage) => {
    const SSH_AUTH_SOCK = `${stage.folder}/agent`;
    using agent = Deno.listen({ transport: "unix", path: SSH_AUTH_SOCK });
    // The public half alone: the private one is the agent's, which takes requests and says nothing.
    const publicHalf = `${stage.receiver.identity}.pub`;
    const receiver = await stage.receive({
      args: ["--identity", publicHalf],
      env: { ...stage.receiver.env, SSH_AUTH_SOCK },
    });
    const file = stage.file("file", "content");
    const sender = stage.startSend(receiver, file);
    using _connection = await agent.accept();

    receiver.process.kill("SIGTERM");
    const ended = await receiver.process.ended;
    sender.kill("SIGTERM");
    await sender.ended;

    assert.equal(ended.code, 143, ended.stderr);
  });
});
