import assert from "node:assert/strict";
import fs from "node:fs";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import type { Entry } from "../../../lib/ports.ts";
import {
  namesIn,
  nothing,
  open,
  type Place,
  PRIVATE,
  receive,
  reopen,
  resume,
  sha256,
  withPlace,
  writeAll,
} from "./receiving.ts";
import { runAlone } from "./run_alone.ts";
import { contentOf, entry, expected, snapshot, streamOf, TIME_MS, TREE, withPatched } from "./tree.ts";

const STREAM = streamOf(TREE);
const FsFile = Deno.FsFile.prototype;

/** Places at which a file or a block begins or ends, and some between. */
const OFFSETS: readonly number[] = [
  ...new Set(TREE.flatMap((_, i) => {
    const start = streamOf(TREE.slice(0, i)).length;
    return [start, start + 1, start + 2, start - 1];
  })),
  3000,
  STREAM.length - 1,
  STREAM.length,
].filter((offset) => offset >= 0 && offset <= STREAM.length);

Deno.test("a tree arrives as it was sent, however its stream is cut", async () => {
  for (const chunkSize of [1, 3, 999, 4096, 8192, STREAM.length]) {
    await withPlace(async (place) => {
      const partial = await open(place, TREE);
      await resume(partial, TREE, 0);
      await writeAll(partial, STREAM, chunkSize);
      assert.deepEqual(namesIn(place.path), [".stx-partial"]);
      await partial.commit(nothing);
      partial.close();
      assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
    });
  }
});

Deno.test("modes obey the receiver's umask, and never hold setuid, setgid or sticky", async () => {
  await runAlone("umask");
});

Deno.test("nobody else may enter while a transfer is under way", async () => {
  await runAlone("private folders");
});

Deno.test("a transfer continues at any place after a crash", async () => {
  for (const offset of OFFSETS) {
    await withPlace(async (place) => {
      const first = await open(place, TREE);
      await first.resumeAt(0);
      await writeAll(first, STREAM.subarray(0, Math.min(offset + 700, STREAM.length)));
      first.close();
      const second = reopen(place, TREE);
      await resume(second, TREE, offset);
      await writeAll(second, STREAM.subarray(offset), 777);
      await second.commit(nothing);
      second.close();
      assert.deepEqual(snapshot(place.path), expected(TREE, place.umask), `at ${offset}`);
    });
  }
});

Deno.test("what lies behind the place of resuming is gone, and nothing else", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    const data = `${place.path}/${PRIVATE}/data`;
    for (const offset of OFFSETS.toSorted((a, b) => b - a)) {
      if (offset === 0) continue;
      await resume(partial, TREE, offset);
      const { kept, sizeOfLast } = keptAt(offset);
      assert.deepEqual(
        Object.keys(snapshot(data)).sort(),
        kept.map((item) => item.path).sort(),
        `at ${offset}`,
      );
      const last = kept.findLast((item) => item.sizeBytes > 0)!;
      assert.equal(Deno.statSync(`${data}/${last.path}`).size, sizeOfLast, `at ${offset}`);
    }
    partial.close();
  });
});

/** The entries that begin before `offset`, empty ones at it too, and how much of the last with content. */
function keptAt(offset: number): { kept: readonly Entry[]; sizeOfLast: number } {
  let left = offset;
  let sizeOfLast = 0;
  for (const [i, { sizeBytes }] of TREE.entries()) {
    if (sizeBytes === 0) continue;
    if (left === 0) return { kept: TREE.slice(0, i), sizeOfLast };
    sizeOfLast = Math.min(left, sizeBytes);
    if (sizeOfLast < sizeBytes) return { kept: TREE.slice(0, i + 1), sizeOfLast };
    left -= sizeOfLast;
  }
  return { kept: TREE, sizeOfLast };
}

