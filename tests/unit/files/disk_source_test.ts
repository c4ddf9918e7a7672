import assert from "node:assert/strict";
import fs from "node:fs";
import { concat } from "../../../lib/bytes/bytes.ts";
import { type DiskSource, openSource } from "../../../lib/files/disk_source.ts";
import type { WalkOptions } from "../../../lib/files/walk.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { content, TIME_MS, withPatched } from "./tree.ts";
import { runAlone } from "./run_alone.ts";

/** Opens without following links; a warning is a failure unless the test collects them. */
function open(paths: readonly string[], options: Partial<WalkOptions> = {}): DiskSource {
  return openSource(paths, {
    followLinks: false,
    onWarning: (text) => assert.fail(`unexpected warning: ${text}`),
    ...options,
  });
}

/** Opens and collects the warnings, without the folder's own path. */
function openWarned(folder: string, followLinks: boolean): { source: DiskSource; warnings: string[] } {
  const warnings: string[] = [];
  const onWarning = (text: string) => warnings.push(text.replaceAll(folder, ""));
  return { source: open([`${folder}/top`], { followLinks, onWarning }), warnings };
}

function pathsOf(source: DiskSource): readonly string[] {
  return source.entries.map((entry) => entry.kind === "file" ? entry.path : `${entry.path}/`);
}

function readAll(source: DiskSource, chunkSize = 1000): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const buffer = new Uint8Array(chunkSize);
    const size = source.read(buffer);
    chunks.push(buffer.subarray(0, size));
    if (size < chunkSize) return concat(...chunks);
  }
}

function write(path: string, sizeBytes: number, seed = 1): Uint8Array {
  const bytes = content(sizeBytes, seed);
  Deno.writeFileSync(path, bytes);
  Deno.utimeSync(path, new Date(TIME_MS), new Date(TIME_MS));
  return bytes;
}

/** A folder `top` of three files and an empty one, and their contents in order. */
function makeTop(folder: string): Uint8Array {
  Deno.mkdirSync(`${folder}/top/sub`, { recursive: true });
  Deno.mkdirSync(`${folder}/top/void`);
  const a = write(`${folder}/top/a`, 1000, 1);
  write(`${folder}/top/b`, 0, 2);
  const c = write(`${folder}/top/sub/c`, 1, 3);
  const d = write(`${folder}/top/z`, 2500, 4);
  return concat(a, c, d);
}

Deno.test("a folder is listed before what it holds, in the order of the names' bytes", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    for (const name of ["Z", "é", "\u{1f600}", "\u{10000}", "\ue000", "\ufb01", "a b", "a.", "ab"]) {
      write(`${folder}/top/sub/${name}`, 0);
    }
    const source = open([`${folder}/top`]);
    assert.deepEqual(pathsOf(source), [
      "top/",
      "top/a",
      "top/b",
      "top/sub/",
      "top/sub/Z",
      "top/sub/a b",
      "top/sub/a.",
      "top/sub/ab",
      "top/sub/c",
      "top/sub/é",
      "top/sub/\ue000",
      "top/sub/\ufb01",
      "top/sub/\u{10000}",
      "top/sub/\u{1f600}",
      "top/void/",
      "top/z",
    ]);
    source.close();
  });
});

Deno.test("an entry has its size, time and permission bits, and no others", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    Deno.chmodSync(`${folder}/top/a`, 0o6751);
    Deno.chmodSync(`${folder}/top/sub`, 0o1700);
    Deno.utimeSync(`${folder}/top/sub`, new Date(-1_001), new Date(-1_001));
    const source = open([`${folder}/top`]);
    assert.deepEqual(source.entries[1], {
      path: "top/a",
      kind: "file",
      sizeBytes: 1000,
      mtimeMs: TIME_MS,
      mode: 0o751,
    });
    assert.deepEqual(source.entries[3], {
      path: "top/sub",
      kind: "directory",
      sizeBytes: 0,
      mtimeMs: -1_001,
      mode: 0o700,
    });
    assert.equal(source.sizeBytes, 3501);
    assert.throws(() => open([`${folder}/top`, `${folder}/top/`]), {
      code: "usage",
      message: /the name "top"/,
    });
  });
});

Deno.test("several paths arrive under their own names, in the order given", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    const source = open([`${folder}/top/z`, `${folder}/top//sub///`, `${folder}/top/a`]);
    assert.deepEqual(pathsOf(source), ["z", "sub/", "sub/c", "a"]);
    assert.deepEqual(readAll(source), concat(content(2500, 4), content(1, 3), content(1000, 1)));
    source.checkUnchanged();
    source.close();
  });
});

