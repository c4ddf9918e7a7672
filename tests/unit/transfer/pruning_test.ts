import assert from "node:assert/strict";
import { FINISHED_AGE_MAX_MS } from "../../../lib/limits.ts";
import type { StoredTransfer } from "../../../lib/ports.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { pruneFinished } from "../../../lib/transfer/pruning.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { PEER, TRANSFER } from "../store/rows.ts";

Deno.test("a finished transfer is remembered for 30 days, an unfinished one is not touched", async () => {
  const store = new MemoryTransferStore();
  const clock = new VirtualClock();
  const put = (number: number, state: StoredTransfer["state"], ageMs: number) =>
    store.save(PEER, new Uint8Array(32).fill(number), {
      ...TRANSFER,
      state,
      updatedMs: clock.nowMs() - ageMs,
    });
  put(1, "done", 0);
  put(2, "done", FINISHED_AGE_MAX_MS - 1);
  put(3, "done", FINISHED_AGE_MAX_MS + 1);
  put(4, "receiving", FINISHED_AGE_MAX_MS + 1);
  const numbers = (state: StoredTransfer["state"]) =>
    store.list(state).map(({ transferId }) => transferId[0]).sort();

  await pruneFinished(store, clock);

  assert.deepEqual(numbers("done"), [1, 2]);
  assert.deepEqual(numbers("receiving"), [4]);
});
