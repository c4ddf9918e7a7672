import assert from "node:assert/strict";
import { writeAll } from "../../../cli/write_all.ts";

Deno.test("short writes are continued, and a full pipe is waited for", () => {
  const taken: number[] = [];
  let call = 0;
  const sink = {
    writeSync(bytes: Uint8Array) {
      if (++call % 2 === 0) throw new Deno.errors.WouldBlock("full");
      const size = Math.min(bytes.length, 3);
      taken.push(...bytes.subarray(0, size));
      return size;
    },
  };
  writeAll(sink, "größer als drei");
  assert.equal(new TextDecoder().decode(new Uint8Array(taken)), "größer als drei");
});

Deno.test("any other failure is the caller's", () => {
  const sink = {
    writeSync(): number {
      throw new Deno.errors.BrokenPipe("gone");
    },
  };
  assert.throws(() => writeAll(sink, "x"), Deno.errors.BrokenPipe);
});