Deno.test("relative names are resolved to real ones", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    for (const path of ["top/.", "top/sub/..", "top/void/../."]) {
      const source = open([`${folder}/${path}`]);
      assert.deepEqual(pathsOf(source), [
        "top/",
        "top/a",
        "top/b",
        "top/sub/",
        "top/sub/c",
        "top/void/",
        "top/z",
      ]);
      assert.equal(readAll(source).length, 3501);
      source.close();
    }
    assert.throws(() => open([`${folder}/none/..`]), { code: "disk", message: /no such file/ });
    for (const path of ["/", "//", "/.", "/.."]) {
      assert.throws(() => open([path]), { code: "usage", message: /no name/ });
    }
  });
});

Deno.test("a single path can be given another name", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    const source = open([`${folder}/top`], { name: "other" });
    assert.deepEqual(pathsOf(source).slice(0, 2), ["other/", "other/a"]);
    assert.equal(readAll(source).length, 3501);
    source.checkUnchanged();
    source.close();
    assert.throws(() => open([`${folder}/top/a`, `${folder}/top/b`], { name: "x" }), {
      code: "usage",
      message: /2 paths/,
    });
    for (const name of ["", ".", "..", "a/b", "/"]) {
      assert.throws(() => open([`${folder}/top`], { name }), { code: "usage", message: /not a single name/ });
    }
  });
});

Deno.test("reading gives the stream whole, whatever the size of the reads", async () => {
  await withTempFolder((folder) => {
    const all = makeTop(folder);
    for (const chunkSize of [1, 7, 999, 1000, 1001, 3500, 3501, 10_000]) {
      const source = open([`${folder}/top`]);
      assert.deepEqual(readAll(source, chunkSize), all);
      assert.equal(source.read(new Uint8Array(10)), 0);
      source.checkUnchanged();
      source.close();
    }
  });
});

Deno.test("seek goes to any place of the stream, forth and back", async () => {
  await withTempFolder((folder) => {
    const all = makeTop(folder);
    const source = open([`${folder}/top`]);
    for (const place of [3501, 0, 1, 999, 1000, 1001, 1002, 3500, 500, 0]) {
      source.seek(place);
      assert.deepEqual(readAll(source, 700), all.subarray(place), `from ${place}`);
      source.seek(place);
      source.read(new Uint8Array(1));
    }
    assert.throws(() => source.seek(3502), { code: "source_changed" });
    source.close();
  });
});

