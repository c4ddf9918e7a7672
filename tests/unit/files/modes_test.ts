import assert from "node:assert/strict";
import fs from "node:fs";
import { arrivingMode, needsLess, takeBits } from "../../../lib/files/modes.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { entry, withPatched } from "./tree.ts";

function modeOf(path: string): number {
  return Deno.lstatSync(path).mode! & 0o7777;
}

Deno.test("files and folders are made with what we need, and never with more than permission bits", () => {
  assert.equal(arrivingMode(entry("a", 0, 0o6444)), 0o644);
  assert.equal(arrivingMode(entry("a", 0, 0o000)), 0o600);
  assert.equal(arrivingMode(entry("a/", 0, 0o1055)), 0o755);
  assert.deepEqual(
    [0o644, 0o600, 0o700, 0o777].map((mode) => needsLess(entry("a", 0, mode))),
    Array(4).fill(false),
  );
  assert.deepEqual(
    [0o444, 0o200, 0o400, 0o077].map((mode) => needsLess(entry("a", 0, mode))),
    Array(4).fill(true),
  );
  assert.deepEqual([0o755, 0o700].map((mode) => needsLess(entry("a/", 0, mode))), Array(2).fill(false));
  assert.deepEqual([0o655, 0o600, 0o500].map((mode) => needsLess(entry("a/", 0, mode))), Array(3).fill(true));
});

Deno.test("takeBits only takes", async () => {
  await withTempFolder(async (folder) => {
    for (const name of ["file", "folder/"]) {
      const path = `${folder}/${name}`.replace(/\/$/, "");
      if (name === "file") Deno.writeTextFileSync(path, "");
      else Deno.mkdirSync(path);
      Deno.chmodSync(path, 0o750);
      await takeBits(path, entry(name, 0, 0o577));
      assert.equal(modeOf(path), 0o550);
      Deno.chmodSync(path, 0o6755);
      await takeBits(path, entry(name, 0, 0o6444));
      assert.equal(modeOf(path), 0o444);
    }
  });
});

Deno.test("takeBits makes its change durable", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "", { mode: 0o600 });
    const { fsync } = fs;
    const modes: number[] = [];
    const watched = (handle: number, callback: fs.NoParamCallback) => {
      modes.push(fs.fstatSync(handle).mode & 0o777);
      fsync(handle, callback);
    };
    const closed: number[] = [];
    const { closeSync } = fs;
    const close = (handle: number) => {
      closed.push(handle);
      closeSync(handle);
    };
    await withPatched(
      fs,
      "closeSync",
      close,
      () =>
        withPatched(
          fs,
          "fsync",
          watched as typeof fs.fsync,
          () => takeBits(`${folder}/file`, entry("file", 0, 0o400)),
        ),
    );
    assert.deepEqual(modes, [0o400]);
    assert.equal(closed.length, 1);
  });
});

Deno.test("takeBits does not touch what is missing, of another kind, or a symbolic link", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "", { mode: 0o700 });
    Deno.chmodSync(`${folder}/file`, 0o700);
    Deno.mkdirSync(`${folder}/folder`, { mode: 0o700 });
    Deno.symlinkSync("file", `${folder}/link`);
    Deno.symlinkSync("folder", `${folder}/folder-link`);
    for (
      const [name, kind] of [["none", ""], ["none", "/"], ["folder", ""], ["file", "/"], ["link", ""], [
        "folder-link",
        "/",
      ]]
    ) {
      await assert.rejects(() => takeBits(`${folder}/${name}`, entry(`x${kind}`, 0, 0o000)), {
        code: "state_corrupt",
      }, name);
    }
    assert.deepEqual([modeOf(`${folder}/file`), modeOf(`${folder}/folder`)], [0o700, 0o700]);
  });
});

Deno.test("takeBits notices what is put in place between the look and the opening", async () => {
  await withTempFolder(async (folder) => {
    const { lstatSync } = fs;
    const path = `${folder}/file`;
    Deno.writeTextFileSync(path, "");
    Deno.writeTextFileSync(`${folder}/canary`, "");
    Deno.chmodSync(path, 0o700);
    Deno.chmodSync(`${folder}/canary`, 0o700);
    const swapping = (looked: fs.PathLike) => {
      const info = lstatSync(looked);
      Deno.renameSync(path, `${folder}/old`);
      Deno.symlinkSync("canary", path);
      return info;
    };
    const elsewhere = (looked: fs.PathLike) => Object.assign(lstatSync(looked), { dev: 12_345 });
    for (const look of [elsewhere, swapping]) {
      await assert.rejects(
        () =>
          withPatched(
            fs,
            "lstatSync",
            look as typeof fs.lstatSync,
            () => takeBits(path, entry("file", 0, 0o000)),
          ),
        { code: "state_corrupt", message: /took its place/ },
      );
    }
    assert.deepEqual([modeOf(`${folder}/canary`), modeOf(`${folder}/old`)], [0o700, 0o700]);
  });
});

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error("it failed"), { code });
  };
}

Deno.test("takeBits says what failed", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const take = () => takeBits(`${folder}/file`, entry("file", 0, 0o000));
    for (const method of ["openSync", "fchmodSync", "fsync"] as const) {
      await assert.rejects(
        () => withPatched(fs, method, failing("EIO"), take),
        { code: "disk", message: /change the mode of.*file"/ },
      );
    }
    Deno.chmodSync(`${folder}/file`, 0o600);
    await assert.rejects(() => withPatched(fs, "openSync", failing("EACCES"), take), { code: "permission" });
  });
});

Deno.test("takeBits leaves a file as it is where the file system has no modes", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "", { mode: 0o600 });
    await withPatched(
      fs,
      "fchmodSync",
      failing("EPERM"),
      () => takeBits(`${folder}/file`, entry("file", 0, 0o000)),
    );
  });
});
