import assert from "node:assert/strict";
import fs from "node:fs";
import { type DiskFolder, openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import type { ConflictPolicy, Entry, Placement } from "../../../lib/ports.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { deliver, ID, namesIn, nothing, open, PRIVATE, receive, reopen, withPlace } from "./receiving.ts";
import { entry, snapshot, TIME_MS, TREE } from "./tree.ts";
import { runAlone } from "./run_alone.ts";

const OTHER_ID = new Uint8Array(32).fill(0xcd);
const TOP: readonly Entry[] = [entry("top/"), entry("top/a", 3), entry("top/sub/"), entry("top/sub/b", 5)];

function namesOf(placement: Placement): Readonly<Record<string, string>> {
  return { ...placement.topNames };
}

Deno.test("a receiving folder is an existing folder", async () => {
  await withTempFolder((temp) => {
    assert.throws(() => openReceivingFolder(`${temp}/none`), { code: "disk", message: /no such/ });
    Deno.writeTextFileSync(`${temp}/file`, "");
    assert.throws(() => openReceivingFolder(`${temp}/file`), { code: "disk", message: /not a folder/ });
    Deno.mkdirSync(`${temp}/real`);
    Deno.symlinkSync("real", `${temp}/link`);
    assert.equal(openReceivingFolder(`${temp}/link/../link/`).path, `${Deno.realPathSync(temp)}/real`);
  });
});

Deno.test("what was free keeps its name under every policy", async () => {
  await withPlace(async ({ folder }) => {
    for (const conflict of ["refuse", "rename", "overwrite", "skip"] as const) {
      const placement = await folder.place(TREE, conflict);
      assert.deepEqual(namesOf(placement), {
        "first": "first",
        "empty-first": "empty-first",
        "tree": "tree",
        "last": "last",
      });
      assert.equal(placement.conflict, conflict);
      folder.release(placement);
    }
    for (const conflict of ["refuse", "rename", "overwrite", "skip"] as const) {
      assert.deepEqual(namesOf(await folder.place([], conflict)), {});
    }
  });
});

Deno.test("names that JavaScript's objects have are names like any other", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  await withPlace(async (place) => {
    for (const conflict of ["refuse", "rename"] as const) {
      const entries = names.map((name) => entry(name, 3));
      const placement = await place.folder.place(entries, conflict);
      const stored: Placement = JSON.parse(JSON.stringify(placement));
      const partial = place.folder.open(ID, entries, stored);
      await partial.resumeAt(0);
      await partial.write(new Uint8Array(12));
      await partial.commit(nothing);
      partial.close();
    }
    assert.deepEqual(namesIn(place.path), names.flatMap((name) => [name, `${name}-1`]).sort());
  });
  await withPlace(async (place) => {
    const partial = place.folder.open(ID, [entry("toString")], { topNames: {}, conflict: "refuse" });
    await partial.resumeAt(0);
    await assert.rejects(() => partial.commit(nothing), { code: "state_corrupt", message: /no name/ });
    partial.close();
  });
});

Deno.test("refuse: any first part that is taken refuses the transfer", async () => {
  await withPlace(async ({ folder, path }) => {
    const taken: readonly [string, () => void][] = [
      ["first", () => Deno.writeTextFileSync(`${path}/first`, "")],
      ["tree", () => Deno.mkdirSync(`${path}/tree`)],
      ["last", () => Deno.symlinkSync("/nowhere", `${path}/last`)],
    ];
    for (const [name, take] of taken) {
      take();
      await assert.rejects(() => folder.place(TREE, "refuse"), {
        code: "exists",
        message: new RegExp(`"${name}"`),
        hint: /--on-conflict/,
      });
      Deno.removeSync(`${path}/${name}`);
    }
    await folder.place(TREE, "refuse");
  });
});

