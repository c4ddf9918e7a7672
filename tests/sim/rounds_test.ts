/** Simulated groups of the rounds protocol: plans that have once found something, runs with faults, and that a seed decides all. */
import assert from "node:assert/strict";
import { describeRoundsFailure, playRoundsCampaign, shrinkRounds } from "./rounds/campaign.ts";
import { drawRoundsPlan } from "./rounds/draw.ts";
import { ROUNDS_SEEDS } from "./rounds/seeds.ts";
import { simulateRounds } from "./rounds/simulate.ts";

const SEED = 1;
const RUNS = 300;
const EVENTS_SHOWN = 60;

for (const { found, plan } of ROUNDS_SEEDS) {
  Deno.test(`rounds seed ${plan.seed} no longer finds this: ${found}`, async () => {
    const result = await simulateRounds(plan, true);
    assert.deepEqual(result.violations, [], describeRoundsFailure(result, EVENTS_SHOWN));
  });
}

Deno.test(`${RUNS} groups with faults from seed ${SEED} on: everything holds that must hold`, async () => {
  const campaign = await playRoundsCampaign({
    seed: SEED,
    runs: RUNS,
    async onRun(result) {
      if (result.violations.length === 0) return true;
      assert.fail(describeRoundsFailure(await shrinkRounds(result.plan), EVENTS_SHOWN));
    },
  });
  const faultCount = Object.values(campaign.faults).reduce((sum: number, count) => sum + count!, 0);
  assert.ok(faultCount > 3 * RUNS, `only ${faultCount} faults happened`);
  assert.ok(campaign.succeeded > 10 * RUNS, `only ${campaign.succeeded} values were answered`);
});

Deno.test("without faults every value that was sent is answered, once all is well at the latest", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    // Nobody is late who needs less than a quarter of a deadline, and nobody is cut off by the end of the rounds.
    const drawn = drawRoundsPlan(seed);
    const clients = drawn.clients.map((client) => ({ ...client, startMs: 0, thinkMs: 1, rounds: 5 }));
    const plan = { ...drawn, clients, minClients: clients.length, roundsMax: undefined, faults: [] };
    const result = await simulateRounds(plan, true);
    assert.deepEqual(result.violations, [], describeRoundsFailure(result, EVENTS_SHOWN));
    assert.ok(result.succeeded >= 6 * clients.length);
    // At the very end the server stops, whoever has sent a value by then.
    assert.ok(result.failed < clients.length);
  }
});

Deno.test("a seed decides everything of a group: played twice, the same happens at the same times", async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const first = await simulateRounds(drawRoundsPlan(seed), true);
    const second = await simulateRounds(drawRoundsPlan(seed), true);
    assert.ok(first.eventCount > 50);
    assert.deepEqual(second.log, first.log);
    assert.equal(second.traceHash, first.traceHash);
  }
  const plan = drawRoundsPlan(1);
  const { traceHash } = await simulateRounds(plan);
  assert.notEqual((await simulateRounds({ ...plan, seed: 2 })).traceHash, traceHash);
});
