import assert from "node:assert/strict";
import fs from "node:fs";
import { DiskWatch } from "./disk_watch.ts";
import {
  namesIn,
  nothing,
  open,
  PRIVATE,
  receive,
  reopen,
  resume,
  withPlace,
  writeAll,
} from "./receiving.ts";
import { entry, streamOf, TREE, withPatched } from "./tree.ts";

const STREAM = streamOf(TREE);

/** Runs `body` with the disk as slow as can be, so that everything is made durable by other threads. */
function onSlowDisk(body: () => Promise<void>): Promise<void> {
  let nowMs = 0;
  return withPatched(performance, "now", () => nowMs += 1000, body);
}

for (
  const [how, run] of [["a fast", (body: () => Promise<void>) => body()], ["a slow", onSlowDisk]] as const
) {
  Deno.test(`on ${how} disk, what sync has promised survives a crash`, async () => {
    await withPlace(async (place) => {
      const watch = new DiskWatch();
      await run(() =>
        watch.during(async () => {
          const partial = await open(place, TREE);
          await partial.resumeAt(0);
          for (let at = 0; at < STREAM.length; at += 500) {
            await partial.write(STREAM.subarray(at, at + 500));
            assert.notEqual(watch.dirty.size, 0);
            await partial.sync();
            assert.deepEqual([...watch.dirty], [], `at ${at}`);
          }
          await partial.sync();
          partial.close();
        })
      );
    });
  });

  Deno.test(`on ${how} disk, nothing gets its final name before all is durable`, async () => {
    await withPlace(async (place) => {
      const watch = new DiskWatch();
      await run(() =>
        watch.during(async () => {
          const partial = await receive(place, TREE);
          let wasCalled = false;
          await partial.commit(() => {
            wasCalled = true;
            assert.deepEqual([...watch.dirty], []);
            assert.deepEqual(namesIn(place.path), [".stx-partial"]);
          });
          assert.ok(wasCalled);
          assert.deepEqual([...watch.dirty], []);
          partial.close();
        })
      );
    });
  });
}

Deno.test("the folders that names were moved into are durable when commit returns", async () => {
  await withPlace(async (place) => {
    Deno.mkdirSync(`${place.path}/tree/closed`, { recursive: true });
    const watch = new DiskWatch();
    await watch.during(async () => {
      const partial = await receive(place, TREE, "overwrite");
      await partial.commit(nothing);
      assert.deepEqual([...watch.dirty], []);
      partial.close();
    });
  });
});

Deno.test("the folders that names were moved into before a crash are durable when it is finished", async () => {
  const entries = [entry("top/"), entry("top/a", 3), entry("top/b", 4), entry("top/c/"), entry("top/c/d", 5)];
  for (const renameCount of [1, 2, 3]) {
    await withPlace(async (place) => {
      Deno.mkdirSync(`${place.path}/top`);
      const first = await receive(place, entries, "overwrite");
      const { renameSync } = Deno;
      let count = 0;
      const cut = (from: string | URL, to: string | URL) => {
        renameSync(from, to);
        if (++count === renameCount) throw new Error("cut");
      };
      await withPatched(Deno, "renameSync", cut, () => assert.rejects(first.commit(nothing), /cut/));
      first.close();
      const watch = new DiskWatch();
      watch.dirty.add(`${place.path}/top`);
      await watch.during(async () => {
        const second = reopen(place, entries, "overwrite");
        await second.commit(nothing);
        second.close();
      });
      assert.deepEqual([...watch.dirty], []);
      assert.deepEqual(namesIn(`${place.path}/top`), ["a", "b", "c"]);
    });
  }
});

Deno.test("a merge into a folder that cannot be made durable moves nothing at all", async () => {
  await withPlace(async (place) => {
    const path = `${place.path}/top`;
    Deno.mkdirSync(path);
    Deno.chmodSync(path, 0o300);
    const partial = await receive(place, [entry("top/"), entry("top/a", 3)], "overwrite");
    const { openSync } = fs;
    const refuse = (each: fs.PathLike, flags: fs.OpenMode) => {
      if (each === path) throw Object.assign(new Error("the system says no"), { code: "EACCES" });
      return openSync(each, flags);
    };
    await withPatched(fs, "openSync", refuse as typeof fs.openSync, async () => {
      await assert.rejects(partial.commit(() => assert.fail("it was decided")), { code: "permission" });
    });
    partial.close();
    Deno.chmodSync(path, 0o700);
    assert.deepEqual(namesIn(path), []);
  });
});

Deno.test("what is written while sync is at work is left for the next one", async () => {
  await withPlace(async (place) => {
    const watch = new DiskWatch();
    await onSlowDisk(() =>
      watch.during(async () => {
        const partial = await open(place, TREE);
        await partial.resumeAt(0);
        let at = 0;
        const write = () => partial.write(STREAM.subarray(at, at += 900));
        await write();
        const first = partial.sync();
        await write();
        const second = partial.sync();
        await second;
        // The second stands for the first as well, which it has waited for.
        assert.deepEqual([...watch.dirty], []);
        await first;
        const third = partial.sync();
        while (at < STREAM.length) await write();
        await third;
        assert.notEqual(watch.dirty.size, 0);
        const fourth = partial.sync();
        await partial.commit(() => assert.deepEqual([...watch.dirty], []));
        await fourth;
        partial.close();
      })
    );
  });
});

Deno.test("what an earlier process left is made durable before it is promised", async () => {
  for (const offset of [5, 100, 8197, STREAM.length]) {
    await withPlace(async (place) => {
      const first = await open(place, TREE);
      await first.resumeAt(0);
      await writeAll(first, STREAM.subarray(0, offset));
      first.close();
      const watch = new DiskWatch();
      watch.distrust(`${place.path}/${PRIVATE}/data`);
      await watch.during(async () => {
        const second = reopen(place, TREE);
        await resume(second, TREE, offset);
        await second.sync();
        assert.deepEqual([...watch.dirty], []);
        second.close();
      });
    });
  }
});

Deno.test("a new name in a folder that was made durable before is made durable too", async () => {
  const entries = [entry("d/"), entry("d/a", 10), entry("d/b", 10)];
  await withPlace(async (place) => {
    const watch = new DiskWatch();
    await watch.during(async () => {
      const partial = await open(place, entries);
      await partial.resumeAt(0);
      const stream = streamOf(entries);
      await partial.write(stream.subarray(0, 10));
      await partial.sync();
      await partial.write(stream.subarray(10, 11));
      await partial.sync();
      assert.deepEqual([...watch.dirty], []);
      partial.close();
    });
  });
});
