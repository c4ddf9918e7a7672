/**
 * Forgetting finished transfers, so that a receiver that runs for years keeps a journal of one size.
 * @module
 */
import { FINISHED_AGE_MAX_MS, FINISHED_COUNT_MAX, FINISHED_MANIFESTS_SIZE_MAX } from "../limits.ts";
import type { Clock, TransferStore } from "../ports.ts";
import { breathe } from "./breathe.ts";

/**
 * Forgets what is too old or too much, a little at a time, so that senders are served meanwhile. A transfer that is
 * forgotten and offered again is compared with nothing: the conflict policy decides, as for any other.
 */
export async function pruneFinished(store: TransferStore, clock: Clock): Promise<void> {
  for (;;) {
    const beforeMs = clock.nowMs() - FINISHED_AGE_MAX_MS;
    if (!store.pruneFinished(beforeMs, FINISHED_COUNT_MAX, FINISHED_MANIFESTS_SIZE_MAX)) return;
    await breathe(clock);
  }
}
