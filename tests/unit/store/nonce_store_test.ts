import assert from "node:assert/strict";
import type { NonceStore } from "../../../lib/ports.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { SqliteNonceStore } from "../../../lib/store/sqlite_nonce_store.ts";
import { seededFractions } from "../../support/random.ts";
import { NONCE, nonceOf } from "./rows.ts";
import { withPath, withState } from "./state_file.ts";

/** What every store does. */
const CONTRACT: Readonly<Record<string, (store: NonceStore) => void>> = {
  "a nonce is claimed once": (store) => {
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(NONCE, 2000, 1000), false);
    assert.equal(store.claim(NONCE, 3000, 1500), false);
  },

  "nonces that differ in one bit are different": (store) => {
    const other = NONCE.slice();
    other[31]! ^= 1;
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(other, 2000, 1000), true);
    assert.equal(store.claim(NONCE, 2000, 1000), false);
    assert.equal(store.claim(other, 2000, 1000), false);
  },

  "a claim holds until its time, that moment included, and may be made again behind it": (store) => {
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(NONCE, 9000, 2000), false);
    assert.equal(store.claim(NONCE, 4000, 2001), true);
    assert.equal(store.claim(NONCE, 9000, 4000), false);
    assert.equal(store.claim(NONCE, 9000, 4001), true);
  },

  "a claim that fails changes nothing": (store) => {
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(NONCE, 1500, 1000), false);
    assert.equal(store.claim(NONCE, 9000, 1501), false);
    assert.equal(store.claim(NONCE, 9000, 2001), true);
  },

  "an expired claim takes none along": (store) => {
    for (let number = 0; number < 10; number++) store.claim(nonceOf(number), 2000 + number, 1000);
    assert.equal(store.claim(NONCE, 3000, 2005), true);
    for (let number = 0; number < 10; number++) {
      assert.equal(store.claim(nonceOf(number), 3000, 2005), number < 5, String(number));
    }
  },

  "a clock that goes back frees nothing": (store) => {
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(NONCE, 1000, 0), false);
    assert.equal(store.claim(nonceOf(1), 500, 0), true);
    assert.equal(store.claim(nonceOf(1), 500, 0), false);
    assert.equal(store.claim(NONCE, 3000, 2000), false);
  },

  "what was forgotten is not there when the clock goes back": (store) => {
    assert.equal(store.claim(NONCE, 2000, 1000), true);
    assert.equal(store.claim(nonceOf(1), 4000, 3000), true);
    assert.equal(store.claim(NONCE, 2000, 1500), true);
    assert.equal(store.claim(NONCE, 2000, 1500), false);
  },

  "the caller may use its bytes again": (store) => {
    const bytes = NONCE.slice();
    assert.equal(store.claim(bytes, 2000, 1000), true);
    bytes.fill(0);
    assert.equal(store.claim(NONCE, 2000, 1000), false);
    assert.equal(store.claim(bytes, 2000, 1000), true);
  },

  "many claims, whatever their order, are those of a plain list": (store) => {
    const random = seededFractions(1);
    const below = (end: number) => Math.floor(random() * end);
    const list = new Map<number, number>();
    for (let step = 0; step < 1000; step++) {
      const [number, nowMs] = [below(60), step + below(20)];
      const expiresMs = nowMs - 10 + below(100);
      for (const [each, untilMs] of list) if (untilMs < nowMs) list.delete(each);
      assert.equal(store.claim(nonceOf(number), expiresMs, nowMs), !list.has(number), `step ${step}`);
      if (!list.has(number)) list.set(number, expiresMs);
    }
  },
};

for (const [name, check] of Object.entries(CONTRACT)) {
  Deno.test(`in memory: ${name}`, () => check(new MemoryNonceStore()));

  Deno.test(`in SQLite: ${name}`, async () => {
    await withPath((path) => withState(path, (state) => check(new SqliteNonceStore(state))));
  });
}

Deno.test("in memory: a hundred thousand claims are held, and let go of", () => {
  const store = new MemoryNonceStore();
  const claimAll = (expiresMs: number, nowMs: number) =>
    Array.from({ length: 100_000 }, (_, number) => store.claim(nonceOf(number), expiresMs + number, nowMs));
  assert.ok(claimAll(2000, 1000).every((isNew) => isNew));
  assert.ok(claimAll(2000, 1000).every((isNew) => !isNew));
  assert.ok(claimAll(300_000, 200_000).every((isNew) => isNew));
});
