/**
 * The shortest schedule that still goes wrong: faults are left out one after the other for as long as anything that must
 * hold does not.
 * @module
 */
import type { Fault, Plan } from "./plan.ts";
import { type RunResult, simulate } from "./simulate.ts";

/** Leaves out of a failed run's plan what is not needed for it to fail; plays what is left, with every event kept. */
export async function shrink(plan: Plan): Promise<RunResult> {
  let shortest = plan;
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (const smaller of smallerThan(shortest)) {
      const { violations } = await simulate(smaller);
      if (violations.length === 0) continue;
      shortest = smaller;
      hasChanged = true;
      break;
    }
  }
  return await simulate(shortest, true);
}

/** The plan with one thing less, whatever can be left out. */
export function* smallerThan(plan: Plan): Generator<Plan> {
  for (let i = 0; i < plan.faults.length; i++) yield { ...plan, faults: plan.faults.toSpliced(i, 1) };
  // The last sender alone, since faults name the others by their numbers; and with it what concerns nobody else.
  if (plan.senders.length > 1) {
    const last = plan.senders.length - 1;
    const concernsLast = (fault: Fault): boolean =>
      ("sender" in fault && fault.sender === last) || ("who" in fault && fault.who === `sender${last}`);
    yield {
      ...plan,
      senders: plan.senders.slice(0, last),
      faults: plan.faults.filter((fault) => !concernsLast(fault)),
    };
  }
  for (let i = 0; i < plan.inbox.length; i++) {
    const { path } = plan.inbox[i]!;
    yield {
      ...plan,
      inbox: plan.inbox.filter((item) => item.path !== path && !item.path.startsWith(`${path}/`)),
    };
  }
}