Deno.test("rename: what is taken arrives under a free name", async () => {
  await withPlace(async (place) => {
    Deno.writeTextFileSync(`${place.path}/note.txt`, "old");
    Deno.writeTextFileSync(`${place.path}/note-1.txt`, "old");
    Deno.mkdirSync(`${place.path}/top.d`);
    const entries = [entry("note.txt", 3), entry("top.d/"), entry("top.d/a", 4), entry("free", 1)];
    await deliver(place, entries, "rename");
    assert.deepEqual(namesIn(place.path), [
      "free",
      "note-1.txt",
      "note-2.txt",
      "note.txt",
      "top.d",
      "top.d-1",
    ]);
    assert.equal(Deno.readTextFileSync(`${place.path}/note-1.txt`), "old");
    assert.deepEqual(namesIn(`${place.path}/top.d-1`), ["a"]);
    assert.deepEqual(namesIn(`${place.path}/top.d`), []);
  });
});

Deno.test("rename: no more names get another one than a row of the journal may hold", async () => {
  await withPlace(async ({ folder, path }) => {
    const entries = Array.from({ length: 600 }, (_, index) => entry(`${index}`.padEnd(250, "x")));
    for (const { path: name } of entries) Deno.writeTextFileSync(`${path}/${name}`, "");
    await assert.rejects(() => folder.place(entries, "rename"), { code: "exists", message: /too many/ });
    // Nothing stays reserved.
    const placement = await folder.place(entries.slice(0, 2), "rename");
    assert.deepEqual(Object.values(placement.topNames).map((name) => name.slice(-2)), ["-1", "-1"]);
  });
});

Deno.test("rename: two names of one transfer do not become one", async () => {
  await withPlace(async ({ folder, path }) => {
    Deno.writeTextFileSync(`${path}/a`, "");
    Deno.writeTextFileSync(`${path}/A-2`, "");
    const placement = await folder.place([entry("a"), entry("A-1"), entry("A-2")], "rename");
    assert.deepEqual(namesOf(placement), { "a": "a-3", "A-1": "A-1", "A-2": "A-2-1" });
  });
});

Deno.test("rename: two long names that are shortened do not become one", async () => {
  await withPlace(async ({ folder, path }) => {
    const names = ["b", "c"].map((end) => "a".repeat(254) + end);
    for (const name of names) Deno.writeTextFileSync(`${path}/${name}`, "");
    const placement = await folder.place(names.map((name) => entry(name)), "rename");
    const stem = "a".repeat(253);
    assert.deepEqual(Object.values(placement.topNames), [`${stem}-1`, `${stem}-2`]);
  });
});

Deno.test("rename: two transfers under way at once do not choose the same name", async () => {
  await withPlace(async (place) => {
    const entries = [entry("a", 3)];
    const first = await place.folder.place(entries, "rename");
    assert.deepEqual(namesOf(first), { a: "a" });
    const second = await place.folder.place(entries, "rename");
    assert.deepEqual(namesOf(second), { a: "a-1" });
    assert.deepEqual(namesOf(await place.folder.place([entry("A-1")], "rename")), { "A-1": "A-1-1" });
    place.folder.release(second);
    assert.deepEqual(namesOf(await place.folder.place(entries, "rename")), { a: "a-1" });

    // A name stays reserved for as long as its transfer is worked on: the next attempt chooses anew.
    const partial = place.folder.open(ID, entries, first);
    await partial.resumeAt(0);
    place.folder.release(first);
    assert.deepEqual(namesOf(await place.folder.place(entries, "rename")), { a: "a-2" });
    partial.close();
    assert.deepEqual(namesOf(await place.folder.place(entries, "rename")), { a: "a" });
    const again = place.folder.open(ID, entries, first);
    await again.resumeAt(0);
    await again.write(new Uint8Array(3));
    await again.commit(nothing);
    again.close();
    Deno.removeSync(`${place.path}/a`);
    const third = await place.folder.place(entries, "rename");
    assert.deepEqual(namesOf(third), { a: "a" });
    place.folder.open(OTHER_ID, entries, third).close();
    place.folder.discard(OTHER_ID);
    assert.deepEqual(namesOf(await place.folder.place(entries, "rename")), { a: "a" });
  });
});

