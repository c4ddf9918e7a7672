/** Simulated transfers: plans that have once found something, and that a seed decides everything. */
import assert from "node:assert/strict";
import { describeFailure } from "./campaign.ts";
import { drawPlan } from "./draw.ts";
import { SEEDS } from "./seeds.ts";
import { smallerThan } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const EVENTS_SHOWN = 60;

for (const { found, plan } of SEEDS) {
  Deno.test(`seed ${plan.seed} no longer finds this: ${found}`, async () => {
    const result = await simulate(plan, true);
    assert.deepEqual(result.violations, [], describeFailure(result, EVENTS_SHOWN));
  });
}

Deno.test("without faults every transfer that may arrive does", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const drawn = drawPlan(seed);
    const plan = { ...drawn, conflict: "rename" as const, faults: [] };
    const result = await simulate(plan, true);
    assert.deepEqual(result.violations, [], describeFailure(result, EVENTS_SHOWN));
    assert.equal(result.succeeded, plan.senders.length);
    assert.equal(result.failed, 0);
  }
});

Deno.test("a seed decides everything: played twice, the same happens at the same times", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const first = await simulate(drawPlan(seed), true);
    const second = await simulate(drawPlan(seed), true);
    assert.ok(first.eventCount > 50);
    assert.deepEqual(second.log, first.log);
    assert.equal(second.traceHash, first.traceHash);
  }
});

Deno.test("a shorter schedule names no sender that is left out", () => {
  let leftOut = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const plan = drawPlan(seed);
    for (const smaller of smallerThan(plan)) {
      leftOut += plan.senders.length - smaller.senders.length;
      for (const fault of smaller.faults) {
        const name = "sender" in fault ? fault.sender : "who" in fault ? fault.who.replace("sender", "") : 0;
        if (name !== "receiver") assert.ok(Number(name) < smaller.senders.length);
      }
    }
  }
  assert.ok(leftOut > 0);
});

Deno.test("another seed is another run", async () => {
  const plan = drawPlan(1);
  const { traceHash } = await simulate(plan);
  assert.notEqual((await simulate({ ...plan, seed: 2 })).traceHash, traceHash);
});
