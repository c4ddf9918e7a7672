/** The simulated disk: what is seen at once, and what a crash leaves of it. */
import assert from "node:assert/strict";
import { Dice } from "./dice.ts";
import { Disk, type JournalKind } from "./disk.ts";

const SEEDS = 200;
const DATA = new Uint8Array(3_000).map((_, i) => i);

function disk(journal: JournalKind = "folders"): Disk {
  return new Disk(() => 0, journal);
}

function sync(on: Disk, path: string): void {
  on.endSync(on.beginSync(on.find(path)));
}

function paths(on: Disk, isDurable = false): string {
  return on.list("/", isDurable).map(({ path }) => path).sort().join(" ");
}

/** What a crash can leave, over many seeds. */
function outcomes(
  journal: JournalKind,
  prepare: (on: Disk) => void,
  look: (on: Disk) => string,
): Set<string> {
  const found = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const on = disk(journal);
    prepare(on);
    on.crash(new Dice(seed));
    found.add(look(on));
  }
  return found;
}

Deno.test("a file is durable with its content and its name synced, and only then", () => {
  const make = (syncs: readonly string[]) => (on: Disk) => {
    on.write(on.create("/a", "file", 0o644), DATA);
    syncs.forEach((path) => sync(on, path));
  };
  const look = (on: Disk) => on.list("/").map(({ path, data }) => `${path} ${data.length}`).join();
  assert.deepEqual([...outcomes("folders", make(["/a", "/"]), look)], ["a 3000"]);
  const unnamed = outcomes("folders", make(["/a"]), look);
  assert.deepEqual([...unnamed].sort(), ["", "a 3000"]);
  const unwritten = outcomes("folders", make(["/"]), look);
  assert.ok(unwritten.has("a 0") && unwritten.has("a 3000") && unwritten.size > 10);
  assert.ok(!unwritten.has(""));
});

Deno.test("what was durable is never lost, whatever is written over and behind it", () => {
  const found = outcomes("folders", (on) => {
    const file = on.create("/a", "file", 0o644);
    on.write(file, DATA.slice(0, 1_000));
    sync(on, "/a");
    sync(on, "/");
    on.write(file, DATA);
  }, (on) => String(on.find("/a").now.data.subarray(0, 1_000).every((byte, i) => byte === DATA[i])));
  assert.deepEqual([...found], ["true"]);
});

Deno.test("a rename happens whole or not at all, and rests on what came before it", () => {
  const rename = (on: Disk) => {
    on.create("/from", "directory", 0o755);
    on.create("/to", "directory", 0o755);
    on.settle();
    on.create("/from/a", "file", 0o644);
    on.rename("/from/a", "/to/a");
  };
  assert.deepEqual([...outcomes("folders", rename, paths)].sort(), [
    "from from/a to",
    "from to",
    "from to to/a",
  ]);
  const synced = (on: Disk) => {
    rename(on);
    sync(on, "/to");
  };
  assert.deepEqual([...outcomes("folders", synced, paths)], ["from to to/a"]);
});

Deno.test("one journal keeps the order of all changes; folders by themselves do not", () => {
  const make = (on: Disk) => {
    on.create("/a", "directory", 0o755);
    on.create("/b", "directory", 0o755);
    on.settle();
    on.create("/a/first", "file", 0o644);
    on.create("/b/second", "file", 0o644);
  };
  assert.ok(!outcomes("whole", make, paths).has("a b b/second"));
  assert.ok(outcomes("folders", make, paths).has("a b b/second"));
  const nested = (on: Disk) => {
    on.create("/a", "directory", 0o755);
    on.create("/a/b", "file", 0o644);
    sync(on, "/a");
  };
  assert.deepEqual([...outcomes("folders", nested, paths)], ["a a/b"]);
  assert.ok(outcomes("alone", nested, paths).has(""));
});

Deno.test("a removal that is durable takes what was removed before it along", () => {
  const found = outcomes("alone", (on) => {
    on.create("/a", "directory", 0o755);
    on.create("/a/b", "file", 0o644);
    on.settle();
    on.remove("/a/b");
    on.remove("/a");
  }, paths);
  assert.deepEqual([...found].sort(), ["", "a", "a a/b"]);
});

Deno.test("a sync makes durable what was there when it began", () => {
  const on = disk();
  const file = on.create("/a", "file", 0o644);
  sync(on, "/");
  on.write(file, DATA.slice(0, 10));
  const job = on.beginSync(file);
  on.write(file, DATA);
  on.endSync(job);
  assert.equal(on.list("/", true)[0]!.data.length, 10);
  assert.ok(file.isDirty);
});

Deno.test("the disk refuses what a disk refuses", () => {
  const on = disk();
  on.create("/folder", "directory", 0o755);
  const file = on.create("/folder/file", "file", 0o644);
  on.create("/closed", "directory", 0o555);
  const code = (action: () => unknown, expected: string) => assert.throws(action, { code: expected });
  code(() => on.find("/nothing"), "ENOENT");
  code(() => on.find("/folder/file/below"), "ENOTDIR");
  code(() => on.create("/folder", "directory", 0o755), "EEXIST");
  code(() => on.create("/closed/a", "file", 0o644), "EACCES");
  code(() => on.rename("/folder/file", "/closed/file"), "EACCES");
  code(() => on.remove("/folder"), "ENOTEMPTY");
  code(() => on.rename("/folder/file", "/closed"), "EISDIR");
  code(() => on.rename("/closed", "/folder/closed"), "EACCES");
  on.create("/open", "directory", 0o755);
  code(() => on.rename("/open", "/folder/file"), "ENOTDIR");
  on.freeBytes = 100;
  on.write(file, DATA.slice(0, 60));
  code(() => on.write(file, DATA.slice(0, 101)), "ENOSPC");
  on.freeBytes = 0;
  code(() => on.create("/b", "file", 0o644), "ENOSPC");
  on.remove("/folder/file");
  assert.equal(on.freeBytes, 60);
});
