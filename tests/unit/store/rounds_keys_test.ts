import assert from "node:assert/strict";
import type { RoundsKeyStore } from "../../../lib/ports.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { SqliteRoundsKeys } from "../../../lib/store/sqlite_rounds_keys.ts";
import { seededFractions } from "../../support/random.ts";
import { CLIENT, FIRST_ROOT, SECOND_ROOT, THIRD_ROOT } from "./rows.ts";
import { withPath } from "./state_file.ts";

/** What every store does. */
const CONTRACT: Readonly<Record<string, (keys: RoundsKeyStore) => void>> = {
  "nobody is enrolled at first": (keys) => {
    assert.equal(keys.find(CLIENT), undefined);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), false);
    assert.equal(keys.revoke(CLIENT), false);
    assert.deepEqual(keys.list(), []);
  },

  "who is enrolled is found in epoch 0": (keys) => {
    keys.enroll(CLIENT, FIRST_ROOT);
    assert.deepEqual(keys.find(CLIENT), { root: FIRST_ROOT, epoch: 0 });
    for (const other of ["", "sensor-2", "SENSOR-1", "sensor-1 ", "sensor", "sensor_1", "sensor-1\0"]) {
      assert.equal(keys.find(other), undefined, JSON.stringify(other));
    }
  },

  "a client goes from one epoch to another, with another root": (keys) => {
    keys.enroll(CLIENT, FIRST_ROOT);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 7, SECOND_ROOT), true);
    assert.deepEqual(keys.find(CLIENT), { root: SECOND_ROOT, epoch: 7 });
    assert.equal(keys.advance(CLIENT, SECOND_ROOT, 2 ** 32, THIRD_ROOT), true);
    assert.deepEqual(keys.find(CLIENT), { root: THIRD_ROOT, epoch: 2 ** 32 });
  },

  "an epoch that is gone does not come back": (keys) => {
    keys.enroll(CLIENT, FIRST_ROOT);
    keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), false);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 2, THIRD_ROOT), false);
    assert.deepEqual(keys.find(CLIENT), { root: SECOND_ROOT, epoch: 1 });
  },

  "who is enrolled anew begins anew, and the root before leads nowhere": (keys) => {
    keys.enroll(CLIENT, FIRST_ROOT);
    keys.enroll(CLIENT, SECOND_ROOT);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, THIRD_ROOT), false);
    assert.deepEqual(keys.find(CLIENT), { root: SECOND_ROOT, epoch: 0 });
    keys.advance(CLIENT, SECOND_ROOT, 9, THIRD_ROOT);
    keys.enroll(CLIENT, FIRST_ROOT);
    assert.deepEqual(keys.find(CLIENT), { root: FIRST_ROOT, epoch: 0 });
    assert.equal(keys.list().length, 1);
  },

  "who is revoked is gone, and nobody else is": (keys) => {
    keys.enroll(CLIENT, FIRST_ROOT);
    keys.enroll("other", SECOND_ROOT);
    assert.equal(keys.revoke(CLIENT), true);
    assert.equal(keys.revoke(CLIENT), false);
    assert.equal(keys.find(CLIENT), undefined);
    assert.equal(keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT), false);
    assert.deepEqual(keys.find("other"), { root: SECOND_ROOT, epoch: 0 });
  },

  "a list has every client with its epoch, in the order of the names": (keys) => {
    for (const id of ["b", "a", "-", "Z", "a.1", "__proto__", "10", "9"]) keys.enroll(id, FIRST_ROOT);
    keys.advance("a", FIRST_ROOT, 3, SECOND_ROOT);
    assert.deepEqual(
      keys.list(),
      ["-", "10", "9", "Z", "__proto__", "a", "a.1", "b"].map((id) => ({ id, epoch: id === "a" ? 3 : 0 })),
    );
  },

  "roots that are given or found are the caller's to overwrite": (keys) => {
    const [first, second] = [FIRST_ROOT.slice(), SECOND_ROOT.slice()];
    keys.enroll(CLIENT, first);
    first.fill(0);
    keys.find(CLIENT)!.root.fill(0);
    assert.deepEqual(keys.find(CLIENT)!.root, FIRST_ROOT);
    keys.advance(CLIENT, FIRST_ROOT, 1, second);
    second.fill(0);
    assert.deepEqual(keys.find(CLIENT)!.root, SECOND_ROOT);
  },

  "many changes, whatever their order, are those of a plain list": (keys) => {
    const random = seededFractions(2);
    const below = (end: number) => Math.floor(random() * end);
    const rootOf = (number: number) => new Uint8Array(32).fill(number);
    const list = new Map<string, { root: number; epoch: number }>();
    for (let step = 0; step < 150; step++) {
      const id = `c${below(4)}`;
      const known = list.get(id);
      const from = below(3) === 0 ? below(256) : known?.root ?? 0;
      const root = below(256);
      const choice = below(10);
      if (choice === 0) assert.equal(keys.revoke(id), list.delete(id));
      else if (choice < 3) {
        keys.enroll(id, rootOf(root));
        list.set(id, { root, epoch: 0 });
      } else {
        const isRight = known?.root === from;
        assert.equal(keys.advance(id, rootOf(from), step, rootOf(root)), isRight);
        if (isRight) list.set(id, { root, epoch: step });
      }
      const now = list.get(id);
      assert.deepEqual(keys.find(id), now && { root: rootOf(now.root), epoch: now.epoch }, `step ${step}`);
    }
    const expected = [...list].map(([id, { epoch }]) => ({ id, epoch })).sort((a, b) => a.id < b.id ? -1 : 1);
    assert.deepEqual(keys.list(), expected);
  },
};

for (const [name, check] of Object.entries(CONTRACT)) {
  Deno.test(`in memory: ${name}`, () => check(new MemoryRoundsKeys()));

  Deno.test(`in SQLite: ${name}`, async () => {
    await withPath((path) => {
      const keys = new SqliteRoundsKeys(path);
      try {
        check(keys);
      } finally {
        keys.close();
      }
    });
  });
}
