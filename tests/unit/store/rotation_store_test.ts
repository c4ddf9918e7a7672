import assert from "node:assert/strict";
import type { KnownRotation, RotationStore } from "../../../lib/ports.ts";
import { MemoryRotationStore } from "../../../lib/store/memory_rotation_store.ts";
import { SqliteRotationStore } from "../../../lib/store/sqlite_rotation_store.ts";
import { ID, OTHER_ID, ROTATION } from "./rows.ts";
import { withPath, withState } from "./state_file.ts";

/** Asserts that the store holds these, in whatever order. */
function holds(store: RotationStore, ...rotations: readonly KnownRotation[]): void {
  const sorted = (list: readonly KnownRotation[]) =>
    [...list].sort((left, right) => left.oldKey.toHex() < right.oldKey.toHex() ? -1 : 1);
  assert.deepEqual(sorted(store.list()), sorted(rotations));
}

/** What every store does. */
const CONTRACT: Readonly<Record<string, (store: RotationStore) => void>> = {
  "what was saved is listed whole": (store) => {
    holds(store);
    store.save(ROTATION);
    holds(store, ROTATION);
  },

  "saving again replaces all of it": (store) => {
    const other: KnownRotation = { ...ROTATION, newKey: ID, statement: Uint8Array.of(9), isComplete: true };
    store.save(ROTATION);
    store.save(other);
    holds(store, other);
    store.save(ROTATION);
    holds(store, ROTATION);
  },

  "a key may follow two others, and be followed": (store) => {
    const same: KnownRotation = { ...ROTATION, oldKey: ID, isComplete: true };
    const next: KnownRotation = { ...ROTATION, oldKey: ROTATION.newKey, newKey: OTHER_ID };
    for (const each of [ROTATION, same, next]) store.save(each);
    holds(store, ROTATION, same, next);
  },

  "the caller may use its bytes again": (store) => {
    const { oldKey, newKey, statement } = ROTATION;
    const [ownOld, ownNew, ownStatement] = [oldKey.slice(), newKey.slice(), statement.slice()];
    store.save({ oldKey: ownOld, newKey: ownNew, statement: ownStatement, isComplete: false });
    for (const bytes of [ownOld, ownNew, ownStatement]) bytes.fill(77);
    holds(store, ROTATION);
  },
};

for (const [name, check] of Object.entries(CONTRACT)) {
  Deno.test(`in memory: ${name}`, () => check(new MemoryRotationStore()));

  Deno.test(`in SQLite: ${name}`, async () => {
    await withPath((path) => withState(path, (state) => check(new SqliteRotationStore(state))));
  });
}