Deno.test("resuming at 0 drops everything, whatever is there", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    Deno.mkdirSync(`${place.path}/${PRIVATE}/data/stranger`);
    await resume(partial, TREE, 0);
    assert.deepEqual(namesIn(`${place.path}/${PRIVATE}/data`), []);
    await writeAll(partial, STREAM);
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
  });
});

Deno.test("empty files, folders and times that a crash has lost are made again", async () => {
  await withPlace(async (place) => {
    const first = await receive(place, TREE);
    first.close();
    const data = `${place.path}/${PRIVATE}/data`;
    Deno.removeSync(`${data}/empty-first`);
    Deno.removeSync(`${data}/tree/empty`);
    Deno.utimeSync(`${data}/first`, 0, 0);
    Deno.utimeSync(`${data}/tree/closed/zero`, 0, 0);
    const second = reopen(place, TREE);
    await resume(second, TREE, STREAM.length);
    await second.commit(nothing);
    second.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
  });
});

/** Each spoils what has arrived, given the folder that holds it. */
const DAMAGES: Readonly<Record<string, (data: string, outside: string) => void>> = {
  "a file is missing": (data) => Deno.removeSync(`${data}/first`),
  "a file is too short": (data) => Deno.truncateSync(`${data}/tree/block`, 4095),
  "a file is too long": (data) => Deno.truncateSync(`${data}/tree/block`, 4097),
  "an empty file is not empty": (data) => Deno.truncateSync(`${data}/empty-first`, 1),
  "the last file is too short": (data) => Deno.truncateSync(`${data}/tree/zeroes`, 1),
  "a folder is a file": (data) => {
    Deno.removeSync(`${data}/tree/empty`);
    Deno.writeTextFileSync(`${data}/tree/empty`, "");
  },
  "a file is a folder": (data) => {
    Deno.removeSync(`${data}/first`);
    Deno.mkdirSync(`${data}/first`);
  },
  "a folder is missing": (data) => Deno.removeSync(`${data}/tree/closed`, { recursive: true }),
  "a file is a symbolic link": (data, outside) => {
    Deno.renameSync(`${data}/first`, `${outside}/first`);
    Deno.symlinkSync(`${outside}/first`, `${data}/first`);
  },
  "an empty file is a symbolic link": (data, outside) => {
    Deno.renameSync(`${data}/empty-first`, `${outside}/empty-first`);
    Deno.symlinkSync(`${outside}/empty-first`, `${data}/empty-first`);
  },
  "a folder is a symbolic link": (data, outside) => {
    Deno.renameSync(`${data}/tree`, `${outside}/tree`);
    Deno.symlinkSync(`${outside}/tree`, `${data}/tree`);
  },
  "the last file is a symbolic link": (data, outside) => {
    Deno.renameSync(`${data}/tree/zeroes`, `${outside}/zeroes`);
    Deno.symlinkSync(`${outside}/zeroes`, `${data}/tree/zeroes`);
  },
  "a file has a second name": (data, outside) => Deno.linkSync(`${data}/first`, `${outside}/first`),
  "the last file has a second name": (data, outside) =>
    Deno.linkSync(`${data}/tree/zeroes`, `${outside}/zeroes`),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  Deno.test(`a transfer does not continue where ${what}`, async () => {
    await withPlace(async (place) => {
      const first = await receive(place, TREE);
      first.close();
      damage(`${place.path}/${PRIVATE}/data`, place.outside);
      const canary = snapshot(place.outside);
      const second = reopen(place, TREE);
      await assert.rejects(() => second.resumeAt(STREAM.length - 1), { code: "state_corrupt" });
      await assert.rejects(() => second.write(STREAM.subarray(0, 1)), { code: "state_corrupt" });
      await resume(second, TREE, 0);
      await writeAll(second, STREAM);
      await second.commit(nothing);
      second.close();
      assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
      assert.deepEqual(snapshot(place.outside), canary);
    });
  });
}

Deno.test("a prefix longer than the stream is not there", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    await assert.rejects(() => partial.resumeAt(STREAM.length + 1), { code: "state_corrupt" });
    partial.close();
  });
});

