import assert from "node:assert/strict";
import { loadIdentity, makeIdentity, rereading } from "../../../cli/key_files.ts";
import { draftOf, replaceFile, replaceWith } from "../../../cli/replace_file.ts";
import { StxError } from "../../../lib/errors.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("a file is replaced whole, with the mode that was asked for", async () => {
  await withTempFolder((folder) => {
    replaceFile(`${folder}/sub/f`, "one", 0o600);
    replaceFile(`${folder}/sub/f`, "two", 0o600);
    assert.equal(Deno.readTextFileSync(`${folder}/sub/f`), "two");
    assert.equal(Deno.statSync(`${folder}/sub/f`).mode! & 0o777, 0o600);
    assert.deepEqual(names(`${folder}/sub`), ["f"]);
  });
});

Deno.test({
  name: "a file keeps its owner and group, whoever replaces it (as root)",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withTempFolder((folder) => {
      const path = `${folder}/f`;
      Deno.writeTextFileSync(path, "one", { mode: 0o600 });
      Deno.chownSync(path, 65534, 65533);
      replaceFile(path, "two", 0o600);
      const { uid, gid, mode } = Deno.statSync(path);
      assert.deepEqual([uid, gid, mode! & 0o777], [65534, 65533, 0o600]);
      assert.equal(Deno.readTextFileSync(path), "two");
      assert.deepEqual(names(folder), ["f"]);
    });
  },
});

Deno.test({
  name: "whoever exchanges the draft gets nothing of root's (as root)",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withTempFolder((folder) => {
      const path = `${folder}/f`;
      const roots = `${folder}/roots`;
      Deno.writeTextFileSync(path, "one");
      Deno.writeTextFileSync(roots, "secret", { mode: 0o600 });
      Deno.chownSync(path, 65534, 65534);
      const original = Deno.FsFile.prototype.tryLockSync;
      Deno.FsFile.prototype.tryLockSync = function (exclusive) {
        const isLocked = original.call(this, exclusive);
        Deno.removeSync(draftOf(path));
        Deno.symlinkSync(roots, draftOf(path));
        // As if it had been exchanged a moment later.
        this.statSync = () => ({ ...Deno.FsFile.prototype.statSync.call(this), nlink: 1 });
        return isLocked;
      };
      try {
        assert.throws(() => replaceFile(path, "two", 0o600), { code: "permission", message: /exchanges/ });
      } finally {
        Deno.FsFile.prototype.tryLockSync = original;
      }
      assert.equal(Deno.statSync(roots).uid, 0);
      assert.equal(Deno.readTextFileSync(path), "one");
    });
  },
});

Deno.test("a file that cannot be replaced leaves nothing in the way of the next attempt", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/f/full`, { recursive: true });
    assert.throws(() => replaceFile(`${folder}/f`, "text", 0o644), { code: "disk" });
    assert.deepEqual(names(folder), ["f"]);
    Deno.removeSync(`${folder}/f`, { recursive: true });
    replaceFile(`${folder}/f`, "text", 0o644);
    assert.equal(Deno.readTextFileSync(`${folder}/f`), "text");
  });
});

Deno.test("a file that another stx is just writing is left alone", async () => {
  await withTempFolder((folder) => {
    const draft = draftOf(`${folder}/f`);
    const theirs = Deno.openSync(draft, { write: true, createNew: true });
    theirs.lockSync(true);
    const replace = () => replaceFile(`${folder}/f`, "mine", 0o644);
    assert.throws(replace, { code: "disk", message: /another process is writing/, hint: /f\.stx-new/ });
    assert.deepEqual(names(folder), ["f.stx-new"]);
    theirs.close();
    replace();
    assert.deepEqual(names(folder), ["f"]);
  });
});

Deno.test("what an stx that was killed has left is in nobody's way", async () => {
  await withTempFolder((folder) => {
    Deno.writeTextFileSync(draftOf(`${folder}/f`), "half of i");
    replaceFile(`${folder}/f`, "mine", 0o600);
    assert.equal(Deno.readTextFileSync(`${folder}/f`), "mine");
    assert.deepEqual(names(folder), ["f"]);
  });
});

/** Runs `body`; the first time that a file is locked, `action` comes just before. */
function beforeLock(action: () => void, body: () => void): void {
  const { tryLockSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.tryLockSync = function (exclusive) {
    Deno.FsFile.prototype.tryLockSync = tryLockSync;
    action();
    return this.tryLockSync(exclusive);
  };
  try {
    body();
  } finally {
    Deno.FsFile.prototype.tryLockSync = tryLockSync;
  }
}

Deno.test("a draft that another stx removes before it is locked is made anew", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/f`;
    beforeLock(() => Deno.removeSync(draftOf(path)), () => replaceFile(path, "mine", 0o600));
    assert.equal(Deno.readTextFileSync(path), "mine");
    assert.deepEqual(names(folder), ["f"]);
  });
});

