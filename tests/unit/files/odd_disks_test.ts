import assert from "node:assert/strict";
import { hasTimeOf } from "../../../lib/files/times.ts";
import { deliver, namesIn, nothing, open, PRIVATE, receive, withPlace } from "./receiving.ts";
import { entry, streamOf, TIME_MS, withPatched } from "./tree.ts";

/** As a file system keeps times that knows whole seconds alone. */
function roundTimes(path: string): void {
  const { mtime, isDirectory } = Deno.lstatSync(path);
  const time = Math.floor(mtime!.getTime() / 1000);
  Deno.utimeSync(path, time, time);
  if (isDirectory) { for (const { name } of Deno.readDirSync(path)) roundTimes(`${path}/${name}`); }
}

const ODD_TIME_MS = Math.floor(TIME_MS / 1000) * 1000 + 987;
const FOLDER = [
  { ...entry("top/", 0, 0o555), mtimeMs: ODD_TIME_MS },
  { ...entry("top/a", 3), mtimeMs: ODD_TIME_MS },
];

Deno.test("a time counts as kept in as much of it as a file system has room for", () => {
  const at = (ms: number) => ({ mtime: new Date(ms) }) as Deno.FileInfo;
  const of = (mtimeMs: number) => ({ ...entry("a"), mtimeMs });
  for (const [kept, given] of [[5_000, 5_999], [4_000, 5_999], [5_120, 5_129], [5_123, 5_123]] as const) {
    assert.ok(hasTimeOf(at(kept), of(given)), `${kept} for ${given}`);
  }
  for (const [kept, given] of [[5_000, 4_999], [5_000, 7_000], [5_100, 5_200], [5_123, 5_124]] as const) {
    assert.ok(!hasTimeOf(at(kept), of(given)), `${kept} for ${given}`);
  }
});

Deno.test("where times are kept in whole seconds, what has arrived is known again", async () => {
  await withPlace(async (place) => {
    await deliver(place, FOLDER, "refuse");
    Deno.chmodSync(`${place.path}/top`, 0o755);
    roundTimes(`${place.path}/top`);
    assert.equal(
      await place.folder.isInPlace(FOLDER, { topNames: { top: "top" }, conflict: "refuse" }),
      true,
    );
  });
});

Deno.test("where times are kept in whole seconds, folders get their modes", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, FOLDER);
    const { renameSync } = Deno;
    const rename: typeof renameSync = (from, to) => {
      renameSync(from, to);
      roundTimes(`${place.path}/top`);
    };
    await withPatched(Deno, "renameSync", rename, () => partial.commit(nothing));
    partial.close();
    assert.equal(Deno.lstatSync(`${place.path}/top`).mode! & 0o777, 0o555);
  });
});

Deno.test("what was taken away or changed while the rest came is not told to have arrived", async () => {
  const entries = [entry("top/"), entry("top/a", 3), entry("top/b", 3)];
  const changes: readonly ((path: string) => void)[] = [
    (path) => Deno.removeSync(path),
    (path) => Deno.truncateSync(path, 2),
    (path) => Deno.writeTextFileSync(path, "more", { append: true }),
    (path) => {
      Deno.removeSync(path);
      Deno.symlinkSync("b", path);
    },
  ];
  for (const change of changes) {
    await withPlace(async (place) => {
      const partial = await open(place, entries);
      await partial.resumeAt(0);
      const bytes = streamOf(entries);
      await partial.write(bytes.subarray(0, 4));
      change(`${place.path}/${PRIVATE}/data/top/a`);
      await partial.write(bytes.subarray(4));
      await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
        code: "state_corrupt",
        message: /"[^"]*\/top\/a": it is missing or not whole/,
      });
      partial.close();
      assert.deepEqual(namesIn(place.path), [".stx-partial"]);
    });
  }
});

Deno.test("nothing is merged into a folder on another file system, and nothing beside it either", async () => {
  await withPlace(async (place) => {
    Deno.mkdirSync(`${place.path}/top/mounted`, { recursive: true });
    const entries = [entry("top/"), entry("top/a", 3), entry("top/mounted/"), entry("top/mounted/b", 3)];
    const partial = await receive(place, entries, "overwrite");
    const { lstatSync } = Deno;
    const look: typeof lstatSync = (path) => {
      const info = lstatSync(path);
      return `${path}` === `${place.path}/top/mounted` ? { ...info, dev: info.dev + 1 } : info;
    };
    await withPatched(
      Deno,
      "lstatSync",
      look,
      () =>
        assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
          code: "disk",
          message: /mounted": it is on another file system/,
        }),
    );
    assert.deepEqual(namesIn(`${place.path}/top`), ["mounted"]);
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(namesIn(`${place.path}/top`), ["a", "mounted"]);
  });
});
