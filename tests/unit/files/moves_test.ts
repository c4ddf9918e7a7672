import assert from "node:assert/strict";
import fs from "node:fs";
import { codeOf, type StxError } from "../../../lib/errors.ts";
import type { ConflictPolicy, Entry, Placement } from "../../../lib/ports.ts";
import {
  commitCut,
  deliver,
  namesIn,
  nothing,
  type Place,
  PRIVATE,
  receive,
  reopen,
  withPlace,
} from "./receiving.ts";
import { contentOf, entry, expected, snapshot, TREE, withPatched } from "./tree.ts";
import { runAlone } from "./run_alone.ts";

/** A folder with two files in it and one below. */
const TOP: readonly Entry[] = [
  entry("top/"),
  entry("top/a", 3),
  entry("top/b", 4),
  entry("top/sub/"),
  entry("top/sub/c", 5),
];
/** The same, and a file beside it. */
const TOP_AND_FILE: readonly Entry[] = [...TOP, entry("file", 6)];

/** The files of a snapshot by path, without modes and times. */
function texts(path: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(snapshot(path)).map(([name, text]) => {
      const [kind, , , data = ""] = text.split(" ");
      return [name, kind === "file" ? data : kind!];
    }),
  );
}

/** What is in place before a transfer meets it. */
function makeOld(place: Place): void {
  Deno.mkdirSync(`${place.path}/top/sub`, { recursive: true });
  Deno.writeTextFileSync(`${place.path}/top/a`, "old");
  Deno.writeTextFileSync(`${place.path}/top/other`, "other");
  Deno.chmodSync(`${place.path}/top`, 0o705);
}

Deno.test("commit calls back once, after which it renames", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TOP_AND_FILE);
    let calls = 0;
    await partial.commit(() => {
      calls++;
      assert.deepEqual(namesIn(place.path), [".stx-partial"]);
    });
    assert.deepEqual(namesIn(place.path), ["file", "top"]);
    // Committing twice is committing once.
    Deno.removeSync(`${place.path}/file`);
    await partial.commit(() => calls++);
    partial.close();
    assert.equal(calls, 1);
    assert.deepEqual(namesIn(place.path), ["top"]);
  });
});

Deno.test("a callback that fails leaves everything to be committed again", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    const fail = () => {
      throw new Error("the journal is full");
    };
    await assert.rejects(() => partial.commit(fail), /the journal is full/);
    assert.deepEqual(namesIn(place.path), [".stx-partial"]);
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
  });
});

Deno.test("a commit that was cut short at any rename is finished by another process", async () => {
  const cases: readonly [ConflictPolicy, (place: Place) => void][] = [
    ["refuse", nothing],
    ["overwrite", makeOld],
    ["skip", makeOld],
  ];
  for (const [conflict, prepare] of cases) {
    let whole: Readonly<Record<string, string>> | undefined;
    for (let cutAfter = 0, wasCut = true; wasCut; cutAfter++) {
      await withPlace(async (place) => {
        prepare(place);
        const first = await receive(place, [...TREE, ...TOP_AND_FILE], conflict);
        wasCut = await commitCut(first, cutAfter);
        first.close();
        const second = reopen(place, [...TREE, ...TOP_AND_FILE], conflict);
        await second.commit(nothing);
        second.close();
        const found = texts(place.path);
        whole ??= found;
        assert.deepEqual(found, whole, `${conflict} after ${cutAfter} renames`);
        const tree = Object.entries(snapshot(place.path)).filter(([path]) => !/^top|^file/.test(path));
        assert.deepEqual(Object.fromEntries(tree), expected(TREE, place.umask));
      });
    }
  }
});

Deno.test("a transfer that is complete in place needs nothing more", async () => {
  for (const conflict of ["refuse", "overwrite", "skip"] as const) {
    await withPlace(async (place) => {
      await deliver(place, TOP_AND_FILE, conflict);
      const before = snapshot(place.path);
      const again = reopen(place, TOP_AND_FILE, conflict);
      await again.commit(nothing);
      again.close();
      assert.deepEqual(snapshot(place.path), before);
    });
  }
});

