import assert from "node:assert/strict";
import { calledFrom, outputFolder, PROJECT_FOLDER, typescriptFiles } from "../../../scripts/project.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

Deno.test("typescriptFiles lists what lies below, in order, and nothing where there is no folder", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/lib/below`, { recursive: true });
    for (const name of ["b.ts", "a.ts", "c.js", "below/d.ts"]) {
      Deno.writeTextFileSync(`${folder}/lib/${name}`, "");
    }
    assert.deepEqual(typescriptFiles(folder, "lib"), ["lib/a.ts", "lib/b.ts", "lib/below/d.ts"]);
    assert.deepEqual(typescriptFiles(folder, "absent"), []);
  });
});

Deno.test("a path means what it means where the task is called", () => {
  assert.equal(calledFrom("x/../y", "/somewhere"), "/somewhere/y");
  assert.equal(calledFrom("/x", "/somewhere"), "/x");
  assert.equal(outputFolder("/out"), "/out");
  assert.equal(outputFolder(undefined), `${PROJECT_FOLDER}/dist`);
});
