import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN, UNTRUSTED_ALERTS_MAX } from "../../../lib/limits.ts";
import type { Random } from "../../../lib/ports.ts";
import { RetryPolicy } from "../../../lib/transfer/retry.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const LOWEST: Random = { bytes: (size) => new Uint8Array(size) };
const HIGHEST: Random = { bytes: (size) => new Uint8Array(size).fill(0xff) };
const HOUR_MS = 3_600_000;

function error(code: ErrorCode): StxError {
  return new StxError(code, "for a test");
}

const LOST = error("connection_lost");

Deno.test("pauses double up to a ceiling, and chance takes any part of each", () => {
  const highest = new RetryPolicy(HOUR_MS, HIGHEST, 0);
  const lowest = new RetryPolicy(HOUR_MS, LOWEST, 0);
  for (const ceilingMs of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]) {
    assert.equal(highest.delayAfter(LOST, 0), ceilingMs - 1);
    assert.equal(lowest.delayAfter(LOST, 0), 0);
  }
  assert.equal(RETRY_DELAY_MS_MIN, 500);
  assert.equal(RETRY_DELAY_MS_MAX, 30_000);
});

Deno.test("chance spreads the pauses over all that is allowed", () => {
  const random = seededRandom("retry");
  const delays = Array.from({ length: 200 }, () => new RetryPolicy(HOUR_MS, random, 0).delayAfter(LOST, 0)!);
  assert.ok(delays.every((delay) => Number.isInteger(delay) && delay >= 0 && delay < RETRY_DELAY_MS_MIN));
  for (let from = 0; from < RETRY_DELAY_MS_MIN; from += 50) {
    assert.ok(delays.some((delay) => delay >= from && delay < from + 50), `none from ${from} ms`);
  }
});

Deno.test("attempts are counted since there was progress", () => {
  const policy = new RetryPolicy(HOUR_MS, HIGHEST, 0);
  assert.equal(policy.attempt, 0);
  policy.delayAfter(LOST, 0);
  policy.delayAfter(error("busy"), 0);
  assert.equal(policy.attempt, 2);
  policy.progress(10);
  assert.equal(policy.attempt, 0);
  assert.equal(policy.delayAfter(LOST, 10), 499);
});

Deno.test("what an attacker can cause is tried again three times, also with progress between", () => {
  const codes: readonly ErrorCode[] = [
    "refused_connection",
    "handshake_failed",
    "bad_record",
    "bad_sequence",
    "malformed",
    "unexpected_message",
  ];
  assert.equal(UNTRUSTED_ALERTS_MAX, 3);
  for (const code of codes) {
    const policy = new RetryPolicy(HOUR_MS, LOWEST, 0);
    for (let i = 0; i < 3; i++) {
      assert.equal(policy.delayAfter(error(code), 0), 0, code);
      policy.progress(0);
      assert.equal(policy.delayAfter(LOST, 0), 0);
    }
    assert.equal(policy.delayAfter(error(code), 0), undefined, code);
  }
  const mixed = new RetryPolicy(HOUR_MS, LOWEST, 0);
  for (const code of codes.slice(0, 3)) assert.equal(mixed.delayAfter(error(code), 0), 0);
  assert.equal(mixed.delayAfter(error(codes[3]!), 0), undefined);
});

Deno.test("other failures are final at once", () => {
  const final: readonly ErrorCode[] = [
    "unauthorized",
    "receiver_changed",
    "unknown_receiver",
    "bad_signature",
    "rejected",
    "source_changed",
    "digest_mismatch",
    "bad_receipt",
    "cancelled",
    "disk",
    "permission",
    "clock_skew",
    "unsupported_version",
  ];
  const policy = new RetryPolicy(HOUR_MS, LOWEST, 0);
  for (const code of final) assert.equal(policy.delayAfter(error(code), 0), undefined, code);
  assert.equal(policy.delayAfter(new Error("a bug"), 0), undefined);
  assert.equal(policy.delayAfter(undefined, 0), undefined);
  assert.equal(policy.attempt, 0);
});

Deno.test("without progress for long enough it gives up, the pause included", () => {
  const fresh = () => new RetryPolicy(10_000, HIGHEST, 1_000);
  assert.equal(fresh().delayAfter(LOST, 11_000 - 499), 499);
  assert.equal(fresh().delayAfter(LOST, 11_000 - 498), undefined);
  const policy = fresh();
  policy.progress(8_000);
  assert.equal(policy.delayAfter(LOST, 18_000 - 499), 499);
  assert.equal(policy.delayAfter(LOST, 18_000), undefined);
  assert.equal(new RetryPolicy(0, LOWEST, 0).delayAfter(LOST, 0), 0);
  assert.equal(new RetryPolicy(0, HIGHEST, 0).delayAfter(LOST, 0), undefined);
});

Deno.test("work that is no progress does not count as time without any, but ends none of it", () => {
  const policy = new RetryPolicy(10_000, LOWEST, 0);
  policy.busy(4_000, 3_604_000);
  assert.equal(policy.delayAfter(LOST, 3_610_000), 0);
  assert.equal(policy.delayAfter(LOST, 3_610_001), undefined);
  // Again and again, as where every connection is cut just behind it.
  for (let nowMs = 4_000_000; nowMs < 4_009_000; nowMs += 1_000) policy.busy(nowMs, nowMs + 1);
  assert.equal(policy.delayAfter(LOST, 4_009_000), undefined);
});

Deno.test("work lends no time beyond now", () => {
  const policy = new RetryPolicy(10_000, LOWEST, 0);
  policy.progress(5_000);
  policy.busy(0, 6_000);
  assert.equal(policy.delayAfter(LOST, 16_000), 0);
  assert.equal(policy.delayAfter(LOST, 16_001), undefined);
});

Deno.test("chance is taken from a part of a buffer, too", () => {
  const shared = new Uint8Array(8).fill(0xff, 4);
  const random: Random = { bytes: (size): Bytes => shared.subarray(4, 4 + size) };
  assert.equal(new RetryPolicy(HOUR_MS, random, 0).delayAfter(LOST, 0), 499);
});
