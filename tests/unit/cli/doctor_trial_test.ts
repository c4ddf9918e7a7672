import assert from "node:assert/strict";
import { tryReceiving, tryWriting } from "../../../cli/doctor_trial.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { withPatched } from "../files/tree.ts";

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("a trial leaves nothing behind", async () => {
  await withTempFolder((folder) => {
    assert.equal(tryReceiving(folder).isDirectory, true);
    tryWriting(folder, 5000);
    assert.deepEqual(names(folder), []);
  });
});

Deno.test("a trial that fails half-way leaves nothing behind", async () => {
  await withTempFolder(async (folder) => {
    const fail = () => {
      throw Object.assign(new Error("it failed"), { code: "EIO" });
    };
    await assert.rejects(() => withPatched(Deno, "renameSync", fail, () => tryReceiving(folder)), {
      code: "disk",
      message: /^Cannot put a file in place in/,
    });
    assert.deepEqual(names(folder), []);
  });
});

Deno.test("a folder that somebody puts in the trial's place stays, with all that is in it", async () => {
  await withTempFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/photos`);
    for (const name of ["arriving", "arrived", "written", "summer"]) {
      Deno.writeTextFileSync(`${folder}/photos/${name}`, "mine");
    }
    const { lstatSync } = Deno;
    let trial = "";
    const swapping = (path: string | URL) => {
      if (trial === "") {
        trial = String(path);
        Deno.renameSync(trial, `${folder}/aside`);
        Deno.renameSync(`${folder}/photos`, trial);
      }
      return lstatSync(path);
    };
    await assert.rejects(() => withPatched(Deno, "lstatSync", swapping, () => tryReceiving(folder)), {
      code: "disk",
      message: /^Cannot remove/,
    });
    assert.deepEqual(names(trial), ["arrived", "arriving", "summer", "written"]);
  });
});