Deno.test("a draft that was put in place meanwhile does not cost the next one its own", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/f`;
    Deno.writeTextFileSync(draftOf(path), "first");
    let second: Deno.FsFile | undefined;
    const goOn = () => {
      Deno.renameSync(draftOf(path), path);
      second = Deno.openSync(draftOf(path), { write: true, createNew: true });
      second.lockSync(true);
    };
    beforeLock(goOn, () => assert.throws(() => replaceFile(path, "mine", 0o600), { code: "disk" }));
    second!.close();
    assert.deepEqual([names(folder), Deno.readTextFileSync(path)], [["f", "f.stx-new"], "first"]);
  });
});

Deno.test("what stands in a draft's place and is none is left alone", async () => {
  await withTempFolder((folder) => {
    const draft = draftOf(`${folder}/f`);
    Deno.writeTextFileSync(`${folder}/theirs`, "theirs");
    const wrong = [() => Deno.mkdirSync(draft), () => Deno.symlinkSync(`${folder}/theirs`, draft)];
    for (const put of wrong) {
      put();
      const error = { code: "disk", message: /f\.stx-new": the name is already taken/ };
      assert.throws(() => replaceFile(`${folder}/f`, "mine", 0o644), error);
      assert.deepEqual(names(folder), ["f.stx-new", "theirs"]);
      Deno.removeSync(draft);
    }
    assert.equal(Deno.readTextFileSync(`${folder}/theirs`), "theirs");
  });
});

Deno.test("a file is locked from before its new text is made until it is in place", async () => {
  await withTempFolder((folder) => {
    const other = () => {
      const file = Deno.openSync(draftOf(`${folder}/f`), { write: true });
      const isFree = file.tryLockSync(true);
      file.close();
      return isFree ? "free" : "locked";
    };
    replaceWith(`${folder}/f`, 0o600, other);
    assert.equal(Deno.readTextFileSync(`${folder}/f`), "locked");
    const failure = new StxError("usage", "no");
    assert.throws(() =>
      replaceWith(`${folder}/f`, 0o600, () => {
        throw failure;
      }), failure);
    assert.deepEqual(names(folder), ["f"]);
    assert.equal(Deno.readTextFileSync(`${folder}/f`), "locked");
  });
});

Deno.test("a private key that others may read is not used", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/id`, "whatever", { mode: 0o644 });
    await assert.rejects(loadIdentity(`${folder}/id`), { code: "bad_key_file", hint: /chmod 600/ });
    await assert.rejects(loadIdentity(`${folder}/none`), { code: "bad_key_file", hint: /stx keygen/ });
  });
});

Deno.test("a private key of any mode but the owner's alone is not used", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/id`, "whatever", { mode: 0o600 });
    for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601]) {
      Deno.chmodSync(`${folder}/id`, mode);
      const message = new RegExp(
        `^Will not use the private key .*others may read it \\(mode ${mode.toString(8)}\\)$`,
      );
      await assert.rejects(loadIdentity(`${folder}/id`), { code: "bad_key_file", message });
    }
  });
});

Deno.test("an identity takes the place of no file, of its public half either", async () => {
  await withTempFolder(async (folder) => {
    for (const taken of ["id", "id.pub"]) {
      Deno.writeTextFileSync(`${folder}/${taken}`, "mine");
      await assert.rejects(makeIdentity(`${folder}/id`, "", false), { code: "exists", hint: /--force/ });
      assert.deepEqual(names(folder), [taken]);
      Deno.removeSync(`${folder}/${taken}`);
    }
    Deno.writeTextFileSync(`${folder}/id`, "mine");
    await makeIdentity(`${folder}/id`, "", true);
    assert.deepEqual(names(folder), ["id", "id.pub"]);
  });
});

Deno.test("a file is read again when it has changed in any way, and only then", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/f`;
    let count = 0;
    const read = rereading(path, () => ++count);
    const isReadAgain = () => {
      const before = count;
      return read() > before;
    };
    assert.equal(isReadAgain(), true);
    assert.equal(isReadAgain(), true, "one that is missing is looked for every time");
    const changes: readonly (() => void)[] = [
      () => Deno.writeTextFileSync(path, "one", { mode: 0o600 }),
      // The size alone: the time is put back.
      () => changeWithoutTime(path, () => Deno.writeTextFileSync(path, "three")),
      () => Deno.utimeSync(path, 1, 1),
      () => Deno.chmodSync(path, 0o644),
      // Another file of the same size, time and mode.
      () => {
        Deno.writeTextFileSync(`${path}.new`, "three");
        Deno.chmodSync(`${path}.new`, 0o644);
        Deno.utimeSync(`${path}.new`, 1, 1);
        Deno.renameSync(`${path}.new`, path);
      },
    ];
    for (const [index, change] of changes.entries()) {
      change();
      assert.equal(isReadAgain(), true, `change ${index}`);
      assert.equal(isReadAgain(), false, `no change after ${index}`);
    }
  });
});

function changeWithoutTime(path: string, change: () => void): void {
  const mtime = Deno.statSync(path).mtime!;
  change();
  Deno.utimeSync(path, mtime, mtime);
}

Deno.test("a draft that cannot be taken away does not hide why the file could not be written", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/f`;
    const removeAndFail = () => {
      Deno.removeSync(draftOf(path));
      throw new StxError("bad_trust_file", "this is why");
    };
    assert.throws(() => replaceWith(path, 0o600, () => "text", removeAndFail), { code: "bad_trust_file" });
  });
});
