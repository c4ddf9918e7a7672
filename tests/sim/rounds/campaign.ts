/**
 * Many runs of the rounds protocol, one seed after the other; what they came to together is told as with transfers.
 * @module
 */
import { type Campaign, type CampaignOptions, describeRun, playSeeds } from "../campaign.ts";
import { drawRoundsPlan } from "./draw.ts";
import type { RoundsFault, RoundsPlan } from "./plan.ts";
import { type RoundsRunResult, simulateRounds } from "./simulate.ts";

/** Plays the plans of `runs` seeds from `seed` on. */
export async function playRoundsCampaign(options: CampaignOptions<RoundsRunResult>): Promise<Campaign> {
  return await playSeeds(options, (seed) => simulateRounds(drawRoundsPlan(seed)), nameOf);
}

/** What a fault counts as. */
function nameOf(fault: RoundsFault): string {
  const who = "who" in fault ? fault.who.replace(/[0-9]+$/, "") : "";
  switch (fault.kind) {
    case "line":
      return fault.fault.kind === "cut" ? `line: cut (${fault.fault.how})` : `line: ${fault.fault.kind}`;
    case "crash":
    case "crashAt":
      return `crash: ${who} ${fault.isPowerLoss ? "loses power" : "is killed"}`;
    case "error":
      return `error: ${who} ${fault.code} at ${fault.step}`;
    case "pause":
      return `pause: ${who}`;
    case "clock":
      return `clock: ${fault.byMs < 0 ? "back" : "forward"}`;
    case "deviant":
      return `deviant: ${fault.how}`;
    default:
      return fault.kind;
  }
}

/**
 * Leaves out of a failed run's plan what is not needed for it to fail; plays what is left, with every event kept.
 */
export async function shrinkRounds(plan: RoundsPlan): Promise<RoundsRunResult> {
  let shortest = plan;
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (const smaller of smallerThan(shortest)) {
      if ((await simulateRounds(smaller)).violations.length === 0) continue;
      shortest = smaller;
      hasChanged = true;
      break;
    }
  }
  return await simulateRounds(shortest, true);
}

/** The plan with one thing less, whatever can be left out. */
function* smallerThan(plan: RoundsPlan): Generator<RoundsPlan> {
  const { faults, clients } = plan;
  for (let i = 0; i < faults.length; i++) yield { ...plan, faults: faults.toSpliced(i, 1) };
  const last = clients.length - 1;
  const isNeeded = faults.some((fault) =>
    ("client" in fault && fault.client === last) || ("who" in fault && fault.who === `client${last}`)
  );
  if (last > 0 && last >= plan.minClients && !isNeeded) yield { ...plan, clients: clients.slice(0, -1) };
  if (plan.roundsMax !== undefined) yield { ...plan, roundsMax: undefined };
  for (const [i, client] of clients.entries()) {
    if (client.rounds > 1) {
      yield { ...plan, clients: clients.with(i, { ...client, rounds: client.rounds >> 1 }) };
    }
  }
}

/** What a failed run was about: its seed, what went wrong, and what happened last. */
export function describeRoundsFailure(result: RoundsRunResult, eventsShown: number): string {
  const { clients, minClients } = result.plan;
  return describeRun(result, `with ${clients.length} clients, ${minClients} for a round`, eventsShown);
}
