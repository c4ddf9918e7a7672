import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { NONCE_RING_SIZE, PUBLIC_KEY_BURST, PUBLIC_KEY_PER_SECOND } from "../../../lib/limits.ts";

/** The n-th nonce. */
function nonce(n: number): Bytes {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, n);
  return bytes;
}

function codeOfAdmitting(guard: HelloGuard, bytes: Bytes, nowMs: number): string {
  try {
    guard.admit(bytes, nowMs);
    return "admitted";
  } catch (error) {
    assert.ok(error instanceof StxError);
    return error.code;
  }
}

Deno.test("a nonce is admitted once", () => {
  const guard = new HelloGuard();
  assert.equal(codeOfAdmitting(guard, nonce(1), 1), "admitted");
  assert.equal(codeOfAdmitting(guard, nonce(2), 1), "admitted");
  assert.equal(codeOfAdmitting(guard, nonce(1), 1), "handshake_failed");
  assert.equal(codeOfAdmitting(guard, nonce(2), 1e12), "handshake_failed");
});

Deno.test("what is admitted is numbered in its order, what is not has no number", () => {
  const guard = new HelloGuard();
  assert.equal(guard.admit(nonce(5), 0), 0);
  assert.throws(() => guard.admit(nonce(5), 0));
  assert.equal(guard.admit(nonce(3), 0), 1);
});

Deno.test("every byte of a nonce counts", () => {
  const guard = new HelloGuard();
  guard.admit(nonce(0), 0);
  for (let at = 0; at < 32; at++) {
    const other = nonce(0);
    other[at] = 0x80;
    assert.equal(codeOfAdmitting(guard, other, 0), "admitted");
  }
});

Deno.test("the oldest nonce makes room for the newest, and no other does", () => {
  const guard = new HelloGuard();
  const msEach = 1000 / PUBLIC_KEY_PER_SECOND;
  for (let n = 0; n <= NONCE_RING_SIZE; n++) guard.admit(nonce(n), n * msEach);
  const nowMs = NONCE_RING_SIZE * msEach;
  assert.equal(codeOfAdmitting(guard, nonce(1), nowMs), "handshake_failed");
  assert.equal(codeOfAdmitting(guard, nonce(NONCE_RING_SIZE), nowMs), "handshake_failed");
  assert.equal(codeOfAdmitting(guard, nonce(0), nowMs + 1000), "admitted");
});

Deno.test("strangers alone cannot wash a nonce out while its time still counts", () => {
  // The budget limits how fast nonces come in: the ring must outlast the window of either clock's error.
  assert.ok(NONCE_RING_SIZE / PUBLIC_KEY_PER_SECOND > 2 * 120);
});

Deno.test("a burst uses the budget up, and time fills it again", () => {
  const guard = new HelloGuard();
  let n = 0;
  for (; n < PUBLIC_KEY_BURST; n++) guard.admit(nonce(n), 5_000);
  assert.equal(codeOfAdmitting(guard, nonce(n), 5_000), "busy");
  assert.equal(codeOfAdmitting(guard, nonce(n), 5_000 + 1000 / PUBLIC_KEY_PER_SECOND), "admitted");
  assert.equal(codeOfAdmitting(guard, nonce(n + 1), 5_000 + 1000 / PUBLIC_KEY_PER_SECOND), "busy");
});

Deno.test("the budget never holds more than a burst", () => {
  const guard = new HelloGuard();
  guard.admit(nonce(0), 0);
  let n = 1;
  for (; n <= PUBLIC_KEY_BURST; n++) guard.admit(nonce(n), 1e12);
  assert.equal(codeOfAdmitting(guard, nonce(n), 1e12), "busy");
});

Deno.test("a repeated HELLO takes nothing from the budget", () => {
  const guard = new HelloGuard();
  guard.admit(nonce(0), 0);
  for (let i = 0; i < 2 * PUBLIC_KEY_BURST; i++) codeOfAdmitting(guard, nonce(0), 0);
  assert.equal(codeOfAdmitting(guard, nonce(1), 0), "admitted");
});

Deno.test("whoever is told busy may come again with the same nonce", () => {
  const guard = new HelloGuard();
  for (let n = 0; n < PUBLIC_KEY_BURST; n++) guard.admit(nonce(n), 0);
  assert.equal(codeOfAdmitting(guard, nonce(999_999), 0), "busy");
  assert.equal(codeOfAdmitting(guard, nonce(999_999), 1_000), "admitted");
});

Deno.test("a clock that is set back neither fills nor empties the budget, and does not stop it from filling", () => {
  const guard = new HelloGuard();
  let n = 0;
  for (; n < PUBLIC_KEY_BURST - 1; n++) guard.admit(nonce(n), 1e9);
  assert.equal(codeOfAdmitting(guard, nonce(n++), 1e6), "admitted");
  assert.equal(codeOfAdmitting(guard, nonce(n), 1e6), "busy");
  assert.equal(codeOfAdmitting(guard, nonce(n), 1e6 + 1_000), "admitted");
});
