import assert from "node:assert/strict";
import { PROJECT_FOLDER, typescriptFiles } from "../../../scripts/project.ts";
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

Deno.test("what computes the vectors uses nothing of lib", () => {
  for (const file of [...typescriptFiles(PROJECT_FOLDER, "scripts/vectors"), "scripts/vectors.ts"]) {
    const text = Deno.readTextFileSync(`${PROJECT_FOLDER}/${file}`);
    const imports = Array.from(text.matchAll(/\bfrom "(.*)";$/gm), ([, specifier]) => specifier!);
    const allowed = /^(?:\.\/(?!\.\.)[\w/]+\.ts|node:\w+|@noble\/post-quantum\/ml-kem\.js)$/;
    assert.deepEqual(imports.filter((specifier) => !allowed.test(specifier)), [], file);
  }
});
