import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import { vectorFiles } from "../../../scripts/vectors.ts";

Deno.test("the vectors and the worked example are what deno task vectors writes", () => {
  for (const [path, text] of vectorFiles()) {
    // Not by assert.equal: a difference is shown whole, and these are long.
    assert.ok(Deno.readTextFileSync(`${PROJECT_FOLDER}/${path}`) === text, `${path}: run deno task vectors`);
  }
});

Deno.test("there is no vector that nobody writes", () => {
  const written = [...vectorFiles().keys()].filter((path) => path.endsWith(".json"));
  const there = Array.from(Deno.readDirSync(`${PROJECT_FOLDER}/tests/vectors`), ({ name }) => name)
    .filter((name) => name.endsWith(".json"));
  assert.deepEqual(there.map((name) => `tests/vectors/${name}`).sort(), written.sort());
});
