import assert from "node:assert/strict";
import { fastestFirst } from "../../../lib/crypto/measure.ts";
import { SUITES } from "../../../lib/crypto/suite.ts";

/** A clock on which the n-th measurement takes the n-th of `tookMs`. */
function scriptedClock(tookMs: readonly number[]): { nowMs(): number } {
  let calls = 0;
  let nowMs = 1000;
  return {
    nowMs() {
      // Each measurement asks twice: before and after.
      if (calls % 2 === 1) nowMs += tookMs[(calls - 1) / 2]!;
      calls += 1;
      return nowMs;
    },
  };
}

Deno.test("the suite whose best of three is fastest comes first", async () => {
  assert.deepEqual(await fastestFirst(SUITES, scriptedClock([5, 9, 9, 4, 9, 9])), [
    "chacha20-poly1305",
    "aes-256-gcm",
  ]);
  assert.deepEqual(await fastestFirst(SUITES, scriptedClock([9, 9, 3, 4, 4, 4])), SUITES);
});

Deno.test("the given order stays where both are as fast, and with one suite or none", async () => {
  assert.deepEqual(await fastestFirst(SUITES, { nowMs: () => 0 }), SUITES);
  assert.deepEqual(await fastestFirst(["chacha20-poly1305"], { nowMs: () => 0 }), ["chacha20-poly1305"]);
  assert.deepEqual(await fastestFirst([], { nowMs: () => 0 }), []);
});
