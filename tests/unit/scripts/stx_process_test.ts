import assert from "node:assert/strict";
import { flagsFor } from "../../../scripts/permissions.ts";
import { Children } from "../../../scripts/process.ts";
import { stxArguments, StxProcess } from "../../../scripts/stx_process.ts";

const FLAGS = flagsFor({ read: [], write: [], net: [], env: [], sys: [] });

Deno.test("an StxProcess gives events, past ones too, and says why stx ended without the one that is awaited", async () => {
  await using children = new Children();
  const seen: string[] = [];
  const stx = new StxProcess(children, FLAGS, ["send"], {}, (event) => seen.push(event.event));
  const error = await stx.first("error");
  assert.equal(error.code, "usage");
  assert.deepEqual(await stx.first("error"), error);
  await assert.rejects(
    stx.first("error", (event) => event.code === "disk"),
    /without "error": .*PATH is missing/,
  );
  await assert.rejects(stx.first("done"), /without "done": .*PATH is missing/);
  await assert.rejects(stx.succeed(), /stx ended with 2: .*PATH is missing/);
  assert.deepEqual(seen, ["error"]);
});

Deno.test("stxArguments run stx from the sources", async () => {
  await using children = new Children();
  assert.match(await children.run(Deno.execPath(), stxArguments(FLAGS, ["--version"])), /^stx \d/);
});
