import assert from "node:assert/strict";
import { draftOf } from "../../../cli/replace_file.ts";
import {
  makeBaseKey,
  openOrMakeRoundsKeys,
  openRoundsKeys,
  readBaseKey,
  readClientKey,
  takeEpoch,
  writeClientKey,
} from "../../../cli/rounds_key_files.ts";
import { formatClientKey } from "../../../lib/rounds/key_files.ts";
import { nextRoot, rootAfter } from "../../../lib/rounds/root.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { DiskWatch } from "../files/disk_watch.ts";
import { withPatched } from "../files/tree.ts";

const ROOT = seededRandom("rounds key files").bytes(32);
const KEY = { id: "roof", epoch: 0, root: ROOT, comment: "of the shed" };

function put(path: string, text: string, mode = 0o600): void {
  Deno.writeTextFileSync(path, text, { mode });
  Deno.chmodSync(path, mode);
}

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();
}

Deno.test("a base key is made: one line, for the owner's eyes alone, another each time, never over a file", async () => {
  await withTempFolder((folder) => {
    makeBaseKey(`${folder}/new/a`, "office", false);
    makeBaseKey(`${folder}/new/b`, "", false);
    assert.match(Deno.readTextFileSync(`${folder}/new/a`), /^stx-base-key \S{43}= office\n$/);
    assert.equal(Deno.statSync(`${folder}/new/a`).mode! & 0o777, 0o600);
    const [a, b] = [readBaseKey(`${folder}/new/a`), readBaseKey(`${folder}/new/b`)];
    assert.notDeepEqual(a, b);
    assert.throws(() => makeBaseKey(`${folder}/new/a`, "", false), { code: "exists" });
    assert.deepEqual(readBaseKey(`${folder}/new/a`), a);
    makeBaseKey(`${folder}/new/a`, "", true);
    assert.notDeepEqual(readBaseKey(`${folder}/new/a`), a);
  });
});

Deno.test("a key file that others may read, that is missing, none, or too large, is refused and told by name", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/my key`;
    for (
      const [read, what, hint] of [
        [readBaseKey, "the base key", /stx keygen --base-key --out '.*my key'$/],
        [readClientKey, "the client's key", /copy it from where/],
      ] as const
    ) {
      const refused = (message: RegExp, more: RegExp = /./) =>
        assert.throws(() => read(path), { code: "bad_key_file", message, hint: more });
      refused(new RegExp(`^Cannot read ${what} .*my key: there is no such file$`), hint);
      put(path, formatClientKey(KEY), 0o640);
      refused(new RegExp(`^Will not use ${what} .*my key: others may read it \\(mode 640\\)$`), /chmod 600/);
      put(path, "#".repeat(4097));
      refused(/it is not a key file$/, hint);
      put(path, "#".repeat(4096));
      refused(/my key: Cannot use the file: it is not a whole /);
      Deno.removeSync(path);
      Deno.mkdirSync(path, { mode: 0o700 });
      refused(/it is not a key file$/, hint);
      Deno.removeSync(path);
    }
  });
});

Deno.test("a session's epoch is taken out of the file: it has the next root, and never this one again", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    put(path, `# mine\n${formatClientKey(KEY)}\n`);
    assert.deepEqual(takeEpoch(path), KEY);
    assert.equal(
      Deno.readTextFileSync(path),
      `stx-rounds-key roof 1 ${nextRoot(ROOT).toBase64()} of the shed\n`,
    );
    assert.deepEqual(takeEpoch(path), { ...KEY, epoch: 1, root: nextRoot(ROOT) });
    assert.deepEqual(readClientKey(path), { ...KEY, epoch: 2, root: rootAfter(ROOT, 2) });
    assert.deepEqual(names(folder), ["key"]);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
  });
});

Deno.test("what a key was read into is overwritten, whether it was a key or not", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    const { readSync } = Deno.FsFile.prototype;
    const buffers: Uint8Array[] = [];
    const spy = function (this: Deno.FsFile, into: Uint8Array): number | null {
      buffers.push(into);
      return readSync.call(this, into);
    };
    await withPatched(Deno.FsFile.prototype, "readSync", spy, () => {
      put(path, formatClientKey(KEY));
      takeEpoch(path);
      put(path, `${formatClientKey(KEY)}\nmore`);
      assert.throws(() => readClientKey(path), { code: "bad_key_file" });
    });
    assert.ok(buffers.length >= 2);
    for (const buffer of buffers) assert.ok(buffer.every((byte) => byte === 0));
  });
});

