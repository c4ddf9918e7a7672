import assert from "node:assert/strict";
import { COMMANDS } from "../../cli/commands.ts";
import type { Flag } from "../../cli/commands/types.ts";
import { withStage } from "../support/stage.ts";

/** The options whose value is text: all others take a file, a folder, a public key or one of a few words. */
const TEXTS = [
  "attack",
  "comment",
  "data",
  "deadline",
  "listen",
  "max-size",
  "min-clients",
  "name",
  "retry-for",
]
  .concat("rounds", "seed", "upstream");

Deno.test("no option takes a secret: every key is in a file", () => {
  const flags = COMMANDS.flatMap((command): readonly Flag[] => command.flags);
  const texts = flags.filter(({ value }) => value?.completion === "none").map(({ name }) => name);
  assert.deepEqual([...new Set(texts)].sort(), TEXTS);
  for (const { name, value } of flags) {
    if (/key|psk|identity/.test(name)) assert.ok(value === undefined || value.completion === "file", name);
  }
});

Deno.test({
  name: "who looks at the table of processes sees no key (needs Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withStage(async (stage) => {
      const psk = `${stage.folder}/psk`;
      assert.equal((await stage.run(["keygen", "--psk", "--out", psk])).code, 0);
      const secrets = [psk, stage.sender.identity, stage.receiver.identity]
        .flatMap((path) => Deno.readTextFileSync(path).match(/[A-Za-z0-9+/=]{40,}/g)!);
      assert.ok(secrets.length > 3);
      const receiver = await stage.receive({ args: ["--psk-file", psk] });
      const sending = stage.startSend(receiver, "-", {
        args: ["--name", "piped", "--psk-file", psk],
        stdin: new ReadableStream(),
      });
      await sending.event("connected");

      const seen = [receiver.process.pid, sending.pid].flatMap((pid) =>
        ["cmdline", "environ", "comm"].map((file) => Deno.readTextFileSync(`/proc/${pid}/${file}`))
      );

      for (const secret of secrets) for (const text of seen) assert.ok(!text.includes(secret));
      assert.ok(seen.some((text) => text.includes(psk)), "it is these processes that were looked at");
      sending.kill("SIGTERM");
      await sending.ended;
    });
  },
});