Deno.test("links behind the place of resuming are removed, not followed", async () => {
  await withPlace(async (place) => {
    const first = await open(place, TREE);
    await first.resumeAt(0);
    await writeAll(first, STREAM.subarray(0, 5));
    first.close();
    const data = `${place.path}/${PRIVATE}/data`;
    Deno.writeTextFileSync(`${place.outside}/canary`, "alive");
    Deno.symlinkSync(`${place.outside}/canary`, `${data}/empty-last`);
    Deno.symlinkSync(place.outside, `${data}/tree`);
    Deno.mkdirSync(`${data}/stranger`);
    Deno.symlinkSync(place.outside, `${data}/stranger/link`);
    const canary = snapshot(place.outside);
    const second = reopen(place, TREE);
    await assert.rejects(() => second.resumeAt(5), { code: "state_corrupt" });
    Deno.removeSync(`${data}/tree`);
    await resume(second, TREE, 5);
    assert.deepEqual(namesIn(data), ["empty-first", "first", "tree"]);
    await writeAll(second, STREAM.subarray(5));
    await second.commit(nothing);
    second.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
    assert.deepEqual(snapshot(place.outside), canary);
  });
});

Deno.test("going back drops what lies behind, and what it had to be made durable", async () => {
  const entries = [entry("a", 10), entry("d/"), entry("d/b", 10), entry("c", 10)];
  const stream = streamOf(entries);
  for (const offset of [0, 5, 10]) {
    await withPlace(async (place) => {
      const partial = await open(place, entries);
      await partial.resumeAt(0);
      await writeAll(partial, stream.subarray(0, 25));
      await resume(partial, entries, offset);
      await partial.sync();
      await writeAll(partial, stream.subarray(offset));
      await partial.commit(nothing);
      partial.close();
      assert.deepEqual(snapshot(place.path), expected(entries, place.umask));
    });
  }
});

Deno.test("resuming at 0 repairs what resuming elsewhere could not", async () => {
  const entries = [entry("top/"), entry("top/empty"), entry("top/a", 10)];
  await withPlace(async (place) => {
    const first = await receive(place, entries);
    first.close();
    const data = `${place.path}/${PRIVATE}/data`;
    Deno.removeSync(`${data}/top`, { recursive: true });
    Deno.symlinkSync(place.outside, `${data}/top`);
    const second = reopen(place, entries);
    await assert.rejects(() => second.resumeAt(5), { code: "state_corrupt" });
    await resume(second, entries, 0);
    await writeAll(second, streamOf(entries));
    await second.commit(nothing);
    second.close();
    assert.deepEqual(snapshot(place.path), expected(entries, place.umask));
    assert.deepEqual(namesIn(place.outside), []);
  });
});

/** Puts a folder outside, with all that is in it, and a symbolic link in its place. */
function moveOut(place: Place, path: string): void {
  Deno.renameSync(`${place.path}/${path}`, `${place.outside}/moved`);
  Deno.symlinkSync(`${place.outside}/moved`, `${place.path}/${path}`);
}

/** Lets so much time pass that no look at a folder counts any more. */
function passMilliseconds(): void {
  const startMs = performance.now();
  while (performance.now() - startMs < 3);
}

Deno.test("a folder that becomes a symbolic link between two files in it is not followed", async () => {
  const entries = [entry("d/"), entry("d/e/"), entry("d/e/a", 10), entry("d/e/b", 10)];
  for (
    const path of [".stx-partial", PRIVATE, `${PRIVATE}/data`, `${PRIVATE}/data/d`, `${PRIVATE}/data/d/e`]
  ) {
    await withPlace(async (place) => {
      const partial = await open(place, entries);
      await partial.resumeAt(0);
      await writeAll(partial, streamOf(entries).subarray(0, 10));
      moveOut(place, path);
      const canary = snapshot(place.outside);
      passMilliseconds();
      await assert.rejects(
        () => partial.write(streamOf(entries).subarray(10)),
        { code: "state_corrupt" },
        path,
      );
      partial.close();
      assert.deepEqual(snapshot(place.outside), canary);
    });
  }
});

