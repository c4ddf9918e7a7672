/**
 * Runs as a test: the first one in which something does not hold fails it, with the shortest schedule that was found.
 * @module
 */
import assert from "node:assert/strict";
import { describeFailure, playCampaign } from "./campaign.ts";
import { shrink } from "./shrink.ts";

const EVENTS_SHOWN = 60;

/** Plays `runs` seeds from `seed` on, and looks whether they were worth it. */
export async function assertHolds(seed: number, runs: number): Promise<void> {
  const campaign = await playCampaign({
    seed,
    runs,
    async onRun(result) {
      if (result.violations.length === 0) return true;
      assert.fail(describeFailure(await shrink(result.plan), EVENTS_SHOWN));
    },
  });
  const faultCount = Object.values(campaign.faults).reduce((sum: number, count) => sum + count!, 0);
  assert.ok(faultCount > 2 * runs, `only ${faultCount} faults happened`);
  assert.ok(campaign.succeeded > runs, `only ${campaign.succeeded} senders ended with a receipt`);
}
