import assert from "node:assert/strict";
import { makeDurable } from "../../../lib/files/durable.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { withPatched } from "./tree.ts";

const FsFile = Deno.FsFile.prototype;

/** Makes files durable while time stands still or runs away, and counts the calls of either kind. */
async function count(
  paths: readonly string[],
  msEachLook: number,
): Promise<{ atOnce: number; handedOver: number }> {
  const { syncSync, sync } = FsFile;
  const counts = { atOnce: 0, handedOver: 0 };
  let nowMs = 0;
  const countedSync = function (this: Deno.FsFile) {
    counts.atOnce++;
    syncSync.call(this);
  };
  const countedAsync = async function (this: Deno.FsFile) {
    counts.handedOver++;
    await sync.call(this);
  };
  await withPatched(
    performance,
    "now",
    () => nowMs += msEachLook,
    () =>
      withPatched(
        FsFile,
        "syncSync",
        countedSync,
        () => withPatched(FsFile, "sync", countedAsync, () => makeDurable(paths)),
      ),
  );
  return counts;
}

function makeFiles(folder: string, fileCount: number): readonly string[] {
  return Array.from({ length: fileCount }, (_, i) => {
    Deno.writeTextFileSync(`${folder}/${i}`, "x");
    return `${folder}/${i}`;
  });
}

Deno.test("every file and folder is made durable once, by the way that is cheaper", async () => {
  await withTempFolder(async (folder) => {
    const paths = [folder, ...makeFiles(folder, 99)];
    assert.deepEqual(await count(paths, 0), { atOnce: 100, handedOver: 0 });
    assert.deepEqual(await count(paths, 0.2), { atOnce: 2, handedOver: 98 });
    assert.deepEqual(await count(paths, 100), { atOnce: 0, handedOver: 100 });
    assert.deepEqual(await count([], 100), { atOnce: 0, handedOver: 0 });
  });
});

Deno.test("others have their turn while many cheap ones are made durable", async () => {
  await withTempFolder(async (folder) => {
    const paths = Array(3000).fill(makeFiles(folder, 1)[0]!);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await count(paths, 0);
    clearInterval(timer);
    assert.ok(turns > 0);
  });
});

Deno.test("a file that cannot be made durable is an error, and no file stays open", async () => {
  await withTempFolder(async (folder) => {
    const paths = makeFiles(folder, 100);
    const broken = () => {
      throw Object.assign(new Error("broken"), { code: "EIO" });
    };
    await assert.rejects(
      () => withPatched(FsFile, "syncSync", broken, () => makeDurable(paths)),
      { code: "disk", message: /the disk reports an error/ },
    );
    let nowMs = 0;
    await assert.rejects(
      () =>
        withPatched(
          performance,
          "now",
          () => nowMs += 100,
          () =>
            withPatched(FsFile, "sync", () => Promise.reject(new Error("broken")), () => makeDurable(paths)),
        ),
      { code: "disk" },
    );
    for (const step of [0, 100]) {
      Deno.removeSync(paths[3]!, { recursive: true });
      await assert.rejects(() => count(paths, step), { code: "disk", message: /no such file/ });
      Deno.writeTextFileSync(paths[3]!, "x");
    }
  });
});
