import assert from "node:assert/strict";
import { formatSize, median, parseSize } from "../../../scripts/units.ts";

Deno.test("formatSize takes the largest unit that leaves a number from 1", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1024 ** 2, 1024 ** 3, 5000 * 1024 ** 3].map(formatSize), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "1.0 MiB",
    "1.0 GiB",
    "5000.0 GiB",
  ]);
});

Deno.test("parseSize reads bytes, K, M and G, and nothing else", () => {
  assert.deepEqual(["1", "2K", "64M", "1G"].map(parseSize), [1, 2048, 64 * 1024 ** 2, 1024 ** 3]);
  for (const text of ["", "0", "0M", "-1", "1.5G", "1T", "M", " 1", "99999999999999999999"]) {
    assert.throws(() => parseSize(text), /is not a size/, text);
  }
});

Deno.test("median takes the middle, or the mean of the two there", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([10, 9, 1]), 9);
  assert.equal(median([4, 1, 100, 2]), 3);
});
