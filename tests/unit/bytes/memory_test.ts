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