Deno.test("a folder that becomes a symbolic link while files are written is not followed", async () => {
  const entries = [
    entry("d/"),
    entry("d/a", 10),
    entry("e/"),
    entry("e/b", 10),
    entry("d/c", 10),
    entry("d/f/"),
  ];
  const stream = streamOf(entries);
  for (const [path, last] of [["data/d", entries.length - 1], ["data", 5], ["", 5]] as const) {
    await withPlace(async (place) => {
      const partial = await open(place, entries.slice(0, last));
      await partial.resumeAt(0);
      await writeAll(partial, stream.subarray(0, 20));
      moveOut(place, path === "" ? ".stx-partial" : `${PRIVATE}/${path}`);
      const canary = snapshot(place.outside);
      await assert.rejects(() => partial.write(stream.subarray(20)), { code: "state_corrupt" });
      partial.close();
      assert.deepEqual(snapshot(place.outside), canary);
    });
  }
});

Deno.test("a folder that becomes a symbolic link before a resume is not followed", async () => {
  const entries = [entry("a", 10), entry("b", 10)];
  await withPlace(async (place) => {
    const partial = await receive(place, entries);
    moveOut(place, `${PRIVATE}/data`);
    const canary = snapshot(place.outside);
    for (const offset of [0, 5, 20]) {
      await assert.rejects(() => partial.resumeAt(offset), { code: "state_corrupt" });
    }
    partial.close();
    assert.deepEqual(snapshot(place.outside), canary);
  });
});

Deno.test("a folder that becomes a symbolic link before a commit, or during it, is not followed", async () => {
  const entries = [entry("d/"), entry("d/a", 10), entry("f", 3, 0o400)];
  for (const path of [".stx-partial", PRIVATE, `${PRIVATE}/data`]) {
    await withPlace(async (place) => {
      const partial = await receive(place, entries);
      await partial.sync();
      moveOut(place, path);
      const canary = snapshot(place.outside);
      await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
        code: "state_corrupt",
      });
      partial.close();
      assert.deepEqual(snapshot(place.outside), canary);
    });
    await withPlace(async (place) => {
      const partial = await receive(place, entries);
      let canary = {};
      const begin = () => {
        moveOut(place, path);
        canary = snapshot(place.outside);
      };
      await assert.rejects(() => partial.commit(begin), { code: "state_corrupt" });
      partial.close();
      assert.deepEqual(snapshot(place.outside), canary);
      assert.deepEqual(namesIn(place.path), [".stx-partial"]);
    });
  }
});

Deno.test("a folder below the data that becomes a symbolic link before a commit keeps its time", async () => {
  const entries = [entry("d/"), entry("d/e/"), entry("d/e/a", 10)];
  await withPlace(async (place) => {
    const partial = await receive(place, entries);
    moveOut(place, `${PRIVATE}/data/d/e`);
    const canary = snapshot(place.outside);
    await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
      code: "state_corrupt",
    });
    partial.close();
    assert.deepEqual(snapshot(place.outside), canary);
  });
});

Deno.test("many small files are resumed without holding up everything else", async () => {
  const entries = Array.from({ length: 1500 }, (_, i) => entry(`f${i}`, 1));
  await withPlace(async (place) => {
    const partial = await receive(place, entries);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await resume(partial, entries, 1500);
    clearInterval(timer);
    assert.ok(turns > 0);
    partial.close();
  });
});

Deno.test("more data than the files have room for is refused", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    await assert.rejects(() => partial.write(new Uint8Array(1)), { code: "malformed" });
    // And that is final, since the sender and we disagree.
    await assert.rejects(() => partial.commit(nothing), { code: "malformed" });
    partial.close();
    assert.deepEqual(namesIn(place.path), [".stx-partial"]);
  });
});