Deno.test("the next epoch is on the disk, and its name too, before this one may be used", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    put(path, formatClientKey(KEY));
    const watch = new DiskWatch();
    await watch.during(() => {
      takeEpoch(path);
      assert.deepEqual([...watch.dirty], []);
    });
  });
});

Deno.test("a session that cannot be written down is none: the file stays, and nothing beside it", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    const text = formatClientKey(KEY);
    put(path, text);
    const full = () => {
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    };
    await withPatched(
      Deno.FsFile.prototype,
      "writeSync",
      full,
      () => assert.throws(() => takeEpoch(path), { code: "disk_full" }),
    );
    assert.equal(Deno.readTextFileSync(path), text);
    assert.deepEqual(names(folder), ["key"]);
    // Nor is one that may be forgotten again.
    await withPatched(
      Deno.FsFile.prototype,
      "syncSync",
      full,
      () => assert.throws(() => takeEpoch(path), { code: "disk_full" }),
    );
    assert.equal(Deno.readTextFileSync(path), text);
  });
});

Deno.test("a draft that a killed process has left is in nobody's way", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    put(path, formatClientKey(KEY));
    put(draftOf(path), formatClientKey({ ...KEY, epoch: 1 }));
    assert.equal((takeEpoch(path)).epoch, 0);
    assert.deepEqual(names(folder), ["key"]);
  });
});

Deno.test("a key file that is a link stays one, and what it leads to goes on", async () => {
  await withTempFolder((folder) => {
    put(`${folder}/key`, formatClientKey(KEY));
    Deno.symlinkSync(`${folder}/key`, `${folder}/link`);
    takeEpoch(`${folder}/link`);
    assert.ok(Deno.lstatSync(`${folder}/link`).isSymlink);
    assert.equal(readClientKey(`${folder}/key`).epoch, 1);
  });
});

Deno.test("a file whose epochs are used up is refused, and left as it is", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    put(path, formatClientKey({ ...KEY, epoch: 4_294_967_295 }));
    assert.equal((takeEpoch(path)).epoch, 4_294_967_295);
    const text = Deno.readTextFileSync(path);
    assert.match(text, / 4294967296 /);
    assert.throws(() => takeEpoch(path), {
      code: "bad_key_file",
      message: /: Its epochs are used up$/,
      hint: "enroll roof again",
    });
    assert.equal(Deno.readTextFileSync(path), text);
  });
});

Deno.test("a client's file is on the disk when the server learns of it, and has its name afterwards", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    const watch = new DiskWatch();
    await watch.during(() => {
      writeClientKey(path, KEY, () => {
        assert.deepEqual(names(folder), ["key.stx-new"]);
        assert.equal(Deno.readTextFileSync(draftOf(path)), `${formatClientKey(KEY)}\n`);
        assert.ok(!watch.dirty.has(draftOf(path)), "what it says survives a crash");
      });
      assert.deepEqual([...watch.dirty], []);
    });
    assert.deepEqual(readClientKey(path), KEY);
    const failure = new Error("the server's disk");
    assert.throws(
      () =>
        writeClientKey(path, { ...KEY, epoch: 5 }, () => {
          throw failure;
        }),
      { code: "disk" },
    );
    assert.deepEqual(readClientKey(path), KEY);
    assert.deepEqual(names(folder), ["key"]);
  });
});

Deno.test("a database of keys is made by enrolling alone, for the owner's eyes, and is used by nobody else's", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/my clients.db`;
    assert.throws(() => openRoundsKeys(path), {
      code: "bad_key_file",
      message: `Cannot open the key database ${path}: it does not exist`,
      hint: `enroll a client first: stx rounds enroll ID --base-key FILE --keys '${path}' --out FILE`,
    });
    assert.deepEqual(names(folder), []);
    openOrMakeRoundsKeys(path).close();
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    for (const open of [openRoundsKeys, openOrMakeRoundsKeys]) {
      open(path).close();
      Deno.chmodSync(path, 0o640);
      assert.throws(() => open(path), {
        code: "bad_key_file",
        message: /others may read it/,
        hint: /chmod 600/,
      });
      Deno.chmodSync(path, 0o600);
    }
  });
});
