import assert from "node:assert/strict";
import { loadIdentity } from "../../../cli/key_files.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

Deno.test("an agent that does not answer is asked for so many signatures at once and no more", async () => {
  await withTempFolder(async (folder) => {
    const { publicKey } = await identityFromSeed(new Uint8Array(32).fill(1));
    Deno.writeTextFileSync(`${folder}/key.pub`, formatPublicKeyLine(publicKey, ""));
    Deno.env.set("SSH_AUTH_SOCK", `${folder}/agent`);
    const agent = Deno.listen({ transport: "unix", path: `${folder}/agent` });
    const { sign } = await loadIdentity(`${folder}/key.pub`);
    const message = new Uint8Array(10);

    const waiting = Promise.allSettled(Array.from({ length: 64 }, () => sign(message)));
    await assert.rejects(sign(message), { code: "busy", hint: /confirmation/ });
    for (let count = 0; count < 64; count++) (await agent.accept()).close();
    for (const result of await waiting) {
      assert.equal(result.status === "rejected" && result.reason.code, "bad_key_file");
    }

    // Whoever has been answered makes room.
    const next = assert.rejects(sign(message), { code: "bad_key_file" });
    (await agent.accept()).close();
    await next;
    agent.close();
  });
});