Deno.test("nothing to send is an empty stream", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/top/void`, { recursive: true });
    write(`${folder}/top/empty`, 0);
    const source = open([`${folder}/top`]);
    assert.equal(source.sizeBytes, 0);
    assert.equal(source.read(new Uint8Array(10)), 0);
    source.seek(0);
    assert.equal(source.read(new Uint8Array(10)), 0);
    source.close();
  });
});

Deno.test("what does not exist is refused", async () => {
  await withTempFolder((folder) => {
    assert.throws(() => open([`${folder}/none\x1b`]), {
      code: "disk",
      message: /none\\x1b": there is no such file/,
    });
    assert.throws(() => open([""]), { code: "disk" });
  });
});

Deno.test("what may not be read is refused", async () => {
  await runAlone("denied source");
});

Deno.test("symbolic links are left out with a warning, and refused where named", async () => {
  await withTempFolder((folder) => {
    const all = makeTop(folder);
    Deno.symlinkSync("/etc", `${folder}/top/etc`);
    Deno.symlinkSync("a", `${folder}/top/link`);
    Deno.symlinkSync("nowhere", `${folder}/top/void/dangling`);
    const { source, warnings } = openWarned(folder, false);
    assert.equal(source.entries.length, 7);
    assert.deepEqual(readAll(source), all);
    source.close();
    const why = "it is a symbolic link; --follow-links sends what it leads to.";
    assert.deepEqual(
      warnings,
      ["etc", "link", "void/dangling"].map((name) => `Skipped "/top/${name}": ${why}`),
    );
    for (const path of ["etc", "etc/", "link"]) {
      assert.throws(() => open([`${folder}/top/${path}`]), {
        code: "disk",
        message: /symbolic link/,
        hint: /--follow-links/,
      });
    }
  });
});

Deno.test("symbolic links are followed if told, but never round in circles", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    Deno.mkdirSync(`${folder}/outside`);
    write(`${folder}/outside/file`, 77, 9);
    Deno.symlinkSync("../outside", `${folder}/top/folder`);
    Deno.symlinkSync("../../outside/file", `${folder}/top/sub/file`);
    Deno.symlinkSync(".", `${folder}/top/sub/self`);
    Deno.symlinkSync("../..", `${folder}/top/sub/up`);
    Deno.symlinkSync("round", `${folder}/top/sub/round`);
    Deno.symlinkSync("c/d", `${folder}/top/sub/through`);
    Deno.symlinkSync("nowhere", `${folder}/top/void/dangling`);
    const { source, warnings } = openWarned(folder, true);
    assert.deepEqual(pathsOf(source), [
      "top/",
      "top/a",
      "top/b",
      "top/folder/",
      "top/folder/file",
      "top/sub/",
      "top/sub/c",
      "top/sub/file",
      "top/sub/up/",
      "top/sub/up/outside/",
      "top/sub/up/outside/file",
      "top/void/",
      "top/z",
    ]);
    const nowhere = "it is a symbolic link that leads nowhere.";
    const circle = "it is a symbolic link to a folder that it lies in.";
    assert.deepEqual(warnings, [
      `Skipped "/top/sub/round": ${nowhere}`,
      `Skipped "/top/sub/self": ${circle}`,
      `Skipped "/top/sub/through": ${nowhere}`,
      `Skipped "/top/sub/up/top": ${circle}`,
      `Skipped "/top/void/dangling": ${nowhere}`,
    ]);
    assert.equal(readAll(source).length, source.sizeBytes);
    source.checkUnchanged();
    source.close();
    // A link that is named gives what it leads to its own name.
    Deno.symlinkSync("../outside/file", `${folder}/top/alias`);
    const named = open([`${folder}/top/alias`], { followLinks: true });
    assert.deepEqual(pathsOf(named), ["alias"]);
    assert.deepEqual(readAll(named), content(77, 9));
    named.close();
    assert.throws(() => open([`${folder}/top/void/dangling`], { followLinks: true }), { code: "disk" });
  });
});

Deno.test("the same folder reached by two links is sent twice", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/top`);
    Deno.mkdirSync(`${folder}/outside`);
    write(`${folder}/outside/file`, 1);
    Deno.symlinkSync("../outside", `${folder}/top/one`);
    Deno.symlinkSync("../outside", `${folder}/top/two`);
    const { source, warnings } = openWarned(folder, true);
    assert.deepEqual(pathsOf(source), ["top/", "top/one/", "top/one/file", "top/two/", "top/two/file"]);
    assert.deepEqual(warnings, []);
    source.close();
  });
});

Deno.test("what is neither a file nor a folder is left out, and refused where named", async () => {
  await withTempFolder((folder) => {
    const all = makeTop(folder);
    const listener = Deno.listen({ transport: "unix", path: `${folder}/top/socket` });
    const { source, warnings } = openWarned(folder, false);
    assert.deepEqual(readAll(source), all);
    source.close();
    assert.deepEqual(warnings, ['Skipped "/top/socket": it is neither a file nor a folder.']);
    assert.throws(() => open([`${folder}/top/socket`]), { code: "disk", message: /neither/ });
    assert.throws(() => open(["/dev/null"]), { code: "disk", message: /neither/ });
    listener.close();
  });
});

Deno.test("a name in a warning is escaped", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/top`);
    Deno.symlinkSync("x", `${folder}/top/a\x1b[2J\n`);
    const { warnings } = openWarned(folder, false);
    assert.ok(warnings[0]!.startsWith('Skipped "/top/a\\x1b[2J\\x0a": '), warnings[0]);
  });
});

Deno.test("what cannot be looked at is an error, whatever its name", async () => {
  const failing = (code: string) => (path: string | URL) => {
    if (String(path).includes("odd")) throw Object.assign(new Error("it failed"), { code });
    return lstatSync(path);
  };
  const { lstatSync } = Deno;
  await withTempFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/top`);
    for (
      const [name, number, code] of [["odd", "ENOENT", "disk"], [
        "odd\ufffd",
        "EACCES",
        "permission",
      ]] as const
    ) {
      write(`${folder}/top/${name}`, 0);
      await withPatched(Deno, "lstatSync", failing(number), () => {
        assert.throws(() => open([`${folder}/top`]), { code });
      });
      Deno.removeSync(`${folder}/top/${name}`);
    }
    Deno.symlinkSync("/", `${folder}/top/odd`);
    const denied = () => {
      throw Object.assign(new Error("it failed"), { code: "EACCES" });
    };
    const statSync = Deno.statSync;
    const odd = (path: string | URL) => String(path).includes("odd") ? denied() : statSync(path);
    await withPatched(Deno, "statSync", odd, () => {
      assert.throws(() => open([`${folder}/top`], { followLinks: true }), { code: "permission" });
    });
  });
});

