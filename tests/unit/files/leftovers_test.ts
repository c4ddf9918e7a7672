import assert from "node:assert/strict";
import { removeLeftovers } from "../../../lib/files/leftovers.ts";
import { openPrivateFolder } from "../../../lib/files/private_folder.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { namesIn } from "./receiving.ts";
import { withPatched } from "./tree.ts";

const DAY_MS = 24 * 3600 * 1000;
const AGE_MS = 30 * DAY_MS;
const ID = "12".repeat(32);
const BASE = ".stx-partial";

/** Tidies up so many days from now: what has just been made cannot be made to look old. */
function tidy(root: string, inDays: number, known: readonly string[] = []): void {
  removeLeftovers(root, {
    known: new Set(known),
    partialAgeMaxMs: AGE_MS,
    nowMs: Date.now() + inDays * DAY_MS,
  });
}

/** Leaves a partial folder with something in it, as a process does that dies. */
function leave(root: string, id = ID): string {
  const folder = openPrivateFolder(root, id);
  Deno.mkdirSync(`${folder.dataPath}/top`);
  Deno.writeTextFileSync(`${folder.dataPath}/top/file`, "arrived");
  folder.close();
  return folder.path;
}

/** Lets what has one of `paths` seem to have been touched just now, 31 days from now. */
function withTouched(paths: readonly string[], body: () => void): Promise<void> {
  const { lstatSync } = Deno;
  const look: typeof lstatSync = (path) => {
    const info = lstatSync(path);
    return paths.includes(String(path)) ? { ...info, ctime: new Date(Date.now() + 31 * DAY_MS) } : info;
  };
  return withPatched(Deno, "lstatSync", look, () => Promise.resolve(body()));
}

