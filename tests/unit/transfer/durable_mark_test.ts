import assert from "node:assert/strict";
import { DURABLE_EVERY_BYTES, DURABLE_EVERY_MS } from "../../../lib/limits.ts";
import type { PartialTransfer } from "../../../lib/ports.ts";
import { DurableMark } from "../../../lib/transfer/durable_mark.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { turn } from "./world.ts";

const BLOCK = 1024;

/** A disk that becomes durable when the test says so. */
class Disk {
  readonly clock = new VirtualClock();
  /** What happened, in order. */
  readonly log: string[] = [];
  #waiting: PromiseWithResolvers<void>[] = [];
  saveFailure: Error | undefined;
  /** Whether each sync resolves by itself. */
  isFast = false;

  mark(startBytes = 0): DurableMark {
    const partial = {
      sync: () => {
        this.log.push("sync");
        if (this.isFast) return Promise.resolve();
        const work = Promise.withResolvers<void>();
        this.#waiting.push(work);
        return work.promise;
      },
    } as Pick<PartialTransfer, "sync"> as PartialTransfer;
    return new DurableMark({
      partial,
      clock: this.clock,
      blockSizeBytes: BLOCK,
      startBytes,
      save: (bytes) => {
        if (this.saveFailure !== undefined) throw this.saveFailure;
        this.log.push(`save ${bytes}`);
      },
      tell: (bytes) => this.log.push(`tell ${bytes}`),
    });
  }

  async finishSync(): Promise<void> {
    this.#waiting.shift()!.resolve();
    await turn();
  }

  async failSync(error: Error): Promise<void> {
    this.#waiting.shift()!.reject(error);
    await turn();
  }

  get syncCount(): number {
    return this.log.filter((each) => each === "sync").length;
  }
}

Deno.test("a clock that is set back keeps the mark from moving for no longer than usual", async () => {
  const disk = new Disk();
  disk.isFast = true;
  const mark = disk.mark();
  disk.clock.set(-40 * 24 * 3600_000);
  await mark.advance(BLOCK);
  assert.equal(disk.syncCount, 0);
  disk.clock.advance(DURABLE_EVERY_MS);
  await mark.advance(2 * BLOCK);
  await mark.idle();
  assert.deepEqual(disk.log, ["sync", `save ${2 * BLOCK}`, `tell ${2 * BLOCK}`]);
});

Deno.test("the mark moves after so many bytes: disk, then journal, then peer", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES - 1);
  assert.deepEqual(disk.log, []);
  await mark.advance(DURABLE_EVERY_BYTES + 5);
  assert.deepEqual(disk.log, ["sync"]);
  await turn();
  assert.deepEqual(disk.log, ["sync"]);
  await disk.finishSync();
  assert.deepEqual(disk.log, ["sync", `save ${DURABLE_EVERY_BYTES}`, `tell ${DURABLE_EVERY_BYTES}`]);
});

Deno.test("the mark moves after some time, if something came", async () => {
  const disk = new Disk();
  const mark = disk.mark(4 * BLOCK);
  disk.clock.advance(DURABLE_EVERY_MS);
  await mark.advance(4 * BLOCK);
  assert.deepEqual(disk.log, []);
  await mark.advance(5 * BLOCK);
  assert.deepEqual(disk.log, ["sync"]);
  await disk.finishSync();
  assert.deepEqual(disk.log, ["sync", `save ${5 * BLOCK}`, `tell ${5 * BLOCK}`]);
  // The time counts from the last sync.
  disk.clock.advance(DURABLE_EVERY_MS - 1);
  await mark.advance(6 * BLOCK);
  assert.equal(disk.syncCount, 1);
  disk.clock.advance(1);
  await mark.advance(6 * BLOCK);
  assert.equal(disk.syncCount, 2);
  await disk.finishSync();
});