Deno.test("a name that is not valid UTF-8 is refused, not sent under another", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/top`);
    // Deno itself cannot write such a name.
    const touch = new Deno.Command("sh", {
      args: ["-c", 'touch "$(printf "a\\377")"'],
      cwd: `${folder}/top`,
    });
    assert.equal(touch.outputSync().code, 0);
    assert.throws(() => open([`${folder}/top`]), { code: "bad_name", message: /not valid UTF-8/ });
  });
});

/** Gives a file another size and its old time. */
function resize(path: string, sizeBytes: number): void {
  Deno.truncateSync(path, sizeBytes);
  Deno.utimeSync(path, new Date(TIME_MS), new Date(TIME_MS));
}

/** Each changes a file of `makeTop` after it was listed. */
const CHANGES: Readonly<Record<string, (path: string) => void>> = {
  "longer": (path) => resize(path, 1001),
  "shorter": (path) => resize(path, 1),
  "written to": (path) => Deno.utimeSync(path, new Date(TIME_MS), new Date(TIME_MS + 1)),
  "gone": (path) => Deno.removeSync(path),
  "replaced": (path) => {
    write(`${path}.new`, 1000);
    Deno.renameSync(`${path}.new`, path);
  },
  "replaced by a link": (path) => {
    Deno.renameSync(path, `${path}.old`);
    write(`${path}.secret`, 1000);
    Deno.symlinkSync(`${path}.secret`, path);
  },
};

for (const [how, change] of Object.entries(CHANGES)) {
  Deno.test(`a file that is ${how} before it is read is noticed`, async () => {
    await withTempFolder((folder) => {
      makeTop(folder);
      const source = open([`${folder}/top`]);
      change(`${folder}/top/a`);
      assert.throws(() => source.read(new Uint8Array(10)), {
        code: "source_changed",
        message: /top\/a"/,
        hint: /Send again/,
      });
      assert.throws(() => source.checkUnchanged(), { code: "source_changed", message: /top\/a"/ });
      source.seek(1001);
      assert.equal(source.read(new Uint8Array(5000)), 2500);
      source.close();
    });
  });
}

for (const how of ["longer", "shorter", "written to"]) {
  Deno.test(`a file that is ${how} while it is read is noticed at its end`, async () => {
    await withTempFolder((folder) => {
      makeTop(folder);
      const source = open([`${folder}/top`]);
      assert.equal(source.read(new Uint8Array(10)), 10);
      CHANGES[how]!(`${folder}/top/a`);
      assert.throws(() => source.read(new Uint8Array(1000)), { code: "source_changed", message: /top\/a"/ });
      source.close();
    });
  });
}

Deno.test("an empty file that has got content is noticed at the end", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    const source = open([`${folder}/top`]);
    assert.equal(readAll(source).length, 3501);
    source.checkUnchanged();
    Deno.writeFileSync(`${folder}/top/b`, new Uint8Array(1));
    assert.throws(() => source.checkUnchanged(), { code: "source_changed", message: /top\/b"/ });
    source.close();
  });
});

Deno.test("a file of the same number on another device is another file", async () => {
  const { fstatSync } = fs;
  const elsewhere = (file: number) => {
    const info = fstatSync(file);
    return Object.assign(info, { dev: info.dev + 1 });
  };
  await withTempFolder(async (folder) => {
    makeTop(folder);
    const source = open([`${folder}/top`]);
    await withPatched(fs, "fstatSync", elsewhere as typeof fs.fstatSync, () => {
      assert.throws(() => source.read(new Uint8Array(10)), {
        code: "source_changed",
        message: /another file/,
      });
    });
    source.close();
  });
});

Deno.test("a folder in the way that was replaced by a link is noticed", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    const source = open([`${folder}/top`]);
    Deno.renameSync(`${folder}/top/sub`, `${folder}/sub.old`);
    Deno.mkdirSync(`${folder}/secret`);
    write(`${folder}/secret/c`, 1, 8);
    Deno.symlinkSync(`${folder}/secret`, `${folder}/top/sub`);
    assert.throws(() => readAll(source), { code: "source_changed", message: /sub\/c"/ });
    source.close();
  });
});

Deno.test("reading fails again after a failure, rather than going on with the wrong bytes", async () => {
  await withTempFolder((folder) => {
    makeTop(folder);
    const source = open([`${folder}/top`]);
    Deno.truncateSync(`${folder}/top/a`, 1);
    for (let i = 0; i < 3; i++) {
      assert.throws(() => source.read(new Uint8Array(10)), { code: "source_changed" });
    }
    source.close();
  });
});
