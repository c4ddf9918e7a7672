import assert from "node:assert/strict";
import { draftOf, replaceFile } from "../../../cli/replace_file.ts";
import { HAS_PIPES, makePipe, withoutWaiting } from "../../support/named_pipe.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { DiskWatch } from "../files/disk_watch.ts";
import { withPatched } from "../files/tree.ts";

Deno.test("a file that was replaced keeps its new text when the power fails", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/revoked_keys`;
    for (const text of ["one", "two"]) {
      const watch = new DiskWatch();
      await watch.during(() => Promise.resolve(replaceFile(path, text, 0o600)));
      assert.deepEqual([...watch.dirty], []);
    }
  });
});

Deno.test("where the folder may not be read, the file is made durable once more under its name", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/revoked_keys`;
    const { querySync } = Deno.permissions;
    const refuse: typeof querySync = (asked) => {
      if (asked.name !== "read" || asked.path !== folder) return querySync.call(Deno.permissions, asked);
      return { state: "prompt" } as Deno.PermissionStatus;
    };
    const { renameSync } = Deno;
    const rename: typeof renameSync = (from, to) => {
      renameSync(from, to);
      steps.push("rename");
    };
    const { syncSync } = Deno.FsFile.prototype;
    const sync = function (this: Deno.FsFile) {
      syncSync.call(this);
      steps.push("sync");
    };
    const steps: string[] = [];
    await withPatched(
      Deno.permissions,
      "querySync",
      refuse,
      () =>
        withPatched(
          Deno,
          "renameSync",
          rename,
          () => withPatched(Deno.FsFile.prototype, "syncSync", sync, () => replaceFile(path, "text", 0o600)),
        ),
    );
    assert.deepEqual(steps, ["sync", "rename", "sync"]);
    assert.equal(Deno.readTextFileSync(path), "text");
  });
});

Deno.test("a name that cannot be made durable is an error", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/revoked_keys`;
    const { renameSync } = Deno;
    // From then on the folder has another name.
    const moving: typeof renameSync = (from, to) => {
      renameSync(from, to);
      renameSync(folder, `${folder}.aside`);
    };
    try {
      await assert.rejects(
        () => withPatched(Deno, "renameSync", moving, () => replaceFile(path, "text", 0o600)),
        { code: "disk", message: `Cannot make durable "${folder}": there is no such file or folder` },
      );
    } finally {
      Deno.renameSync(`${folder}.aside`, folder);
    }
  });
});

Deno.test({
  name: "a named pipe in the place of a draft that was left makes nobody wait",
  ignore: !HAS_PIPES,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = `${folder}/f`;
      const draft = draftOf(path);
      Deno.writeTextFileSync(draft, "half of i");
      const { lstatSync } = Deno;
      let isExchanged = false;
      const exchanging = (each: string | URL) => {
        const info = lstatSync(each);
        if (each === draft && !isExchanged) {
          Deno.removeSync(draft);
          makePipe(draft);
          isExchanged = true;
        }
        return info;
      };
      await withoutWaiting(
        draft,
        () => withPatched(Deno, "lstatSync", exchanging, () => replaceFile(path, "mine", 0o600)),
      );
      assert.deepEqual([isExchanged, Deno.readTextFileSync(path)], [true, "mine"]);
    });
  },
});
