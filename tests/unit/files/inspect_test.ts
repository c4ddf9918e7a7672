import assert from "node:assert/strict";
import { findUnreal, inspect, openExisting, parentOf } from "../../../lib/files/inspect.ts";
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
    openExisting(`${folder}/file`, "file", { read: true, write: true }).close();
    openExisting(`${folder}/folder`, "directory", { read: true }).close();
    for (const name of ["folder", "file-link", "folder-link", "none"]) {
      const open = () => openExisting(`${folder}/${name}`, "file", { read: true });
      assert.throws(open, { code: "state_corrupt", message: /missing|plain file/ });
    }
    for (const name of ["file", "file-link", "folder-link", "none"]) {
      const open = () => openExisting(`${folder}/${name}`, "directory", { read: true });
      assert.throws(open, { code: "state_corrupt", message: /missing|real folder/ });
    }
    Deno.linkSync(`${folder}/file`, `${folder}/second-name`);
    assert.throws(() => openExisting(`${folder}/file`, "file", { read: true }), { code: "state_corrupt" });
    assert.throws(() => openExisting(`${folder}/${"a".repeat(300)}`, "file", { read: true }), {
      code: "disk",
    });
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
    Deno.writeTextFileSync(path, "x");
    Deno.writeTextFileSync(`${folder}/canary`, "alive");
    const open = () => openExisting(path, "file", { read: true, write: true });
    for (const look of [elsewhere, swapping]) {
      await assert.rejects(
        () => withPatched(Deno, "lstatSync", look, () => open().close()),
        { code: "state_corrupt", message: /took its place/ },
      );
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
      openExisting(`${folder}/file`, "file", { read: true }).close();
    });
  });
});

Deno.test("parentOf gives the folder part", () => {
  assert.deepEqual(["a", "a/b", "a/b/c"].map(parentOf), ["", "a", "a/b"]);
});
