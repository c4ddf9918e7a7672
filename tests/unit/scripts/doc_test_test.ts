import assert from "node:assert/strict";
import { filesWithExamples, runExamples } from "../../../scripts/doc_test.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

/** Runs an example in the docs of a function, in a file with other exports that the example does not use. */
async function run(...lines: readonly string[]) {
  return await withTempFolder(async (folder) => {
    const example = lines.map((line) => ` * ${line}\n`).join("");
    await Deno.writeTextFile(
      `${folder}/documented.ts`,
      `/**\n * Adds.\n * \`\`\`ts\n${example} * \`\`\`\n */\nexport function add(a: number, b: number): number {\n` +
        "  return a + b;\n}\n\n/** Another. */\nexport const other = 1;\n",
    );
    return await runExamples([`${folder}/documented.ts`]);
  });
}

Deno.test("an example uses the library by its name, and what its own file exports", async () => {
  const result = await run(
    'import { systemRandom } from "@stx/stx";',
    "if (add(systemRandom.bytes(2).length, 3) !== 5) throw new Error();",
  );
  assert.match(result.output, /1 passed \| 0 failed/);
  assert.ok(result.success);
});

Deno.test("an example that fails, that leaves something open, or whose types are wrong, is found", async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["if (add(1, 2) !== 4) throw new Error('not four');", /not four/],
    ["Deno.openSync('/');", /Leaks detected/],
    ["setTimeout(() => {}, 60_000);", /Leaks detected/],
    ["add(1, '2');", /TS2345/],
  ];
  for (const [line, why] of wrong) {
    const { success, output } = await run(line);
    assert.match(output, why);
    assert.equal(success, false, line);
  }
});

Deno.test("what an embedder begins with has an example", () => {
  const files = filesWithExamples();
  const documented = [
    "mod.ts",
    "lib/identity/authorized_keys.ts",
    "lib/identity/identity.ts",
    "lib/net/client.ts",
    "lib/net/server.ts",
    "lib/net/stream_duplex.ts",
    "lib/net/transfers.ts",
    "lib/transfer/receipt.ts",
  ];
  for (const file of documented) assert.ok(files.includes(file), `${file} has no example`);
  assert.ok(!files.includes("lib/errors.ts"));
});