Deno.test("after a crash, what neither waits nor is in place is an error", async () => {
  await withPlace(async (place) => {
    await deliver(place, TOP_AND_FILE, "refuse");
    const damages: readonly (() => void)[] = [
      () => Deno.truncateSync(`${place.path}/file`, 1),
      () => Deno.removeSync(`${place.path}/file`),
      () => Deno.mkdirSync(`${place.path}/file`),
      () => {
        Deno.removeSync(`${place.path}/file`);
        // A link is as long as the path that it holds, here as long as the file.
        Deno.symlinkSync("top//a", `${place.path}/file`);
      },
      () => Deno.renameSync(`${place.path}/top`, `${place.outside}/top`),
      () => Deno.symlinkSync(`${place.outside}/top`, `${place.path}/top`),
    ];
    for (const [i, damage] of damages.entries()) {
      damage();
      for (const conflict of ["refuse", "overwrite"] as const) {
        const again = reopen(place, TOP_AND_FILE, conflict);
        await assert.rejects(() => again.commit(() => assert.fail("must not begin")), {
          code: "state_corrupt",
        }, `${i}`);
        again.close();
      }
    }
  });
});

Deno.test("after a crash, what was skipped may be any file, but no folder", async () => {
  await withPlace(async (place) => {
    await deliver(place, TOP_AND_FILE, "refuse");
    Deno.writeTextFileSync(`${place.path}/file`, "not ours");
    const again = reopen(place, TOP_AND_FILE, "skip");
    await again.commit(nothing);
    again.close();
    Deno.removeSync(`${place.path}/file`);
    Deno.mkdirSync(`${place.path}/file`);
    const third = reopen(place, TOP_AND_FILE, "skip");
    await assert.rejects(() => third.commit(nothing), { code: "state_corrupt" });
    third.close();
  });
});

Deno.test("after a crash, what waits is put in place only if it is whole", async () => {
  const data = `${PRIVATE}/data`;
  const damages: readonly ((path: string) => void)[] = [
    (path) => Deno.truncateSync(`${path}/${data}/file`, 1),
    (path) => Deno.truncateSync(`${path}/${data}/top/a`, 1),
    (path) => Deno.removeSync(`${path}/${data}/top/sub/c`),
    (path) => {
      Deno.removeSync(`${path}/${data}/top/sub`, { recursive: true });
      Deno.writeTextFileSync(`${path}/${data}/top/sub`, "");
    },
    (path) => {
      Deno.removeSync(`${path}/${data}/top/a`);
      Deno.symlinkSync("../", `${path}/${data}/top/a`);
    },
  ];
  for (const damage of damages) {
    for (
      const [conflict, prepare] of [["refuse", nothing], ["overwrite", makeOld], ["skip", makeOld]] as const
    ) {
      await withPlace(async (place) => {
        prepare(place);
        const first = await receive(place, TOP_AND_FILE, conflict);
        await assert.rejects(() => first.commit(() => assert.fail("dies here")));
        first.close();
        damage(place.path);
        const before = namesIn(place.path);
        const second = reopen(place, TOP_AND_FILE, conflict);
        await assert.rejects(() => second.commit(() => assert.fail("must not begin")), {
          code: "state_corrupt",
        });
        second.close();
        assert.deepEqual(namesIn(place.path), before);
      });
    }
  }
});

Deno.test("refuse: a name that is taken in the meantime stops everything before it begins", async () => {
  for (const name of ["top", "file"]) {
    await withPlace(async (place) => {
      const partial = await receive(place, TOP_AND_FILE);
      Deno.writeTextFileSync(`${place.path}/${name}`, "other");
      await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
        code: "exists",
        hint: /--on-conflict/,
      });
      partial.close();
      assert.deepEqual(texts(place.path)[name], new TextEncoder().encode("other").toHex());
      assert.deepEqual(namesIn(place.path), [".stx-partial", name]);
    });
  }
});

Deno.test("rename: what finds its name taken in the meantime gets another one, told before any rename", async () => {
  for (const name of ["top", "file"] as const) {
    await withPlace(async (place) => {
      const partial = await receive(place, TOP_AND_FILE, "rename");
      Deno.writeTextFileSync(`${place.path}/${name}`, "other");
      let told: unknown;
      await partial.commit((placement?: Placement) => {
        assert.deepEqual(namesIn(place.path), [".stx-partial", name]);
        told = placement;
      });
      partial.close();
      assert.deepEqual(told, {
        topNames: { top: "top", file: "file", [name]: `${name}-1` },
        conflict: "rename",
      });
      assert.equal(Deno.readTextFileSync(`${place.path}/${name}`), "other");
      assert.deepEqual(namesIn(place.path), ["file", "top", `${name}-1`].sort());
    });
  }
});

