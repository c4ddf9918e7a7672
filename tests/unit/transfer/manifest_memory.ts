/**
 * A receiver that has a long list of names and waits for its sender: `deno run --v8-flags=--expose-gc manifest_memory.ts`
 * says what that takes of the memory beside what the sender holds, and how large the list is, in bytes.
 * @module
 */
import { deferred } from "../../../lib/bytes/deferred.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { entry } from "../files/tree.ts";
import { turn, withWorld } from "./world.ts";

// One character outside Latin-1 makes each of a name's characters take two bytes.
const PARTS = Array.from({ length: 12 }, (_, depth) => (depth === 0 ? "€" : "") + "x".repeat(247));
const FOLDERS = PARTS.map((_, depth) => PARTS.slice(0, depth + 1).join("/"));

/** Bytes of memory that are in use, and not garbage. */
async function usedBytes(): Promise<number> {
  const { gc } = globalThis as unknown as { gc: () => void };
  for (let round = 0; round < 5; round++) {
    await turn();
    gc();
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

await withWorld(async (world) => {
  const files = Array.from({ length: 8_000 }, (_, index) => entry(`${FOLDERS[11]!}/${index}`, 0));
  const manifest = makeManifest([...FOLDERS.map((path) => entry(`${path}/`)), ...files], true);
  const sizeBytes = manifest.bodies.reduce((sum, { length }) => sum + length, 0);
  const source = { read: () => 0, seek: () => {}, checkUnchanged: () => {}, close: () => {} };
  const { store } = world;
  // As on a disk: it takes no memory.
  store.saveManifestPart = () => {};
  const before = await usedBytes();
  const waiting = deferred<void>();
  const pair = world.pair({
    windowMessages: 1_000,
    onLetter: (letter) => {
      if (letter.type === "accept") waiting.resolve();
      return letter.type === "accept" ? [] : [letter];
    },
  });
  const ended = Promise.all([world.receive(pair), world.send(pair, { source, manifest })]);
  await waiting.promise;
  // What the test itself remembers of the line.
  pair.letters.length = 0;
  const said = JSON.stringify({ takenBytes: await usedBytes() - before, sizeBytes });
  Deno.stdout.writeSync(new TextEncoder().encode(said));
  pair.cut();
  await ended;
});
