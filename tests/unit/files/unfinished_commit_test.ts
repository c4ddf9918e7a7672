/** What putting in place owes to attempts that broke off, and what it looks at so that fewer do. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { codeOf } from "../../../lib/errors.ts";
import type { Placement } from "../../../lib/ports.ts";
import { takeBits } from "../../../lib/files/modes.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { ID, namesIn, nothing, receive, withPlace } from "./receiving.ts";
import { entry, withPatched } from "./tree.ts";

const OTHER_ID = new Uint8Array(32).fill(0xcd);

function systemError(code: string): Error {
  return Object.assign(new Error("the system says no"), { code });
}

Deno.test("a merge into a folder that may not be written to moves nothing at all", async () => {
  await withPlace(async (place) => {
    const entries = [entry("first", 3), entry("top/"), entry("top/new", 4)];
    Deno.mkdirSync(`${place.path}/top`);
    Deno.chmodSync(`${place.path}/top`, 0o500);
    const partial = await receive(place, entries, "overwrite");
    const { makeTempDirSync } = Deno;
    const refuse = (options?: Deno.MakeTempOptions) => {
      if (options?.dir === `${place.path}/top`) throw systemError("EACCES");
      return makeTempDirSync(options);
    };
    await withPatched(Deno, "makeTempDirSync", refuse, async () => {
      await assert.rejects(partial.commit(() => assert.fail("it was decided")), { code: "permission" });
    });
    assert.deepEqual(namesIn(place.path), [".stx-partial", "top"]);
    // The superuser may write where the mode says that nobody may, and leaves nothing of the trial.
    Deno.chmodSync(`${place.path}/top`, 0o500);
    if (Deno.uid() === 0) {
      await partial.commit(nothing);
      assert.deepEqual(namesIn(`${place.path}/top`), ["new"]);
    }
    partial.close();
    Deno.chmodSync(`${place.path}/top`, 0o700);
  });
});

Deno.test("names stay with a transfer whose renames broke off, and with no other", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, [entry("a", 3)], "rename");
    await withPatched(Deno, "renameSync", () => {
      throw systemError("ENOSPC");
    }, async () => {
      await assert.rejects(partial.commit(nothing), { code: "disk_full" });
    });
    partial.close();
    const topNames = async (id: typeof ID) => {
      const placement = await place.folder.place([entry("a", 9)], "rename", id);
      place.folder.release(placement);
      return placement.topNames;
    };
    assert.deepEqual(await topNames(OTHER_ID), { a: "a-1" });
    // Nor where the next attempt finds that somebody has made a file there, and cannot note another name.
    Deno.writeTextFileSync(`${place.path}/a`, "mine");
    const second = place.folder.open(ID, [entry("a", 3)], { topNames: { a: "a" }, conflict: "rename" });
    let meanwhile: ReturnType<typeof topNames> | undefined;
    await assert.rejects(second.commit(() => {
      meanwhile = topNames(OTHER_ID);
      throw systemError("ENOSPC");
    }));
    assert.deepEqual(await meanwhile, { a: "a-2" });
    assert.deepEqual(namesIn(place.path), [".stx-partial", "a"]);
    second.close();
    Deno.removeSync(`${place.path}/a`);
    assert.deepEqual(await topNames(OTHER_ID), { a: "a-2" });
    const again = place.folder.open(ID, [entry("a", 3)], { topNames: { a: "a" }, conflict: "rename" });
    await again.commit(nothing);
    again.close();
    assert.deepEqual(namesIn(place.path), ["a"]);
    Deno.removeSync(`${place.path}/a`);
    assert.deepEqual(await topNames(ID), { a: "a" });
  });
});

Deno.test("another name that is chosen at the last moment is not one that another transfer has", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, [entry("a", 3)], "rename");
    const others = await place.folder.place([entry("a-1", 9)], "rename", OTHER_ID);
    assert.deepEqual(others.topNames, { "a-1": "a-1" });
    Deno.writeTextFileSync(`${place.path}/a`, "mine");
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(namesIn(place.path), ["a", "a-2"]);
  });
});

Deno.test("where no name is taken the placement stays the one that it was", async () => {
  await withPlace(async (place) => {
    (await receive(place, [entry("a", 3)], "rename")).close();
    const placement: Placement = { topNames: { a: "a" }, conflict: "rename" };
    const partial = place.folder.open(ID, [entry("a", 3)], placement);
    let told: unknown;
    await partial.commit((now?: Placement) => told = now);
    partial.close();
    assert.equal(told, placement);
  });
});

Deno.test("names are free again where putting in place broke off before it was decided", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, [entry("a", 3)], "rename");
    await assert.rejects(partial.commit(() => {
      throw systemError("ENOSPC");
    }));
    partial.close();
    assert.deepEqual((await place.folder.place([entry("a", 9)], "rename", OTHER_ID)).topNames, { a: "a" });
  });
});

Deno.test("a mode that was set before a crash is made durable by whoever finishes", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/file`;
    Deno.writeTextFileSync(path, "");
    let syncCount = 0;
    const { fsync } = fs;
    const counted = (handle: number, callback: fs.NoParamCallback) => {
      syncCount += 1;
      fsync(handle, callback);
    };
    await withPatched(fs, "fsync", counted as typeof fs.fsync, async () => {
      Deno.chmodSync(path, 0o400);
      await takeBits(path, entry("file", 0, 0o400));
      assert.equal(syncCount, 1);
      Deno.chmodSync(path, 0o200);
      await takeBits(path, entry("file", 0, 0o200));
      assert.equal(syncCount, 1, "what its owner may not read cannot be opened");
    });
  });
});

Deno.test("a trial folder that cannot be removed is an error of the disk", async () => {
  await withPlace(async (place) => {
    const entries = [entry("a", 3)];
    const placement = await place.folder.place(entries, "refuse");
    // Somebody else's transfer is under way, so the folder for such is there already.
    Deno.mkdirSync(`${place.path}/.stx-partial`, { mode: 0o700 });
    const { removeSync } = Deno;
    let caught: unknown;
    await withPatched(Deno, "removeSync", () => {
      throw systemError("EIO");
    }, () => {
      try {
        place.folder.open(ID, entries, placement);
      } catch (error) {
        caught = error;
      }
    });
    assert.equal(codeOf(caught), "disk");
    for (const name of namesIn(place.path)) removeSync(`${place.path}/${name}`, { recursive: true });
  });
});
