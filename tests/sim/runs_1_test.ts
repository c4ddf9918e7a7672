/** Simulated transfers with faults, the first half of a thousand: a processor each. */
import { assertHolds } from "./hold.ts";

const SEED = 1;
const RUNS = 500;

Deno.test(`${RUNS} runs with faults from seed ${SEED} on: everything holds that must hold`, async () => {
  await assertHolds(SEED, RUNS);
});
