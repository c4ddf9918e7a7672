import assert from "node:assert/strict";
import { keepLargeBlocks, release } from "../../../lib/bytes/memory.ts";

Deno.test("release frees a large buffer: every view of it is empty afterwards", () => {
  const bytes = new Uint8Array(64 * 1024);
  const view = bytes.subarray(8);
  release(view);
  assert.equal(bytes.length, 0);
  assert.equal(view.length, 0);
  assert.equal(bytes.buffer.byteLength, 0);
});

Deno.test("release leaves small buffers alone, and may be called again", () => {
  const small = new Uint8Array(64 * 1024 - 1);
  release(small);
  assert.equal(small.length, 64 * 1024 - 1);
  const large = new Uint8Array(1024 * 1024);
  release(large);
  release(large);
  assert.equal(large.length, 0);
});

Deno.test("keepLargeBlocks holds on to no memory of its own", () => {
  const before = Deno.memoryUsage().external;
  for (let i = 0; i < 8; i++) keepLargeBlocks();
  assert.ok(Deno.memoryUsage().external - before < 16 * 1024 * 1024);
});

Deno.test({
  name: "records that are sealed and given back cost few page faults (Linux with glibc)",
  ignore: Deno.build.target !== "x86_64-unknown-linux-gnu" &&
    Deno.build.target !== "aarch64-unknown-linux-gnu",
  fn: async () => {
    const faults = async (...args: readonly string[]) => {
      const script = new URL("./page_faults.ts", import.meta.url).href;
      const { stdout, success } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, ...args],
      }).output();
      assert.ok(success);
      return Number(new TextDecoder().decode(stdout));
    };
    const [left, reused] = [await faults(), await faults("reuse")];
    // Each page of each record once: 256 of 4 KiB.
    assert.ok(left > 128 * 256, `${left}`);
    assert.ok(reused < left / 4, `${reused} of ${left}`);
  },
});
