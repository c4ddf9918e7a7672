import assert from "node:assert/strict";
import type { Clock } from "../../../lib/ports.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { content } from "./tree.ts";

const CLOCK: Clock = { nowMs: () => 1_234_567_890_123, after: () => () => {} };

function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

Deno.test("the entry has the given name, the clock's time and no size", () => {
  const source = stdinSource(streamOf(), "notes.txt", CLOCK);
  assert.deepEqual(source.entries, [
    { path: "notes.txt", kind: "file", sizeBytes: 0, mtimeMs: 1_234_567_890_123, mode: 0o644 },
  ]);
  assert.equal(source.sizeBytes, undefined);
  source.close();
});

Deno.test("read fills the buffer however the stream is cut, except at the end", async () => {
  const all = content(1000);
  for (const cut of [1, 3, 64, 100, 999, 1000]) {
    const chunks: Uint8Array[] = [new Uint8Array(0)];
    for (let at = 0; at < all.length; at += cut) chunks.push(all.slice(at, at + cut), new Uint8Array(0));
    const source = stdinSource(streamOf(...chunks), "x", CLOCK);
    source.seek(0);
    const got: number[] = [];
    const buffer = new Uint8Array(96);
    for (const expectedSize of [96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 40, 0, 0]) {
      const size = await source.read(buffer);
      assert.equal(size, expectedSize);
      got.push(...buffer.subarray(0, size));
    }
    assert.deepEqual(new Uint8Array(got), all);
    source.checkUnchanged();
    source.close();
  }
});

Deno.test("standard input cannot be read again", async () => {
  const source = stdinSource(streamOf(content(10)), "x", CLOCK);
  assert.throws(() => source.seek(1), { code: "source_changed" });
  source.seek(0);
  await source.read(new Uint8Array(1));
  assert.throws(() => source.seek(0), { code: "source_changed" });
  source.close();
});

Deno.test("a stream that fails is an error of the disk", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broken")),
  });
  const source = stdinSource(broken, "x", CLOCK);
  await assert.rejects(async () => await source.read(new Uint8Array(4)), { code: "disk" });
  source.close();
  await assert.rejects(async () => await source.read(new Uint8Array(4)), { code: "disk" });
});

Deno.test("close gives the stream up, and what was read ahead with it", async () => {
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(content(100)),
    cancel: () => {
      isCancelled = true;
    },
  });
  const source = stdinSource(endless, "x", CLOCK);
  assert.equal(await source.read(new Uint8Array(10)), 10);
  source.close();
  assert.equal(isCancelled, true);
  assert.equal(await source.read(new Uint8Array(10)), 0);
  source.close();
});
