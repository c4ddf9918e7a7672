import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import { ManifestBudget } from "../../../lib/transfer/manifest_budget.ts";
import { assertDone, assertFailed, withWorld } from "./world.ts";

const [ANN, BEN] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];
/** What an entry counts beside its bytes. */
const ENTRY = 400;

function isBusy(error: unknown): boolean {
  return codeOf(error) === "busy";
}

Deno.test("all together get no more than there is, and what is given back can be taken again", () => {
  const budget = new ManifestBudget({ totalBytes: 3000, senderBytes: 2000, freeBytes: 0 });
  const [ann, ben] = [budget.open(ANN), budget.open(BEN)];
  ann.grow(1000, 0);
  ben.grow(2000, 0);
  assert.throws(() => ann.grow(1, 0), isBusy);
  ben.release();
  ann.grow(1000, 0);
});

Deno.test("one sender gets no more than its part, over all its transfers", () => {
  const budget = new ManifestBudget({ totalBytes: 3000, senderBytes: 2000, freeBytes: 0 });
  const [one, two] = [budget.open(ANN), budget.open(ANN)];
  one.grow(1000, 0);
  two.grow(1000, 0);
  assert.throws(() => two.grow(1, 0), isBusy);
  budget.open(BEN).grow(1000, 0);
  one.release();
  two.grow(1000, 0);
  two.release();
  budget.open(ANN).grow(2000, 0);
});

Deno.test("entries count beside their bytes", () => {
  const budget = new ManifestBudget({
    totalBytes: 2 * ENTRY + 10,
    senderBytes: 2 * ENTRY + 10,
    freeBytes: 0,
  });
  const share = budget.open(ANN);
  share.grow(5, 1);
  share.grow(5, 1);
  assert.throws(() => share.grow(0, 1), isBusy);
});

Deno.test("every transfer has a little of its own, however full it is", () => {
  const budget = new ManifestBudget({ totalBytes: 100, senderBytes: 100, freeBytes: 50 });
  budget.open(ANN).grow(150, 0);
  const share = budget.open(BEN);
  share.grow(25, 0);
  share.grow(25, 0);
  assert.throws(() => share.grow(1, 0), isBusy);
  share.release();
  budget.open(BEN).grow(50, 0);
});

Deno.test("what was refused is not taken", () => {
  const budget = new ManifestBudget({ totalBytes: 100, senderBytes: 100, freeBytes: 0 });
  const share = budget.open(ANN);
  assert.throws(() => share.grow(200, 0), isBusy);
  share.release();
  budget.open(ANN).grow(100, 0);
});

Deno.test("the largest manifest there can be has room, and a second one beside it has not", () => {
  const budget = new ManifestBudget();
  budget.open(ANN).grow(256 * 1024 * 1024, 2 ** 20 + 2 ** 16);
  assert.throws(() => budget.open(BEN).grow(256 * 1024 * 1024, 2 ** 20 + 2 ** 16), isBusy);
});

Deno.test("a receiver whose memory is full of manifests is busy, and serves the same sender later", async () => {
  await withWorld(async (world) => {
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`file ${index}`, 100]));
    world.fill(files);
    const manifests = new ManifestBudget({ totalBytes: 10 * ENTRY, senderBytes: 10 * ENTRY, freeBytes: 0 });
    const other = manifests.open(BEN);
    other.grow(4 * ENTRY, 0);

    const refused = await world.attempt({ receiver: { manifests } });
    assertFailed(refused.received, "busy", /list of names/);
    world.assertUntouched();

    other.release();
    assertDone(await world.attempt({ receiver: { manifests } }));
    world.assertArrived();
    // What a transfer has taken it has given back.
    const all = manifests.open(BEN);
    all.grow(10 * ENTRY, 0);
    all.release();

    // Also what the journal remembers takes its place, before it is read.
    const again = manifests.open(BEN);
    again.grow(4 * ENTRY, 0);
    assertFailed((await world.attempt({ receiver: { manifests } })).received, "busy");
    again.release();
    assertDone(await world.attempt({ receiver: { manifests } }));
  });
});
