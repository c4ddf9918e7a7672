import assert from "node:assert/strict";
import { Children } from "../../../scripts/process.ts";
import { readResult, runFile, testFiles } from "../../../scripts/test.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

/** Runs a test file with this text. */
async function run(text: string) {
  return await withTempFolder(async (folder) => {
    await using children = new Children();
    await Deno.writeTextFile(`${folder}/some_test.ts`, text);
    return await runFile(children, `${folder}/some_test.ts`, []);
  });
}

Deno.test("runFile counts what passes, fails and is ignored", async () => {
  const result = await run(`
    Deno.test("a", () => {});
    Deno.test("b", async (t) => { await t.step("c", () => {}); });
    Deno.test("d", () => { throw new Error("why"); });
    Deno.test.ignore("e", () => {});
  `);
  const { output, ...counts } = result;
  assert.deepEqual(counts, { passed: 2, failed: 1, ignored: 1 });
  assert.match(output, /Error: why/);
});

Deno.test("runFile counts a file that does not load, one that ends early and one without tests as failed", async () => {
  for (const text of ["throw new Error('early');", 'Deno.test("a", () => Deno.exit(0));', "export {};"]) {
    const { passed, failed } = await run(text);
    assert.equal(passed, 0, text);
    assert.ok(failed > 0, text);
  }
});

Deno.test("runFile finds what a test leaves behind", async () => {
  const result = await run('Deno.test("a", () => { setTimeout(() => {}, 10_000); Deno.openSync("/"); });');
  assert.equal(result.failed, 1);
});

Deno.test("readResult takes the last summary, and an exit code other than 0 for a failure", () => {
  const text =
    "ok | 9 passed | 0 failed (1s)\nFAILED | 1 passed (2 steps) | 2 failed (1 step) | 3 ignored (1s)\n";
  assert.deepEqual(readResult(1, text, "err"), {
    passed: 1,
    failed: 2,
    ignored: 3,
    output: `${text}\nerr`.trim(),
  });
  assert.equal(readResult(0, "ok | 9 passed | 0 failed (1s)\n", "").failed, 0);
  assert.equal(readResult(137, "ok | 9 passed | 0 failed (1s)\n", "").failed, 1);
  assert.equal(readResult(0, "", "").failed, 1);
});

Deno.test("testFiles takes all, a folder or a file, with the slow ones first", () => {
  const all = testFiles([]);
  const firstUnit = all.findIndex((file) => file.startsWith("tests/unit/"));
  assert.ok(firstUnit > 0 && all.slice(firstUnit).every((file) => file.startsWith("tests/unit/")));
  const mine = "tests/unit/scripts/test_test.ts";
  assert.ok(all.includes(mine));
  assert.deepEqual(testFiles([mine]), [mine]);
  assert.ok(testFiles(["./tests/unit/scripts/"]).includes(mine));
  assert.deepEqual(testFiles(["tests/unit/script"]), []);
});