Deno.test("rename: after a crash what is in place keeps its name, and only what waits gets another", async () => {
  await withPlace(async (place) => {
    const first = await receive(place, TOP_AND_FILE, "rename");
    // Whatever the order, one of the two is in place and the other waits.
    assert.ok(await commitCut(first, 1));
    first.close();
    const moved = namesIn(place.path).filter((name) => name !== ".stx-partial");
    assert.equal(moved.length, 1);
    const waiting = moved[0] === "top" ? "file" : "top";
    Deno.writeTextFileSync(`${place.path}/${waiting}`, "other");
    Deno.writeTextFileSync(`${place.path}/${waiting}-1`, "other");
    const second = reopen(place, TOP_AND_FILE, "rename");
    let told: unknown;
    await second.commit((placement?: Placement) => told = placement?.topNames);
    second.close();
    assert.deepEqual(told, { [moved[0]!]: moved[0], [waiting]: `${waiting}-2` });
    assert.deepEqual(namesIn(place.path), ["file", "top", `${waiting}-1`, `${waiting}-2`].sort());
    assert.equal(Deno.readTextFileSync(`${place.path}/${waiting}`), "other");
  });
});

Deno.test("refuse: a name that is taken at the very last moment is not overwritten", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TOP_AND_FILE);
    const take = () => Deno.writeTextFileSync(`${place.path}/file`, "other");
    // Now that it is decided, another policy does not help any more.
    await assert.rejects(() => partial.commit(take), (error: StxError) => {
      assert.equal(codeOf(error), "exists");
      assert.equal(
        error.hint,
        "Move it out of the way. Every start tries again; " +
          `to give the transfer up, remove "${place.folder.path}/${PRIVATE}".`,
      );
      return true;
    });
    assert.equal(Deno.readTextFileSync(`${place.path}/file`), "other");
    // Once the name is free again, the rest is put in place.
    Deno.removeSync(`${place.path}/file`);
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(namesIn(place.path), ["file", "top"]);
  });
});

Deno.test("overwrite: files are replaced, folders merged, and the rest is left alone", async () => {
  await withPlace(async (place) => {
    makeOld(place);
    await deliver(place, TOP, "overwrite");
    const other = new TextEncoder().encode("other").toHex();
    const [, a, b, , c] = TOP.map((item) => contentOf(item).toHex());
    assert.deepEqual(texts(place.path), {
      "top": "directory",
      "top/a": a,
      "top/b": b,
      "top/other": other,
      "top/sub": "directory",
      "top/sub/c": c,
    });
    assert.equal(Deno.statSync(`${place.path}/top`).mode! & 0o777, 0o705);
  });
});

Deno.test("skip: files that are there are left, the others are put in place", async () => {
  await withPlace(async (place) => {
    makeOld(place);
    await deliver(place, TOP, "skip");
    const old = new TextEncoder().encode("old").toHex();
    const other = new TextEncoder().encode("other").toHex();
    const [, , b, , c] = TOP.map((item) => contentOf(item).toHex());
    assert.deepEqual(texts(place.path), {
      "top": "directory",
      "top/a": old,
      "top/b": b,
      "top/other": other,
      "top/sub": "directory",
      "top/sub/c": c,
    });
  });
});

Deno.test("entries in an order of their own are put in place as well", async () => {
  const entries = [
    entry("a/"),
    entry("b/"),
    entry("a/x/"),
    entry("b/y", 3),
    entry("a/x/z", 4),
    entry("b/e/"),
    entry("a/w", 2),
  ];
  for (const conflict of ["refuse", "overwrite"] as const) {
    await withPlace(async (place) => {
      if (conflict === "overwrite") Deno.mkdirSync(`${place.path}/a`);
      await deliver(place, entries, conflict);
      const all = entries.map((
        item,
      ) => [item.path, item.kind === "file" ? contentOf(item).toHex() : "directory"]);
      assert.deepEqual(texts(place.path), Object.fromEntries(all));
    });
  }
});

Deno.test("a folder is never replaced by a file, nor a file by a folder", async () => {
  for (const conflict of ["overwrite", "skip"] as const) {
    const cases: readonly [string, (path: string) => void][] = [
      ["top", (path) => Deno.writeTextFileSync(path, "other")],
      ["file", (path) => Deno.mkdirSync(path)],
      ["top/sub", (path) => {
        Deno.mkdirSync(path.replace(/\/sub$/, ""));
        Deno.writeTextFileSync(path, "other");
      }],
    ];
    for (const [name, take] of cases) {
      await withPlace(async (place) => {
        const partial = await receive(place, TOP_AND_FILE, conflict);
        take(`${place.path}/${name}`);
        const before = snapshot(place.path);
        await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), { code: "exists" });
        partial.close();
        for (const [path, text] of Object.entries(before)) {
          if (!path.startsWith(".stx-partial")) assert.equal(snapshot(place.path)[path], text);
        }
      });
    }
  }
});

