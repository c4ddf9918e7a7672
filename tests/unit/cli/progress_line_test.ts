import assert from "node:assert/strict";
import { type ProgressFields, progressLine } from "../../../cli/progress_line.ts";
import { textWidth } from "../../../cli/text_width.ts";

const MIB = 1024 ** 2;
const FIELDS: ProgressFields = {
  label: "ubuntu-24.04.1-desktop-amd64.iso",
  phase: undefined,
  bytes: 2700 * MIB,
  totalBytes: 6000 * MIB,
  bytesPerSecond: 110.3 * MIB,
  time: { ms: 29_900, meaning: "left" },
  files: 1,
  totalFiles: 1,
};

Deno.test("what a line shows in wide and narrow terminals", () => {
  const lines = [120, 80, 40, 24, 10].map((columns) => progressLine(FIELDS, columns));
  assert.deepEqual(lines, [
    `${FIELDS.label.padEnd(64)}   45%     2.6 GiB  of 5.9 GiB  110.3 MiB/s    30s left`,
    "ubuntu-24.0..p-amd64.iso   45%     2.6 GiB  of 5.9 GiB  110.3 MiB/s    30s left",
    "ubu..iso   45%  110.3 MiB/s    30s left",
    "ubuntu-2..d64.iso   45%",
    "u..   45%",
  ]);
});

Deno.test("a line always leaves the last column free", () => {
  for (let columns = 1; columns < 140; columns++) {
    for (const totalFiles of [1, 300]) {
      const line = progressLine({ ...FIELDS, totalFiles, phase: "finishing" }, columns);
      assert.equal(textWidth(line), columns - 1);
    }
  }
});

Deno.test("a share is rounded down, and never more than all", () => {
  const share = (bytes: number, totalBytes: number) =>
    /[0-9]+%/.exec(progressLine({ ...FIELDS, bytes, totalBytes }, 80))![0];
  assert.equal(share(999, 1000), "99%");
  assert.equal(share(1000, 1000), "100%");
  assert.equal(share(2000, 1000), "100%");
  assert.equal(share(0, 1000), "0%");
  assert.equal(share(0, 0), "100%");
});

Deno.test("an unknown size leaves out the share", () => {
  const line = progressLine({ ...FIELDS, totalBytes: undefined, time: undefined }, 60);
  assert.equal(line, "ubuntu-24.04.1-desktop-amd64.iso       2.6 GiB  110.3 MiB/s");
});

Deno.test("several files are counted, one is not", () => {
  assert.match(progressLine({ ...FIELDS, files: 3, totalFiles: 10 }, 120), / 3\/10 files$/);
  assert.doesNotMatch(progressLine(FIELDS, 120), /files/);
});

Deno.test("the phase and the time taken", () => {
  assert.match(progressLine({ ...FIELDS, phase: "hashing" }, 120), / {2}hashing {3}45%/);
  assert.match(progressLine({ ...FIELDS, time: { ms: 65_000, meaning: "taken" } }, 120), / in 1m05s$/);
  assert.match(progressLine({ ...FIELDS, time: { ms: 1, meaning: "left" } }, 120), / 1s left$/);
  assert.match(progressLine({ ...FIELDS, time: { ms: 599_001, meaning: "left" } }, 120), / 10m00s left$/);
});