Deno.test("a partial folder that no transfer needs goes when nobody has touched it for 30 days", async () => {
  await withTempFolder((root) => {
    leave(root);
    tidy(root, 29);
    assert.deepEqual(namesIn(`${root}/${BASE}`), [ID]);
    tidy(root, 31, [ID]);
    assert.deepEqual(namesIn(`${root}/${BASE}`), [ID]);
    tidy(root, 31);
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("what a process leaves that dies while it makes or removes a partial folder goes as well", async () => {
  for (const parts of [[], ["lock"], ["data"], ["lock", "data"]]) {
    await withTempFolder(async (root) => {
      Deno.mkdirSync(`${root}/${BASE}/${ID}`, { recursive: true, mode: 0o700 });
      Deno.chmodSync(`${root}/${BASE}`, 0o700);
      for (const part of parts) {
        if (part === "lock") Deno.writeTextFileSync(`${root}/${BASE}/${ID}/lock`, "");
        else Deno.mkdirSync(`${root}/${BASE}/${ID}/${part}`, { mode: 0o700 });
      }
      tidy(root, 29);
      assert.deepEqual(namesIn(`${root}/${BASE}/${ID}`), [...parts].sort());
      // What is made for the lock's sake does not count as touched.
      const made = parts.includes("data") ? [] : [`${root}/${BASE}/${ID}/data`];
      await withTouched(made, () => tidy(root, 31));
      assert.deepEqual(namesIn(root), [], parts.join(" "));
    });
  }
});

Deno.test("a partial folder stays if anything in it was touched since", async () => {
  for (const below of ["", "/lock", "/data", "/data/top", "/data/top/file"]) {
    await withTempFolder(async (root) => {
      const path = leave(root);
      await withTouched([path + below], () => tidy(root, 31));
      assert.equal(Deno.readTextFileSync(`${path}/data/top/file`), "arrived", below);
    });
  }
});

Deno.test("a partial folder that somebody works in stays, and one that was worked in while we looked", async () => {
  await withTempFolder(async (root) => {
    const path = leave(root);
    const other = openPrivateFolder(root, ID);
    tidy(root, 31);
    assert.equal(Deno.readTextFileSync(`${path}/data/top/file`), "arrived");
    other.close();
    const { lstatSync } = Deno;
    let isLocked = false;
    const look: typeof lstatSync = (at) => {
      const info = lstatSync(at);
      isLocked ||= String(at).startsWith(`${root}/${BASE}-`);
      return isLocked ? { ...info, ctime: new Date(Date.now() + 31 * DAY_MS) } : info;
    };
    await withPatched(Deno, "lstatSync", look, () => Promise.resolve(tidy(root, 31)));
    assert.ok(isLocked);
    assert.equal(Deno.readTextFileSync(`${path}/data/top/file`), "arrived");
    tidy(root, 31);
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("nothing beside partial folders of ours is removed from where they lie", async () => {
  await withTempFolder((temp) => {
    const root = `${temp}/in`;
    Deno.mkdirSync(root);
    Deno.mkdirSync(`${temp}/outside`);
    Deno.writeTextFileSync(`${temp}/outside/file`, "mine");
    leave(root);
    const base = `${root}/${BASE}`;
    const others = ["12".repeat(31), "12".repeat(33), "AB".repeat(32), `${"12".repeat(31)}xy`, "notes"];
    for (const name of others) {
      Deno.mkdirSync(`${base}/${name}`, { mode: 0o700 });
      Deno.mkdirSync(`${base}/${name}/data`, { mode: 0o700 });
    }
    Deno.writeTextFileSync(`${base}/${"34".repeat(32)}`, "a file");
    Deno.symlinkSync(`${temp}/outside`, `${base}/${"56".repeat(32)}`);
    // A folder that others may enter, and one in which somebody keeps something else.
    Deno.chmodSync(leave(root, "78".repeat(32)), 0o755);
    Deno.writeTextFileSync(`${leave(root, "90".repeat(32))}/kept`, "mine");
    // In one of ours, a link leads outside.
    const linked = leave(root, "ab".repeat(32));
    Deno.symlinkSync(`${temp}/outside`, `${linked}/data/link`);
    Deno.symlinkSync(`${temp}/outside/file`, `${linked}/data/filelink`);
    const before = namesIn(base).filter((name) => name !== ID && name !== "ab".repeat(32));
    tidy(root, 31);
    assert.deepEqual(namesIn(base), before);
    assert.deepEqual(namesIn(`${base}/${"78".repeat(32)}`), ["data", "lock"]);
    assert.deepEqual(namesIn(`${base}/${"90".repeat(32)}`), ["data", "kept", "lock"]);
    assert.equal(Deno.readTextFileSync(`${base}/${"90".repeat(32)}/data/top/file`), "arrived");
    assert.equal(Deno.readTextFileSync(`${temp}/outside/file`), "mine");
    for (const name of others) assert.deepEqual(namesIn(`${base}/${name}`), ["data"]);
  });
});

Deno.test("a symbolic link in place of the folder for partial folders is not followed", async () => {
  await withTempFolder(async (temp) => {
    Deno.mkdirSync(`${temp}/in`);
    Deno.mkdirSync(`${temp}/elsewhere`);
    leave(`${temp}/elsewhere`);
    Deno.symlinkSync(`${temp}/elsewhere/${BASE}`, `${temp}/in/${BASE}`);
    const { readDirSync } = Deno;
    const listed: string[] = [];
    const list: typeof readDirSync = (path) => {
      listed.push(String(path));
      return readDirSync(path);
    };
    await withPatched(Deno, "readDirSync", list, () => Promise.resolve(tidy(`${temp}/in`, 31)));
    assert.deepEqual(listed, [`${temp}/in`]);
    assert.deepEqual(namesIn(`${temp}/in`), [BASE]);
    assert.deepEqual(namesIn(`${temp}/elsewhere/${BASE}`), [ID]);
  });
});

Deno.test("empty folders that were made as a trial go after a day", async () => {
  await withTempFolder((root) => {
    const trials = [
      Deno.makeTempDirSync({ dir: root, prefix: ".stx-" }),
      Deno.makeTempDirSync({ dir: root, prefix: `${BASE}-` }),
    ].map((path) => path.slice(root.length + 1));
    Deno.mkdirSync(`${root}/${BASE}`);
    tidy(root, 0.9);
    assert.deepEqual(namesIn(root), [...trials, BASE].sort());
    tidy(root, 1.1);
    assert.deepEqual(namesIn(root), []);
  });
});

Deno.test("nothing that only looks like a trial is removed", async () => {
  await withTempFolder((root) => {
    const kept = [
      ".stx-",
      ".stx-partial-",
      ".stx-cafe",
      ".stx-0123456789abcdef0",
      ".stx-0123456789ABCDEF",
      ".stx-partial-0123456789abcdeg",
      ".stx-partially",
      "a.stx-0123456789abcdef",
      ".stx",
      "0123456789abcdef",
    ];
    for (const name of kept) Deno.mkdirSync(`${root}/${name}`);
    Deno.mkdirSync(`${root}/.stx-00000000000000aa`);
    Deno.writeTextFileSync(`${root}/.stx-00000000000000aa/file`, "mine");
    Deno.writeTextFileSync(`${root}/.stx-00000000000000bb`, "");
    Deno.symlinkSync(`${root}/.stx-cafe`, `${root}/.stx-00000000000000cc`);
    const before = namesIn(root);
    tidy(root, 31);
    assert.deepEqual(namesIn(root), before);
    assert.deepEqual(namesIn(`${root}/.stx-00000000000000aa`), ["file"]);
  });
});

Deno.test("a trial of another user stays, and so does what cannot be looked at or removed", async () => {
  await withTempFolder(async (root) => {
    const trial = Deno.makeTempDirSync({ dir: root, prefix: ".stx-" });
    const partial = leave(root);
    const { lstatSync, readDirSync, removeSync } = Deno;
    const stranger: typeof lstatSync = (path) => {
      const info = lstatSync(path);
      return String(path) === trial || String(path) === partial ? { ...info, uid: 54321 } : info;
    };
    const noTime: typeof lstatSync = (path) => ({ ...lstatSync(path), ctime: null });
    const closed = () => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    await withPatched(Deno, "lstatSync", stranger, () => Promise.resolve(tidy(root, 31)));
    await withPatched(Deno, "lstatSync", noTime, () => Promise.resolve(tidy(root, 31)));
    await withPatched(Deno, "lstatSync", closed, () => Promise.resolve(tidy(root, 31)));
    await withPatched(Deno, "readDirSync", closed, () => Promise.resolve(tidy(root, 31)));
    const listing: typeof readDirSync = (path) =>
      String(path) === trial || String(path).includes("/data") ? closed() : readDirSync(path);
    await withPatched(Deno, "readDirSync", listing, () => Promise.resolve(tidy(root, 31)));
    const removing: typeof removeSync = (path, options) =>
      String(path) === trial || String(path).startsWith(partial) ? closed() : removeSync(path, options);
    await withPatched(Deno, "removeSync", removing, () => Promise.resolve(tidy(root, 31)));
    assert.deepEqual(namesIn(root), [trial.slice(root.length + 1), BASE].sort());
    assert.equal(Deno.readTextFileSync(`${partial}/data/top/file`), "arrived");
    tidy(root, 31);
    assert.deepEqual(namesIn(root), []);
  });
});