Deno.test("a symbolic link at a final name is replaced itself, or left, never followed", async () => {
  for (const [conflict, isReplaced] of [["overwrite", true], ["skip", false]] as const) {
    await withPlace(async (place) => {
      Deno.writeTextFileSync(`${place.outside}/canary`, "alive");
      Deno.mkdirSync(`${place.path}/top`);
      Deno.symlinkSync(`${place.outside}/canary`, `${place.path}/top/a`);
      Deno.symlinkSync(`${place.outside}/none`, `${place.path}/file`);
      const canary = snapshot(place.outside);
      await deliver(place, TOP_AND_FILE, conflict);
      assert.equal(Deno.lstatSync(`${place.path}/top/a`).isSymlink, !isReplaced);
      assert.equal(Deno.lstatSync(`${place.path}/file`).isSymlink, !isReplaced);
      assert.deepEqual(snapshot(place.outside), canary);
    });
  }
});

Deno.test("a symbolic link in a folder's place is refused", async () => {
  for (const conflict of ["refuse", "overwrite", "skip"] as const) {
    for (const name of ["top", "top/sub"]) {
      await withPlace(async (place) => {
        const partial = await receive(place, TOP, conflict);
        Deno.mkdirSync(`${place.outside}/sub`);
        if (name !== "top") Deno.mkdirSync(`${place.path}/top`);
        Deno.symlinkSync(name === "top" ? place.outside : `${place.outside}/sub`, `${place.path}/${name}`);
        const canary = snapshot(place.outside);
        await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), { code: "exists" });
        partial.close();
        assert.deepEqual(snapshot(place.outside), canary);
      });
    }
  }
});

Deno.test("a folder that becomes a symbolic link between two renames is noticed", async () => {
  for (const conflict of ["overwrite", "skip"] as const) {
    await withPlace(async (place) => {
      Deno.mkdirSync(`${place.path}/top/sub`, { recursive: true });
      const partial = await receive(place, TOP, conflict);
      const { renameSync } = Deno;
      const swap = (from: string | URL, to: string | URL) => {
        renameSync(from, to);
        if (!String(to).endsWith("/b")) return;
        renameSync(`${place.path}/top`, `${place.outside}/top`);
        Deno.symlinkSync(`${place.outside}/top`, `${place.path}/top`);
      };
      await assert.rejects(
        () => withPatched(Deno, "renameSync", swap, () => partial.commit(nothing)),
        { code: "exists", message: /symbolic link/ },
      );
      partial.close();
      assert.deepEqual(namesIn(`${place.outside}/top`), ["a", "b", "sub"]);
      assert.deepEqual(namesIn(`${place.outside}/top/sub`), []);
    });
  }
});

Deno.test("a rename that fails is an error of the disk, and nothing is lost", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TOP_AND_FILE);
    const fail = () => {
      throw Object.assign(new Error("it failed"), { code: "EIO" });
    };
    await assert.rejects(() => withPatched(Deno, "renameSync", fail, () => partial.commit(nothing)), {
      code: "disk",
    });
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(namesIn(place.path), ["file", "top"]);
  });
});

Deno.test("many names are put in place without holding up everything else", async () => {
  await withPlace(async (place) => {
    const entries = Array.from({ length: 1500 }, (_, i) => entry(`f${i}`));
    const partial = await receive(place, entries, "overwrite");
    let turns = 0;
    let timer: ReturnType<typeof setInterval> | undefined;
    await partial.commit(() => {
      timer = setInterval(() => turns++, 0);
    });
    clearInterval(timer);
    partial.close();
    assert.ok(turns >= 2, `${turns} turns`);
    assert.equal(namesIn(place.path).length, 1500);
  });
});

