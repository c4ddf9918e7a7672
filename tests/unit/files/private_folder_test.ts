import assert from "node:assert/strict";
import {
  inspectPartialFolder,
  lookAtNew,
  openPrivateFolder,
  type PrivateFolder,
  removePrivateFolder,
} from "../../../lib/files/private_folder.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { namesIn } from "./receiving.ts";
import { snapshot, withPatched } from "./tree.ts";

const ID = "12".repeat(32);

function open(root: string): PrivateFolder {
  return openPrivateFolder(root, ID);
}

Deno.test("a private folder is made, kept, and removed without a trace", async () => {
  await withTempFolder(async (root) => {
    const folder = open(root);
    assert.deepEqual(namesIn(root), [".stx-partial"]);
    assert.equal(folder.path, `${root}/.stx-partial/${ID}`);
    assert.deepEqual(folder.folders, [root, `${root}/.stx-partial`, folder.path, folder.dataPath]);
    Deno.writeTextFileSync(`${folder.dataPath}/a`, "kept");
    folder.close();
    folder.close();
    const again = open(root);
    assert.equal(Deno.readTextFileSync(`${again.dataPath}/a`), "kept");
    await again.emptyData();
    assert.deepEqual(namesIn(again.dataPath), []);
    again.remove();
    again.close();
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("a private folder is used by one at a time", async () => {
  await withTempFolder((root) => {
    const first = open(root);
    assert.throws(() => open(root), { code: "state_busy" });
    assert.throws(() => removePrivateFolder(root, ID), { code: "state_busy" });
    // Another transfer's folder is another matter.
    openPrivateFolder(root, "34".repeat(32)).remove();
    first.close();
    open(root).remove();
  });
});

Deno.test("a lock on a file that is no longer there does not count", async () => {
  await withTempFolder(async (root) => {
    const { openSync } = Deno;
    // Between our opening of the lock file and the locking another process removes it and makes a new one.
    const swapped = (path: string | URL, options?: Deno.OpenOptions) => {
      const file = openSync(path, options);
      Deno.renameSync(path, `${root}/old`);
      Deno.writeTextFileSync(path, "");
      return file;
    };
    await assert.rejects(() => withPatched(Deno, "openSync", swapped, () => open(root)), {
      code: "state_busy",
    });
  });
});

Deno.test("tidying up leaves what others have begun meanwhile", async () => {
  await withTempFolder((root) => {
    const folder = open(root);
    Deno.writeTextFileSync(`${folder.path}/stranger`, "");
    folder.remove();
    assert.deepEqual(namesIn(folder.path), ["stranger"]);
    Deno.removeSync(`${folder.path}/stranger`);
    const second = open(root);
    Deno.mkdirSync(`${root}/.stx-partial/other`);
    second.remove();
    assert.deepEqual(namesIn(`${root}/.stx-partial`), ["other"]);
    const third = open(root);
    Deno.removeSync(`${third.path}/lock`);
    third.remove();
    // The lock has ended, whatever was found.
    open(root).close();
  });
});

Deno.test("a folder that cannot be removed is an error, and the lock ends", async () => {
  await withTempFolder(async (root) => {
    const folder = open(root);
    const fail = () => {
      throw Object.assign(new Error("it failed"), { code: "EIO" });
    };
    await assert.rejects(() => withPatched(Deno, "removeSync", fail, () => folder.remove()), {
      code: "disk",
    });
    const again = open(root);
    await assert.rejects(() => withPatched(Deno, "remove", fail, () => again.emptyData()), {
      code: "disk",
    });
    again.remove();
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("a folder that cannot be looked at is not removed, and the lock ends", async () => {
  await withTempFolder(async (root) => {
    open(root).close();
    const { lstatSync } = Deno;
    let hasLock = false;
    const fail = (path: string | URL) => {
      if (hasLock) throw Object.assign(new Error("it failed"), { code: "EIO" });
      const info = lstatSync(path);
      // What is looked at last before the removal.
      hasLock = String(path).endsWith("/data");
      return info;
    };
    await assert.rejects(() => withPatched(Deno, "lstatSync", fail, () => removePrivateFolder(root, ID)), {
      code: "disk",
    });
    open(root).remove();
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("removing what is not there is no error", async () => {
  await withTempFolder((root) => {
    removePrivateFolder(root, ID);
    assert.deepEqual(namesIn(root), []);
    open(root).close();
    removePrivateFolder(root, ID);
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("another process that tidies up at the same time is outlasted", async () => {
  await withTempFolder(async (root) => {
    const { mkdirSync, removeSync } = Deno;
    let times = 0;
    const disturbed = (path: string | URL, options?: Deno.MkdirOptions) => {
      mkdirSync(path, options);
      if (String(path).endsWith(".stx-partial") && times++ < 5) removeSync(path);
    };
    await withPatched(Deno, "mkdirSync", disturbed, () => open(root).remove());
    assert.equal(times, 6);
    times = -1000;
    await assert.rejects(() => withPatched(Deno, "mkdirSync", disturbed, () => open(root)), { code: "disk" });
  });
});

Deno.test("a look at .stx-partial is not disturbed by another process that tidies up at the same time", async () => {
  await withTempFolder(async (root) => {
    const model = lookAtNew(root);
    const path = `${root}/.stx-partial`;
    assert.equal(inspectPartialFolder(root, model), undefined);
    Deno.mkdirSync(path, { mode: 0o700 });
    assert.equal(inspectPartialFolder(root, model)?.ino, Deno.lstatSync(path).ino);
    const { lstatSync } = Deno;
    const disturbed = (looked: string | URL) => {
      const info = lstatSync(looked);
      Deno.removeSync(looked);
      return info;
    };
    await withPatched(Deno, "lstatSync", disturbed, () => {
      assert.equal(inspectPartialFolder(root, model), undefined);
    });
  });
});

Deno.test("a receiving folder that is gone is an error", async () => {
  await withTempFolder((root) => {
    assert.throws(() => open(`${root}/none`), { code: "disk" });
  });
});

/** The places where something else than a folder of ours may lie. */
const PLACES = [".stx-partial", `.stx-partial/${ID}`, `.stx-partial/${ID}/data`];

for (const place of PLACES) {
  Deno.test(`a symbolic link or a file at ${place.replace(ID, "ID")} is refused`, async () => {
    await withTempFolder((temp) => {
      const root = `${temp}/in`;
      const outside = `${temp}/outside`;
      Deno.mkdirSync(root);
      open(root).close();
      // The link leads to what would do, were it not a link.
      Deno.mkdirSync(outside);
      Deno.renameSync(`${root}/${place}`, `${outside}/moved`);
      Deno.symlinkSync(`${outside}/moved`, `${root}/${place}`);
      const canary = snapshot(outside);
      assert.throws(() => open(root), { code: "permission", message: /not a real folder/ });
      assert.throws(() => removePrivateFolder(root, ID), { code: "permission" });
      assert.deepEqual(snapshot(outside), canary);
      Deno.removeSync(`${root}/${place}`);
      Deno.writeTextFileSync(`${root}/${place}`, "");
      assert.throws(() => open(root), { code: /permission|disk/ });
    });
  });

  Deno.test(`a folder at ${place.replace(ID, "ID")} that others may enter is refused`, async () => {
    await withTempFolder((root) => {
      open(root).close();
      for (const mode of [0o701, 0o702, 0o704, 0o710, 0o720, 0o740]) {
        Deno.chmodSync(`${root}/${place}`, mode);
        assert.throws(() => open(root), { code: "permission", message: /other users/, hint: /chmod 700/ });
      }
      Deno.chmodSync(`${root}/${place}`, 0o700);
      open(root).close();
    });
  });

  Deno.test({
    name: `a folder at ${place.replace(ID, "ID")} that belongs to somebody else is refused`,
    // Only root can give a folder away.
    ignore: Deno.uid() !== 0,
    async fn() {
      await withTempFolder((root) => {
        open(root).close();
        Deno.chownSync(`${root}/${place}`, 65_534, null);
        assert.throws(() => open(root), { code: "permission", message: /another user/ });
        assert.deepEqual(namesIn(root), [".stx-partial"]);
      });
    },
  });

  Deno.test(`a symbolic link that appears later at ${place.replace(ID, "ID")} is not followed`, async () => {
    await withTempFolder(async (temp) => {
      const root = `${temp}/in`;
      const outside = `${temp}/outside`;
      Deno.mkdirSync(root);
      Deno.mkdirSync(outside);
      const folder = open(root);
      Deno.writeTextFileSync(`${folder.dataPath}/canary`, "alive");
      Deno.renameSync(`${root}/${place}`, `${outside}/moved`);
      Deno.symlinkSync(`${outside}/moved`, `${root}/${place}`);
      const canary = snapshot(outside);
      assert.throws(() => folder.requireFolder(""), { code: "state_corrupt" });
      await assert.rejects(() => folder.emptyData(), { code: "state_corrupt" });
      assert.throws(() => folder.remove(), { code: "state_corrupt" });
      folder.close();
      assert.deepEqual(snapshot(outside), canary);
    });
  });
}

Deno.test("where the file system has no modes, a folder that others may enter is taken as it is", async () => {
  await withTempFolder(async (root) => {
    const { lstatSync } = Deno;
    const open777 = (path: string | URL) => {
      const info = lstatSync(path);
      return { ...info, mode: info.mode! | 0o777 };
    };
    await withPatched(Deno, "lstatSync", open777, () => {
      open(root).close();
      open(root).close();
    });
    assert.deepEqual(namesIn(root), [".stx-partial"]);
  });
});

Deno.test("a disk that is full says so, whichever part cannot be made", async () => {
  const full = () => {
    throw Object.assign(new Error("it failed"), { code: "ENOSPC" });
  };
  for (const method of ["mkdirSync", "openSync", "makeTempDirSync"] as const) {
    await withTempFolder(async (root) => {
      if (method === "makeTempDirSync") open(root).close();
      await assert.rejects(() => withPatched(Deno, method, full, () => open(root)), { code: "disk_full" });
    });
  }
});

Deno.test("a symbolic link below the data is found", async () => {
  await withTempFolder((root) => {
    const folder = open(root);
    Deno.mkdirSync(`${folder.dataPath}/a/b/c`, { recursive: true });
    folder.requireFolder("a/b/c");
    assert.throws(() => folder.requireFolder("a/none"), { code: "state_corrupt" });
    Deno.renameSync(`${folder.dataPath}/a/b`, `${folder.dataPath}/b`);
    Deno.symlinkSync("../b", `${folder.dataPath}/a/b`);
    assert.throws(() => folder.requireFolder("a/b/c"), { code: "state_corrupt", message: /a\/b"/ });
    folder.requireFolder("a");
    folder.close();
  });
});

Deno.test("a lock file that is no plain file is refused", async () => {
  await withTempFolder((root) => {
    open(root).close();
    const lock = `${root}/.stx-partial/${ID}/lock`;
    Deno.removeSync(lock);
    Deno.writeTextFileSync(`${root}/canary`, "alive");
    Deno.symlinkSync(`${root}/canary`, lock);
    assert.throws(() => open(root), { code: "state_corrupt" });
    Deno.removeSync(lock);
    Deno.linkSync(`${root}/canary`, lock);
    assert.throws(() => open(root), { code: "state_corrupt" });
    Deno.removeSync(lock);
    open(root).remove();
    assert.equal(Deno.readTextFileSync(`${root}/canary`), "alive");
  });
});