Deno.test("rename: a name that a stored transfer has is reserved once it is opened", async () => {
  await withPlace(async ({ folder }) => {
    const renamed = folder.open(ID, [entry("a", 3)], { topNames: { a: "a-1" }, conflict: "rename" });
    folder.open(OTHER_ID, [entry("b", 3)], { topNames: { b: "b" }, conflict: "refuse" }).close();
    assert.deepEqual(namesOf(await folder.place([entry("a-1"), entry("b")], "rename")), {
      "a-1": "a-1-1",
      "b": "b",
    });
    renamed.close();
  });
});

Deno.test("overwrite and skip: a folder does not meet a file, nor a symbolic link", async () => {
  await withPlace(async ({ folder, path, outside }) => {
    const cases: readonly [string, () => void][] = [
      ["top", () => Deno.writeTextFileSync(`${path}/top`, "")],
      ["top", () => Deno.symlinkSync(outside, `${path}/top`)],
      ["top/a", () => Deno.mkdirSync(`${path}/top/a`, { recursive: true })],
      ["top/sub", () => {
        Deno.mkdirSync(`${path}/top`);
        Deno.symlinkSync(outside, `${path}/top/sub`);
      }],
    ];
    for (const [name, take] of cases) {
      take();
      for (const conflict of ["overwrite", "skip"] as const) {
        await assert.rejects(() => folder.place(TOP, conflict), {
          code: "exists",
          message: new RegExp(`"${name}"`),
        });
      }
      Deno.removeSync(`${path}/top`, { recursive: true });
    }
  });
});

Deno.test("skip: a transfer of which nothing would be left is refused", async () => {
  await withPlace(async (place) => {
    await deliver(place, TOP, "refuse");
    await assert.rejects(() => place.folder.place(TOP, "skip"), {
      code: "exists",
      message: /^"top\/a" and \d more were kept as they are \(--on-conflict skip\): .* was not compared$/,
      hint: undefined,
    });
    Deno.writeTextFileSync(`${place.path}/\x1b`, "");
    await assert.rejects(() => place.folder.place([entry("\x1b", 3)], "skip"), {
      message:
        '"\\x1b" was kept as it is (--on-conflict skip): something of that name is already there, and was not compared',
    });
    await place.folder.place(TOP, "overwrite");
    await place.folder.place([...TOP, entry("top/void/")], "skip");
    Deno.removeSync(`${place.path}/top/sub/b`);
    await place.folder.place(TOP, "skip");
  });
});

Deno.test("isInPlace compares kind, size and time of everything", async () => {
  await withPlace(async (place) => {
    const { folder, path, outside } = place;
    const placement: Placement = { topNames: { top: "other" }, conflict: "rename" };
    assert.equal(await folder.isInPlace(TOP, placement), false);
    await deliver(place, TOP, "refuse");
    assert.equal(await folder.isInPlace(TOP, { topNames: { top: "top" }, conflict: "refuse" }), true);
    const spoilt: readonly ((path: string) => void)[] = [
      (top) => Deno.removeSync(`${top}/a`),
      (top) => {
        Deno.truncateSync(`${top}/a`, 2);
        Deno.utimeSync(`${top}/a`, new Date(TIME_MS), new Date(TIME_MS));
      },
      (top) => {
        // As long as the file, and as old.
        Deno.removeSync(`${top}/a`);
        Deno.symlinkSync("sub", `${top}/a`);
        fs.lutimesSync(`${top}/a`, new Date(TIME_MS), new Date(TIME_MS));
        const { size, mtime } = Deno.lstatSync(`${top}/a`);
        assert.deepEqual([size, mtime!.getTime()], [3, TIME_MS]);
      },
      (top) => Deno.utimeSync(`${top}/a`, new Date(TIME_MS), new Date(TIME_MS + 1)),
      (top) => Deno.removeSync(`${top}/sub`, { recursive: true }),
      (top) => {
        Deno.renameSync(`${top}/a`, `${outside}/a`);
        Deno.symlinkSync(`${outside}/a`, `${top}/a`);
      },
      (top) => {
        Deno.renameSync(`${top}/sub`, `${outside}/sub`);
        Deno.symlinkSync(`${outside}/sub`, `${top}/sub`);
      },
      (top) => {
        Deno.renameSync(top, `${outside}/top`);
        Deno.symlinkSync(`${outside}/top`, top);
      },
    ];
    for (const spoil of spoilt) {
      Deno.renameSync(`${path}/top`, `${path}/other`);
      assert.equal(await folder.isInPlace(TOP, placement), true);
      spoil(`${path}/other`);
      assert.equal(await folder.isInPlace(TOP, placement), false, String(spoil));
      Deno.removeSync(`${path}/other`, { recursive: true });
      for (const name of namesIn(outside)) Deno.removeSync(`${outside}/${name}`, { recursive: true });
      await deliver(place, TOP, "refuse");
    }
    // A transfer of folders alone is in place when they are folders.
    const folders = [entry("top/"), entry("top/a/")];
    assert.equal(await folder.isInPlace(folders, { topNames: { top: "top" }, conflict: "refuse" }), false);
  });
});