Deno.test("refuse: nobody takes a name between the check and the last rename", async () => {
  await withPlace(async (place) => {
    const entries = Array.from({ length: 1500 }, (_, i) => entry(`f${i}`));
    const partial = await receive(place, entries);
    let rows = 0;
    // Whoever has a turn while renames are still to be done takes one of the names.
    const timer = setInterval(() => {
      const names = namesIn(place.path);
      if (rows > 0 && names.length < 1500) Deno.mkdirSync(`${place.path}/f1499`);
    }, 0);
    const { lstatSync } = Deno;
    let looks = 0;
    const look: typeof lstatSync = (path) => {
      // In the middle of the check somebody is already waiting for a turn.
      if (`${path}`.startsWith(`${place.path}/f`) && ++looks === 700) rows = 1;
      return lstatSync(path);
    };
    await withPatched(Deno, "lstatSync", look, () => partial.commit(nothing));
    clearInterval(timer);
    partial.close();
    assert.equal(rows, 1);
    assert.ok(namesIn(place.path).every((name) => lstatSync(`${place.path}/${name}`).isFile));
  });
});

Deno.test("skip: commit tells how many files were left as they stood", async () => {
  await withPlace(async (place) => {
    Deno.mkdirSync(`${place.path}/d`);
    Deno.writeTextFileSync(`${place.path}/d/a`, "mine");
    Deno.writeTextFileSync(`${place.path}/d/c`, "mine");
    const entries = [entry("d/"), entry("d/a", 3), entry("d/b", 3), entry("d/c", 3)];
    const partial = await receive(place, entries, "skip");
    const told: unknown[] = [];
    assert.equal(await partial.commit(() => {}, (...kept) => told.push(kept)), 2);
    assert.deepEqual(told, [[2, "d/a"]]);
    partial.close();
    assert.equal(Deno.readTextFileSync(`${place.path}/d/a`), "mine");
  });
});

Deno.test("a folder that was there keeps its mode, a new one gets its own", async () => {
  await withPlace(async (place) => {
    Deno.mkdirSync(`${place.path}/top`);
    Deno.chmodSync(`${place.path}/top`, 0o755);
    await deliver(
      place,
      [entry("top/", 0, 0o500), entry("top/a/", 0, 0o500), entry("top/b", 3)],
      "overwrite",
    );
    assert.equal(Deno.statSync(`${place.path}/top`).mode! & 0o777, 0o755);
    assert.equal(Deno.statSync(`${place.path}/top/a`).mode! & 0o777, 0o500);
  });
});

Deno.test("a folder that becomes a symbolic link after its rename is left alone", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, [entry("top/"), entry("top/sub/", 0, 0o500)]);
    const { renameSync } = Deno;
    const swap = (from: string | URL, to: string | URL) => {
      renameSync(from, to);
      renameSync(to, `${place.outside}/top`);
      Deno.symlinkSync(`${place.outside}/top`, to);
    };
    await withPatched(Deno, "renameSync", swap, () => partial.commit(nothing));
    partial.close();
    assert.equal(Deno.statSync(`${place.outside}/top/sub`).mode! & 0o777, 0o700 & ~place.umask);
  });
});

Deno.test("a folder's mode that cannot be set is an error, except where a crash has left it closed", async () => {
  const { openSync } = fs;
  const failing = (code: string, at: string) => (path: fs.PathLike, flags: fs.OpenMode) => {
    if (path === at) throw Object.assign(new Error("it failed"), { code });
    return openSync(path, flags);
  };
  const entries = [entry("top/", 0, 0o500)];
  for (
    const [number, first, again] of [["EIO", "disk", "disk"], ["EACCES", "permission", undefined]] as const
  ) {
    await withPlace(async (place) => {
      const partial = await receive(place, entries);
      const open = failing(number, `${place.path}/top`) as typeof fs.openSync;
      const commit = () => withPatched(fs, "openSync", open, () => partial.commit(nothing));
      await assert.rejects(commit, { code: first });
      if (again === undefined) await commit();
      else await assert.rejects(commit, { code: again });
      partial.close();
    });
  }
});

Deno.test("many modes are changed without holding up everything else", async () => {
  const entries = Array.from({ length: 100 }, (_, i) => [entry(`f${i}`, 0, 0o400), entry(`d${i}/`, 0, 0o500)])
    .flat();
  await withPlace(async (place) => {
    const partial = await receive(place, entries);
    let turns = 0;
    let turnsBefore = 0;
    const timer = setInterval(() => turns++, 0);
    // The disk is fast, so that nothing else pauses.
    await withPatched(performance, "now", () => 0, () => partial.commit(() => turnsBefore = turns));
    clearInterval(timer);
    partial.close();
    assert.ok(turnsBefore > 1, `${turnsBefore} turns before`);
    assert.ok(turns - turnsBefore > 1, `${turns - turnsBefore} turns after`);
  });
});

Deno.test("a user whom modes do stop receives files and folders that nobody may write to", async () => {
  await runAlone("closed files and folders");
});
