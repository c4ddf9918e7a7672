import assert from "node:assert/strict";
import fs from "node:fs";
import { makeDurable } from "../../../lib/files/durable.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { withPatched } from "./tree.ts";

/** Makes files durable while time stands still or runs away, and counts the calls of either kind. */
async function count(
  paths: readonly string[],
  msEachLook: number,
): Promise<{ atOnce: number; handedOver: number }> {
  const { fsyncSync, fsync } = fs;
  const counts = { atOnce: 0, handedOver: 0 };
  let nowMs = 0;
  const countedSync = (file: number) => {
    counts.atOnce++;
    fsyncSync(file);
  };
  const countedAsync = (file: number, callback: fs.NoParamCallback) => {
    counts.handedOver++;
    fsync(file, callback);
  };
  await withPatched(
    performance,
    "now",
    () => nowMs += msEachLook,
    () =>
      withPatched(
        fs,
        "fsyncSync",
        countedSync,
        () => withPatched(fs, "fsync", countedAsync as typeof fs.fsync, () => makeDurable(paths)),
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
    assert.deepEqual(await count(paths, 0), { atOnce: 99, handedOver: 1 });
    assert.deepEqual(await count(paths, 0.2), { atOnce: 3, handedOver: 97 });
    assert.deepEqual(await count(paths, 100), { atOnce: 0, handedOver: 100 });
    assert.deepEqual(await count([], 100), { atOnce: 0, handedOver: 0 });
  });
});

Deno.test("a disk that is slow keeps nobody waiting", async () => {
  await withTempFolder(async (folder) => {
    const paths = makeFiles(folder, 5);
    const never = () => assert.fail("everything would wait for the disk");
    const slow = (_file: number, callback: fs.NoParamCallback) => void setTimeout(() => callback(null), 20);
    for (let call = 0; call < 2; call++) {
      await withPatched(
        fs,
        "fsyncSync",
        never,
        () => withPatched(fs, "fsync", slow as unknown as typeof fs.fsync, () => makeDurable(paths)),
      );
    }
  });
});

Deno.test("a sync that failed is not tried again: what it should have written counts as written", async () => {
  await withTempFolder(async (folder) => {
    const paths = makeFiles(folder, 2);
    for (const failing of [1, 2]) {
      let calls = 0;
      const failure = () => Object.assign(new Error("broken"), { code: "EIO" });
      const atOnce = () => {
        if (++calls === failing) throw failure();
      };
      const later = (_file: number, callback: fs.NoParamCallback) =>
        void setTimeout(() => callback(++calls === failing ? failure() : null), 0);
      const work = () =>
        withPatched(
          fs,
          "fsyncSync",
          atOnce,
          () =>
            withPatched(fs, "fsync", later as unknown as typeof fs.fsync, () =>
              withPatched(performance, "now", () =>
                0, () =>
                makeDurable(paths))),
        );
      await assert.rejects(work, { code: "disk" });
      assert.equal(calls, failing);
    }
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
      () =>
        withPatched(
          performance,
          "now",
          () => 0,
          () => withPatched(fs, "fsyncSync", broken, () => makeDurable(paths)),
        ),
      { code: "disk", message: /the disk reports an error/ },
    );
    let nowMs = 0;
    const brokenLater = (_file: number, callback: fs.NoParamCallback) => callback(new Error("broken"));
    await assert.rejects(
      () =>
        withPatched(
          performance,
          "now",
          () => nowMs += 100,
          () => withPatched(fs, "fsync", brokenLater as typeof fs.fsync, () => makeDurable(paths)),
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
