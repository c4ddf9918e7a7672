import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import { ManifestBudget } from "../../../lib/transfer/manifest_budget.ts";
import { transferIdOf } from "../../../lib/transfer/manifest.ts";
import { encodeOffer } from "../../../lib/wire/message.ts";
import { assertDone, assertFailed, BLOCK, withWorld } from "./world.ts";

const [ANN, BEN] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];
/** What an entry counts beside its bytes. */
const ENTRY = 400;
/** What a byte of the list counts. */
const BYTE = 3;

function isBusy(error: unknown): boolean {
  return codeOf(error) === "busy";
}

Deno.test("all together get no more than there is, and what is given back can be taken again", () => {
  const budget = new ManifestBudget({ totalBytes: 3000 * BYTE, senderBytes: 2000 * BYTE, freeBytes: 0 });
  const [ann, ben] = [budget.open(ANN), budget.open(BEN)];
  ann.grow(1000, 0);
  ben.grow(2000, 0);
  assert.throws(() => ann.grow(1, 0), isBusy);
  ben.release();
  ann.grow(1000, 0);
});

Deno.test("one sender gets no more than its part, over all its transfers", () => {
  const budget = new ManifestBudget({ totalBytes: 3000 * BYTE, senderBytes: 2000 * BYTE, freeBytes: 0 });
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
    totalBytes: 2 * ENTRY + 10 * BYTE,
    senderBytes: 2 * ENTRY + 10 * BYTE,
    freeBytes: 0,
  });
  const share = budget.open(ANN);
  share.grow(5, 1);
  share.grow(5, 1);
  assert.throws(() => share.grow(0, 1), isBusy);
});

Deno.test("every transfer has a little of its own, however full it is", () => {
  const budget = new ManifestBudget({
    totalBytes: 100 * BYTE,
    senderBytes: 100 * BYTE,
    freeBytes: 50 * BYTE,
  });
  budget.open(ANN).grow(150, 0);
  const share = budget.open(BEN);
  share.grow(25, 0);
  share.grow(25, 0);
  assert.throws(() => share.grow(1, 0), isBusy);
  share.release();
  budget.open(BEN).grow(50, 0);
});

Deno.test("what was given back can be taken again by the same transfer, and is given back once", () => {
  const budget = new ManifestBudget({ totalBytes: 100 * BYTE, senderBytes: 100 * BYTE, freeBytes: 0 });
  const share = budget.open(ANN);
  share.grow(60, 0);
  share.release();
  share.grow(100, 0);
  share.release();
  share.release();
  budget.open(ANN).grow(100, 0);
  assert.throws(() => budget.open(BEN).grow(1, 0), isBusy);
});

Deno.test("what was refused is not taken", () => {
  const budget = new ManifestBudget({ totalBytes: 100 * BYTE, senderBytes: 100 * BYTE, freeBytes: 0 });
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
    const manifests = new ManifestBudget({ totalBytes: 12 * ENTRY, senderBytes: 12 * ENTRY, freeBytes: 0 });
    const other = manifests.open(BEN);
    other.grow(0, 4);

    const refused = await world.attempt({ receiver: { manifests } });
    assertFailed(refused.received, "busy", /list of names/);
    world.assertUntouched();

    other.release();
    assertDone(await world.attempt({ receiver: { manifests } }));
    world.assertArrived();
    // What a transfer has taken it has given back.
    const all = manifests.open(BEN);
    all.grow(0, 12);
    all.release();

    // Also what the journal remembers takes its place, before it is read.
    const again = manifests.open(BEN);
    again.grow(0, 12);
    const { manifestPart } = world.store;
    world.store.manifestPart = () => assert.fail("it was read");
    assertFailed((await world.attempt({ receiver: { manifests } })).received, "busy");
    world.store.manifestPart = manifestPart;
    again.release();
    // And its entries, however few of them the offer speaks of.
    again.grow(0, 4);
    const pair = world.pair();
    const received = world.receive(pair, { manifests });
    const { sender, receiver } = world;
    const { digest } = world.manifest();
    pair.sender.send(
      "offer",
      encodeOffer({
        transferId: transferIdOf(sender.publicKey, receiver.publicKey, BLOCK, digest),
        sizeBytes: 800,
        entryCount: 1,
        blockSizeBytes: BLOCK,
        manifestDigest: digest,
        withDigests: false,
        isRepeated: true,
      }),
    );
    assertFailed(await received, "busy");
    again.release();
    assertDone(await world.attempt({ receiver: { manifests } }));

    // A list that comes again takes the place of the one that was known.
    Deno.removeSync(`${world.inbox}/file 0`);
    assertDone(await world.attempt({ receiver: { manifests, conflict: "overwrite" } }));
    world.assertArrived();
  });
});

Deno.test("a list whose sender is waited for takes no more than its names", async () => {
  const script = new URL("./manifest_memory.ts", import.meta.url).href;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", script],
    stderr: "inherit",
  }).output();
  assert.ok(success);
  const { takenBytes, sizeBytes } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(sizeBytes > 20 * 1024 * 1024);
  // Two bytes a character; a third for an encoded byte is counted until it is in the journal.
  assert.ok(takenBytes < 2.5 * sizeBytes, `${takenBytes} for ${sizeBytes}`);
});
