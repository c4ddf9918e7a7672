import assert from "node:assert/strict";
import { formatBytes } from "../../../lib/bytes/format_bytes.ts";

Deno.test("formatBytes", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [12.7, "12 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [1024 ** 2 - 1, "1.0 MiB"],
    [1023.9 * 1024, "1023.9 KiB"],
    [2.5 * 1024 ** 3, "2.5 GiB"],
    [1024 ** 4, "1.0 TiB"],
    [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
  ];
  for (const [size, text] of cases) assert.equal(formatBytes(size), text);
});
