import assert from "node:assert/strict";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { ID, namesIn, PRIVATE, receive, withPlace, writeAll } from "./receiving.ts";
import { entry, withPatched } from "./tree.ts";

Deno.test("refuse: not even what is ready at once comes between the check and the last rename", async () => {
  await withPlace(async (place) => {
    const partial = await receive(place, [entry("a", 3), entry("x", 3)]);
    const { lstatSync } = Deno;
    let isArmed = true;
    const look: typeof lstatSync = (path) => {
      // The last look of the check.
      if (isArmed && `${path}` === `${place.path}/x`) {
        isArmed = false;
        queueMicrotask(() => {
          if (!namesIn(place.path).includes("x")) Deno.writeTextFileSync(`${place.path}/x`, "mine");
        });
      }
      return lstatSync(path);
    };
    await withPatched(Deno, "lstatSync", look, () => partial.commit(() => {}));
    partial.close();
    assert.equal(isArmed, false);
    assert.equal(lstatSync(`${place.path}/x`).size, 3);
  });
});

Deno.test("a folder of many empty ones is taken up again without holding up everything else", async () => {
  await withPlace(async (place) => {
    const entries = [
      entry("first", 1),
      ...Array.from({ length: 2_000 }, (_, index) => entry(`folder${index}/`)),
      entry("last", 1),
    ];
    const partial = await place.folder.open(ID, entries, await place.folder.place(entries, "refuse"));
    await partial.resumeAt(0);
    await writeAll(partial, new Uint8Array(1));
    partial.close();
    const topNames = Object.fromEntries(entries.map(({ path }) => [path, path]));
    const again = openReceivingFolder(place.path).open(ID, entries, { topNames, conflict: "refuse" });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await again.resumeAt(1);
    clearInterval(timer);
    again.close();
    assert.ok(turns >= 5, `${turns} turns`);
    assert.ok(namesIn(`${place.path}/${PRIVATE}/data`).length > 1);
  });
});
