import assert from "node:assert/strict";
import fs from "node:fs";
import { findUnreal, inspect, openExisting, openToRead, parentOf } from "../../../lib/files/inspect.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { snapshot, withPatched } from "./tree.ts";

Deno.test("inspect tells what is there from what is not, and that from what cannot be known", async () => {
  await withTempFolder((folder) => {
    assert.equal(inspect(`${folder}/none`), undefined);
    Deno.symlinkSync("none", `${folder}/link`);
    assert.equal(inspect(`${folder}/link`)?.isSymlink, true);
    assert.throws(() => inspect(`${folder}/${"a".repeat(300)}`), { code: "disk", message: /too long/ });
  });
});

Deno.test("findUnreal names the first part that is no real folder", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/a/b/c`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/a/file`, "");
    Deno.symlinkSync("b", `${folder}/a/link`);
    const cases: readonly [string, string | undefined][] = [
      ["", undefined],
      ["a", undefined],
      ["a/b/c", undefined],
      ["a/link/c", "a/link"],
      ["a/link", "a/link"],
      ["a/file", "a/file"],
      ["none/b", "none"],
      ["a/none", "a/none"],
    ];
    for (const [path, unreal] of cases) {
      assert.equal(findUnreal(folder, path), unreal === undefined ? undefined : `${folder}/${unreal}`, path);
    }
  });
});

Deno.test("openExisting opens files and folders, and nothing in their stead", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/folder`);
    Deno.writeTextFileSync(`${folder}/file`, "x");
    Deno.symlinkSync("file", `${folder}/file-link`);
    Deno.symlinkSync("folder", `${folder}/folder-link`);
    openExisting(`${folder}/file`).close();
    fs.closeSync(openToRead(`${folder}/file`, "file"));
    fs.closeSync(openToRead(`${folder}/folder`, "directory"));
    const openFile = [openExisting, (path: string) => openToRead(path, "file")];
    for (const name of ["folder", "file-link", "folder-link", "none"]) {
      for (const open of openFile) {
        assert.throws(() => open(`${folder}/${name}`), {
          code: "state_corrupt",
          message: /missing|plain file/,
        });
      }
    }
    for (const name of ["file", "file-link", "folder-link", "none"]) {
      const open = () => openToRead(`${folder}/${name}`, "directory");
      assert.throws(open, { code: "state_corrupt", message: /missing|real folder/ });
    }
    Deno.linkSync(`${folder}/file`, `${folder}/second-name`);
    for (const open of openFile) {
      assert.throws(() => open(`${folder}/file`), { code: "state_corrupt" });
      assert.throws(() => open(`${folder}/${"a".repeat(300)}`), { code: "disk" });
    }
  });
});

Deno.test("openExisting notices what is put in place between the look and the opening", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/file`;
    const { lstatSync } = Deno;
    const swapping = (looked: string | URL) => {
      const info = lstatSync(looked);
      Deno.renameSync(path, `${folder}/old`);
      Deno.symlinkSync(`${folder}/canary`, path);
      return info;
    };
    const elsewhere = (looked: string | URL) => ({ ...lstatSync(looked), dev: 12_345 });
    Deno.writeTextFileSync(`${folder}/canary`, "alive");
    for (
      const open of [
        () => openExisting(path).close(),
        () => fs.closeSync(openToRead(path, "file")),
      ]
    ) {
      Deno.writeTextFileSync(path, "x");
      for (const look of [elsewhere, swapping]) {
        await assert.rejects(
          () => withPatched(Deno, "lstatSync", look, open),
          { code: "state_corrupt", message: /took its place/ },
        );
      }
      Deno.removeSync(path);
    }
    assert.match(snapshot(folder)["canary"]!, /616c697665$/);
  });
});

Deno.test("openExisting does not ask for more than a file system tells", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const { lstatSync } = Deno;
    const untold = (path: string | URL) => ({ ...lstatSync(path), nlink: null });
    await withPatched(Deno, "lstatSync", untold, () => {
      openExisting(`${folder}/file`).close();
    });
  });
});

Deno.test("parentOf gives the folder part", () => {
  assert.deepEqual(["a", "a/b", "a/b/c"].map(parentOf), ["", "a", "a/b"]);
});