Deno.test("isInPlace looks at many files without holding up everything else", async () => {
  const entries = Array.from({ length: 1_100 }, (_, index) => entry(`f${index}`));
  await withPlace(async (place) => {
    await deliver(place, entries, "refuse");
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const topNames = Object.fromEntries(entries.map(({ path }) => [path, path]));
    assert.equal(await place.folder.isInPlace(entries, { topNames, conflict: "refuse" }), true);
    clearInterval(timer);
    assert.ok(turns > 1, `${turns} turns`);
  });
});

Deno.test("discard removes a partial transfer, not what is in place, and needs it closed", async () => {
  await withPlace(async (place) => {
    place.folder.discard(ID);
    const partial = await receive(place, TREE);
    assert.throws(() => place.folder.discard(ID), { code: "state_busy" });
    place.folder.discard(OTHER_ID);
    partial.close();
    const other = place.folder.open(OTHER_ID, TOP, { topNames: { top: "top" }, conflict: "refuse" });
    place.folder.discard(ID);
    assert.deepEqual(namesIn(`${place.path}/.stx-partial`), ["cd".repeat(32)]);
    other.close();
    place.folder.discard(OTHER_ID);
    assert.deepEqual(namesIn(place.path), []);
  });
});

Deno.test("one transfer is open once at a time, two transfers are not in each other's way", async () => {
  await withPlace(async (place) => {
    const first = await open(place, TREE);
    assert.throws(() => reopen(place, TREE), { code: "state_busy" });
    const other = place.folder.open(OTHER_ID, TOP, await place.folder.place(TOP, "refuse"));
    await first.resumeAt(0);
    await other.resumeAt(0);
    await other.write(new Uint8Array(8));
    await other.commit(nothing);
    other.close();
    first.close();
    assert.deepEqual(namesIn(place.path), [".stx-partial", "top"]);
  });
});

/** Paths that would lead out of the folder, or into other transfers. */
const HOSTILE = [
  "",
  ".",
  "..",
  "/",
  "/etc",
  "../x",
  "a/..",
  "a/../../x",
  "a//b",
  "a/",
  "a/./b",
  "a/../b",
  ".stx-partial",
  ".stx-deadbeef",
  ".stx-partial/x",
  ".STX-Partial/x",
];

Deno.test("a path that leads out of the folder is refused even where no rule for names has stopped it", async () => {
  await withPlace(async ({ folder, path, outside }) => {
    for (const hostile of HOSTILE) {
      const entries = [entry("fine", 1), { ...entry("x", 1), path: hostile }];
      const placement: Placement = {
        topNames: { fine: "fine", [hostile.split("/")[0]!]: "x" },
        conflict: "overwrite",
      };
      for (const conflict of ["refuse", "rename", "overwrite", "skip"] as const) {
        await assert.rejects(() => folder.place(entries, conflict), { code: "bad_name" }, hostile);
      }
      assert.throws(() => folder.open(ID, entries, placement), { code: "bad_name" }, hostile);
      await assert.rejects(() => folder.isInPlace(entries, placement), { code: "bad_name" }, hostile);
    }
    assert.deepEqual(namesIn(path), []);
    assert.deepEqual(namesIn(outside), []);
    for (const harmless of ["...", "a/...", "..a", "a..", ".a/b"]) {
      await folder.place([entry(harmless)], "rename");
    }
  });
});

