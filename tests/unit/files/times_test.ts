import assert from "node:assert/strict";
import { setFolderTime } from "../../../lib/files/times.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { entry, withPatched } from "./tree.ts";

Deno.test("a folder gets its time to the millisecond, before 1970 as well", async () => {
  await withTempFolder((folder) => {
    const timeAfter = (timeMs: number) => {
      setFolderTime(folder, entry("folder/", 0, 0o755, timeMs));
      return Deno.lstatSync(folder).mtime!.getTime();
    };
    // One of a thousand for each year of a century, each with other binary digits.
    for (let timeMs = 0; timeMs < 3_155_760_000_000; timeMs += 3_155_760_001) {
      assert.equal(timeAfter(timeMs), timeMs);
    }
    for (const timeMs of [-1000, -1001, -1999, -86_400_500]) assert.equal(timeAfter(timeMs), timeMs);
  });
});

Deno.test("a time before 1970 that another folder has got is noticed", async () => {
  await withTempFolder(async (temp) => {
    const folder = `${temp}/folder`;
    Deno.mkdirSync(folder);
    const { utimeSync } = Deno;
    const swapping = (path: string | URL, ...times: [number | Date, number | Date]) => {
      Deno.renameSync(folder, `${temp}/aside`);
      Deno.mkdirSync(folder);
      utimeSync(path, ...times);
    };
    const set = () => setFolderTime(folder, entry("folder/", 0, 0o755, -1001));
    await assert.rejects(() => withPatched(Deno, "utimeSync", swapping, set), {
      code: "state_corrupt",
      message: /another took its place/,
    });
  });
});
