import assert from "node:assert/strict";
import { strayVersions } from "../../../scripts/check_version.ts";
import { DENO_VERSION } from "../../../scripts/deno_version.ts";

Deno.test("the tests run on the pinned version of Deno", () => {
  assert.equal(Deno.version.deno, DENO_VERSION);
});

Deno.test("strayVersions finds every other version, with its line", () => {
  const text = `npx -y deno@${DENO_VERSION} task demo\nnpx deno@2.0.0 task test, or deno@2. Or denosaur@1.\n`;
  assert.deepEqual(strayVersions(text), [{ line: 2, version: "2.0.0" }, { line: 2, version: "2" }]);
});