Deno.test("a receiving folder that may not be written to is a matter of permission", async () => {
  await runAlone("denied receiving folder");
});

/** Runs `body` with a folder on a disk of `sizeBytes`; only root can make one. */
async function withSmallDisk(sizeBytes: number, body: (folder: DiskFolder) => Promise<void>): Promise<void> {
  await withTempFolder(async (temp) => {
    const mount = `${temp}/disk`;
    Deno.mkdirSync(mount);
    run("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "stx-test", mount]);
    try {
      await body(openReceivingFolder(mount));
    } finally {
      run("umount", [mount]);
    }
  });
}

function run(command: string, args: readonly string[]): void {
  const { success, stderr } = new Deno.Command(command, { args: [...args] }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Containers often run as root without the right to mount. */
async function canMount(): Promise<boolean> {
  if (Deno.uid() !== 0 || Deno.build.os !== "linux") return false;
  return await withSmallDisk(65_536, () => Promise.resolve()).then(() => true, () => false);
}

Deno.test({
  name: "a disk that fills up ends the transfer, nothing gets its final name, and it can be resumed",
  ignore: !await canMount(),
  async fn() {
    for (const sizes of [[3_000_000], Array<number>(200).fill(10_000)]) {
      const entries = sizes.map((size, i) => entry(`f${i}`, size));
      const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
      await withSmallDisk(1024 * 1024, async (folder) => {
        const partial = folder.open(ID, entries, await folder.place(entries, "refuse"));
        await partial.resumeAt(0);
        let at = 0;
        const block = new Uint8Array(16_384);
        await assert.rejects(async () => {
          for (; at < sizeBytes; at += block.length) await partial.write(block);
        }, { code: "disk_full", hint: /Free some space/ });
        await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
          code: "disk_full",
        });
        assert.deepEqual(namesIn(folder.path), [".stx-partial"]);
        run("mount", ["-o", "remount,size=8m", folder.path]);
        await partial.resumeAt(at);
        for (; at < sizeBytes; at += block.length) {
          await partial.write(block.subarray(0, Math.min(block.length, sizeBytes - at)));
        }
        await partial.commit(nothing);
        partial.close();
        assert.equal(namesIn(folder.path).length, sizes.length);
      });
    }
  },
});

Deno.test("a symbolic link at a final name, or at the folder of partial transfers, leads nowhere", async () => {
  const policies: readonly ConflictPolicy[] = ["refuse", "rename", "overwrite", "skip"];
  for (const conflict of policies) {
    await withPlace(async (place) => {
      Deno.mkdirSync(`${place.outside}/top`);
      Deno.writeTextFileSync(`${place.outside}/top/a`, "alive");
      Deno.symlinkSync(`${place.outside}/top`, `${place.path}/top`);
      const canary = snapshot(place.outside);
      if (conflict === "rename") {
        await deliver(place, TOP, conflict);
        assert.deepEqual(namesIn(place.path), ["top", "top-1"]);
      } else {
        await assert.rejects(() => deliver(place, TOP, conflict), { code: "exists" });
      }
      Deno.removeSync(`${place.path}/top`);
      Deno.symlinkSync(place.outside, `${place.path}/.stx-partial`);
      await assert.rejects(() => deliver(place, [entry("other", 3)], conflict), { code: "permission" });
      assert.throws(() => {
        Deno.mkdirSync(`${place.outside}/${PRIVATE.slice(".stx-partial/".length)}`);
        place.folder.discard(ID);
      }, { code: "permission" });
      Deno.removeSync(`${place.outside}/${PRIVATE.slice(".stx-partial/".length)}`);
      assert.deepEqual(Object.keys(snapshot(place.outside)), Object.keys(canary));
      assert.equal(Deno.readTextFileSync(`${place.outside}/top/a`), "alive");
    });
  }
});