Deno.test("what is written while the disk works is not counted as durable with it", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES);
  await mark.advance(DURABLE_EVERY_BYTES + 10 * BLOCK);
  await mark.advance(3 * DURABLE_EVERY_BYTES);
  assert.equal(disk.syncCount, 1);
  await disk.finishSync();
  assert.deepEqual(disk.log, ["sync", `save ${DURABLE_EVERY_BYTES}`, `tell ${DURABLE_EVERY_BYTES}`]);
});

Deno.test("the mark stands at whole blocks, and does not move without one", async () => {
  const disk = new Disk();
  disk.isFast = true;
  const mark = disk.mark();
  await mark.advance(3 * BLOCK - 1);
  await mark.settle();
  assert.deepEqual(disk.log, ["sync", `save ${2 * BLOCK}`, `tell ${2 * BLOCK}`]);
  await mark.settle();
  assert.deepEqual(disk.log.slice(3), ["sync"]);
  await mark.advance(3 * BLOCK);
  await mark.settle();
  assert.deepEqual(disk.log.slice(4), ["sync", `save ${3 * BLOCK}`, `tell ${3 * BLOCK}`]);
});

Deno.test("only a disk that is a whole step behind is waited for", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES);
  await mark.advance(4 * DURABLE_EVERY_BYTES);
  let isThrough = false;
  const waiting = mark.advance(4 * DURABLE_EVERY_BYTES + 1).then(() => {
    isThrough = true;
  });
  await turn();
  assert.equal(isThrough, false);
  await disk.finishSync();
  await waiting;
});

Deno.test("settling waits for the disk that works, and then for the rest", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES);
  await mark.advance(DURABLE_EVERY_BYTES + 2 * BLOCK);
  const settled = mark.settle();
  await turn();
  assert.equal(disk.syncCount, 1);
  await disk.finishSync();
  assert.equal(disk.syncCount, 2);
  assert.equal(disk.log.length, 4);
  await disk.finishSync();
  await settled;
  const end = DURABLE_EVERY_BYTES + 2 * BLOCK;
  assert.deepEqual(disk.log.slice(3), ["sync", `save ${end}`, `tell ${end}`]);
});

Deno.test("a failure of the disk moves nothing and is thrown from then on", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES);
  await disk.failSync(new Error("the disk is broken"));
  await assert.rejects(() => mark.advance(DURABLE_EVERY_BYTES + BLOCK), /the disk is broken/);
  await assert.rejects(() => mark.settle(), /the disk is broken/);
  assert.deepEqual(disk.log, ["sync"]);
});

Deno.test("a failure while settling is thrown by it", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(BLOCK);
  const settled = mark.settle();
  const rejected = assert.rejects(() => settled, /the disk is broken/);
  await turn();
  await disk.failSync(new Error("the disk is broken"));
  await rejected;
  assert.deepEqual(disk.log, ["sync"]);
});

Deno.test("a failure of the journal tells the peer nothing", async () => {
  const disk = new Disk();
  disk.isFast = true;
  disk.saveFailure = new Error("the journal is broken");
  const mark = disk.mark();
  await mark.advance(BLOCK);
  await assert.rejects(() => mark.settle(), /the journal is broken/);
  assert.deepEqual(disk.log, ["sync"]);
  // The mark did not move.
  disk.saveFailure = undefined;
  await assert.rejects(() => mark.settle(), /the journal is broken/);
  assert.deepEqual(disk.log, ["sync"]);
});

Deno.test("set back, the mark is at the start after the disk that works, and stays there", async () => {
  const disk = new Disk();
  const mark = disk.mark();
  await mark.advance(DURABLE_EVERY_BYTES);
  const reset = mark.reset();
  await turn();
  assert.deepEqual(disk.log, ["sync"]);
  await disk.finishSync();
  await reset;
  assert.equal(disk.log.at(-1), "save 0");
  const settled = mark.settle();
  await turn();
  await disk.finishSync();
  await settled;
  assert.deepEqual(disk.log.slice(-2), ["save 0", "sync"]);
});