Deno.test("less data than the files have is never put in place", async () => {
  for (const size of [0, 1, 5, 4000, STREAM.length - 1]) {
    await withPlace(async (place) => {
      const partial = await open(place, TREE);
      await partial.resumeAt(0);
      await writeAll(partial, STREAM.subarray(0, size));
      await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
        code: "state_corrupt",
      });
      await assert.rejects(() => partial.digests(), { code: "state_corrupt" });
      partial.close();
      // Nor by a process that knows nothing of how far it came.
      const second = reopen(place, TREE);
      await assert.rejects(() => second.commit(() => assert.fail("must not begin")), {
        code: "state_corrupt",
      });
      second.close();
      assert.deepEqual(namesIn(place.path), [".stx-partial"]);
    });
  }
});

Deno.test("a file that is not whole is never put in place, be it the only one", async () => {
  const entries = [entry("a", 10), entry("b", 10)];
  for (const [count, size] of [[1, 5], [2, 5], [2, 10], [2, 15]] as const) {
    await withPlace(async (place) => {
      const some = entries.slice(0, count);
      const partial = await open(place, some);
      await partial.resumeAt(0);
      await writeAll(partial, streamOf(some).subarray(0, size));
      await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), {
        code: "state_corrupt",
      });
      await assert.rejects(() => partial.digests(), { code: "state_corrupt", message: /not arrived/ });
      partial.close();
    });
  }
});

Deno.test("writing needs a look at what is there first", async () => {
  await withPlace(async (place) => {
    const partial = await open(place, TREE);
    await assert.rejects(() => partial.write(STREAM), { code: "state_corrupt" });
    partial.close();
  });
});

Deno.test("a transfer of empty things alone is put in place", async () => {
  const entries = [entry("void/"), entry("void/nothing"), entry("zero")];
  await withPlace(async (place) => {
    const partial = await open(place, entries);
    await partial.resumeAt(0);
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(snapshot(place.path), expected(entries, place.umask));
  });
});

Deno.test("a file of unknown size takes whatever comes", async () => {
  const entries: readonly Entry[] = [entry("stdin", 0, 0o644)];
  for (const size of [0, 1, 100_000]) {
    await withPlace(async (place) => {
      const placement = await place.folder.place(entries, "refuse");
      const partial = place.folder.open(new Uint8Array(32), entries, placement, true);
      await partial.resumeAt(0);
      const stream = new Uint8Array(size).fill(7);
      await writeAll(partial, stream, 999);
      await partial.sync();
      assert.deepEqual(await partial.digests(), [sha256(stream)]);
      await partial.commit(nothing);
      assert.deepEqual(await partial.digests(), [sha256(stream)]);
      partial.close();
      const info = Deno.statSync(`${place.path}/stdin`);
      assert.deepEqual([info.size, info.mtime!.getTime()], [size, TIME_MS]);
      // After a crash before the journal said done, the same call finds nothing left to do.
      const again = place.folder.open(new Uint8Array(32), entries, placement, true);
      await again.commit(nothing);
      again.close();
      assert.deepEqual(namesIn(place.path), ["stdin"]);
    });
  }
});

Deno.test("digests are those of the files, before and after they are in place", async () => {
  await withPlace(async (place) => {
    const files = TREE.flatMap((item) => item.kind === "file" ? [sha256(contentOf(item))] : []);
    const first = await receive(place, TREE);
    await assert.rejects(() => first.commit(() => assert.fail("dies here")), /dies here/);
    first.close();
    const partial = reopen(place, TREE);
    assert.deepEqual(await partial.digests(), files);
    await resume(partial, TREE, STREAM.length);
    assert.deepEqual(await partial.digests(), files);
    await partial.commit(nothing);
    assert.deepEqual(await partial.digests(), files);
    partial.close();
    // What was changed on the disk shows.
    Deno.writeFileSync(`${place.path}/first`, new Uint8Array(5));
    const again = reopen(place, TREE);
    assert.deepEqual(await again.digests(), [sha256(new Uint8Array(5)), ...files.slice(1)]);
    Deno.removeSync(`${place.path}/first`);
    await assert.rejects(() => again.digests(), { code: "state_corrupt", message: /missing/ });
    Deno.renameSync(`${place.path}/tree`, `${place.outside}/tree`);
    Deno.symlinkSync(`${place.outside}/tree`, `${place.path}/tree`);
    Deno.writeFileSync(`${place.path}/first`, new Uint8Array(5));
    await assert.rejects(() => again.digests(), { code: "state_corrupt", message: /not a real folder/ });
    again.close();
  });
});

