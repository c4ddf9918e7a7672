import assert from "node:assert/strict";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

/** What a shell, or a program that is given names, would take for something else than a name. */
const NAMES = [
  "$(touch owned)",
  "`touch owned`",
  ";touch owned",
  "|touch owned",
  "&& touch owned",
  "-rf",
  "--checkpoint-action=exec=touch owned",
  "*",
  "?",
  "~root",
  "'; touch owned; '",
  '"$(touch owned)"',
  "%s%n",
  "!!",
  "$HOME",
];

Deno.test("names that a shell would obey arrive as they are, and nothing is run", async () => {
  await withStage(async (stage) => {
    for (const name of NAMES) stage.file(`folder/${name}`, name);
    const receiver = await stage.receive({ cwd: stage.inbox });
    const sent = await stage.send(receiver, `${stage.outbox}/folder`, { cwd: stage.outbox });

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["folder"]);
    assert.deepEqual(names(stage.outbox), ["folder"]);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
  });
});