Deno.test("large files are hashed and resumed without holding up everything else", async () => {
  const size = 40 * 1024 * 1024 + 1;
  const entries = [entry("large", size)];
  const stream = new Uint8Array(size).fill(3);
  await withPlace(async (place) => {
    const partial = await open(place, entries);
    await partial.resumeAt(0);
    await writeAll(partial, stream, 1024 * 1024);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const { sha256: hash, crc32: sum } = await partial.resumeAt(size - 1);
    clearInterval(timer);
    assert.deepEqual([hash, sum], [sha256(stream.subarray(0, -1)), crc32(stream.subarray(0, -1))]);
    assert.ok(turns >= 2, `${turns} turns`);
    partial.close();
  });
});

Deno.test("a write that takes only a part is continued", async () => {
  await withPlace(async (place) => {
    const { writeSync } = FsFile;
    const short = function (this: Deno.FsFile, bytes: Uint8Array) {
      return writeSync.call(this, bytes.subarray(0, Math.ceil(bytes.length / 3)));
    };
    const partial = await withPatched(FsFile, "writeSync", short, () => receive(place, TREE));
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
  });
});

for (const [number, code] of [["ENOSPC", "disk_full"], ["EIO", "disk"]] as const) {
  Deno.test(`${number} at any write ends the transfer, which can be resumed`, async () => {
    const fail = () => {
      throw Object.assign(new Error("it failed"), { code: number });
    };
    for (const size of [1, 5, 2000, 8000, STREAM.length]) {
      await withPlace(async (place) => {
        const first = await open(place, TREE);
        await first.resumeAt(0);
        await writeAll(first, STREAM.subarray(0, size - 1));
        const last = STREAM.subarray(size - 1, size);
        await assert.rejects(() => withPatched(FsFile, "writeSync", fail, () => first.write(last)), { code });
        await assert.rejects(() => first.write(last), { code });
        await assert.rejects(() => first.sync(), { code });
        await assert.rejects(() => first.commit(() => assert.fail("must not begin")), { code });
        await resume(first, TREE, size - 1);
        await writeAll(first, STREAM.subarray(size - 1));
        await first.commit(nothing);
        first.close();
        assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
      });
    }
  });
}

Deno.test("a failure to make data durable is not forgotten", async () => {
  const fail = () => {
    throw Object.assign(new Error("it failed"), { code: "EIO" });
  };
  await withPlace(async (place) => {
    const partial = await receive(place, TREE);
    await assert.rejects(
      () =>
        withPatched(
          fs,
          "fsyncSync",
          fail,
          () => withPatched(fs, "fsync", fail as unknown as typeof fs.fsync, () => partial.sync()),
        ),
      { code: "disk" },
    );
    await assert.rejects(() => partial.sync(), { code: "disk" });
    await assert.rejects(() => partial.write(STREAM), { code: "disk" });
    await assert.rejects(() => partial.commit(() => assert.fail("must not begin")), { code: "disk" });
    await resume(partial, TREE, 100);
    await writeAll(partial, STREAM.subarray(100));
    await partial.sync();
    await partial.commit(nothing);
    partial.close();
    assert.deepEqual(snapshot(place.path), expected(TREE, place.umask));
  });
});
