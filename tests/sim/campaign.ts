/**
 * Many runs, one seed after the other, and what they came to together.
 * @module
 */
import { drawPlan } from "./draw.ts";
import type { Fault } from "./plan.ts";
import { type RunResult, simulate } from "./simulate.ts";

/** Which protocol a simulation is about: transfers, or rounds. */
export type SimProtocol = "stx" | "rounds";

/** The protocol that an option names; throws for anything else. */
export function parseSimProtocol(name: string): SimProtocol {
  if (name === "stx" || name === "rounds") return name;
  throw new Error(`There is no protocol "${name}": write stx or rounds`);
}

/** What many runs came to. */
export interface Campaign {
  readonly runs: number;
  readonly events: number;
  /** Senders' processes that ended with a receipt, and without; of rounds, values that were answered, and were not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Partial<Record<string, number>>>;
  /** Seeds in whose runs something did not hold. */
  readonly failures: readonly number[];
  /** What did not hold in the first of them; empty if there is none. */
  readonly found: string;
}

/** What a campaign has to know of a run, whichever protocol it is about. */
export interface CampaignRun<F> {
  readonly plan: { readonly seed: number; readonly faults: readonly F[] };
  /** Which of the faults happened. */
  readonly happened: Iterable<number>;
  readonly eventCount: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly violations: readonly string[];
  readonly log: readonly string[];
}

/** Which runs, and who is told of them. */
export interface CampaignOptions<R> {
  readonly seed: number;
  readonly runs: number;
  /** Is told of every run; ends the campaign by returning `false`. */
  readonly onRun: (result: R) => boolean | Promise<boolean>;
}

/** Plays the plans of `runs` seeds from `seed` on. */
export async function playCampaign(options: CampaignOptions<RunResult>): Promise<Campaign> {
  return await playSeeds(options, (seed) => simulate(drawPlan(seed)), nameOf);
}

/** Plays `runs` seeds from `seed` on; faults are counted by the names that `nameOf` gives them. */
export async function playSeeds<F, R extends CampaignRun<F>>(
  { seed, runs, onRun }: CampaignOptions<R>,
  play: (seed: number) => Promise<R>,
  nameOf: (fault: F) => string,
): Promise<Campaign> {
  let [count, events, succeeded, failed] = [0, 0, 0, 0];
  const faults: Partial<Record<string, number>> = {};
  const failures: number[] = [];
  let found = "";
  for (let at = seed; at < seed + runs; at++) {
    const result = await play(at);
    count += 1;
    events += result.eventCount;
    succeeded += result.succeeded;
    failed += result.failed;
    for (const i of result.happened) {
      const name = nameOf(result.plan.faults[i]!);
      faults[name] = (faults[name] ?? 0) + 1;
    }
    if (result.violations.length > 0) {
      failures.push(at);
      if (found === "") found = result.violations[0]!.split("\n")[0]!;
    }
    if (!await onRun(result)) break;
  }
  return { runs: count, events, succeeded, failed, faults, failures, found };
}

/** What a fault counts as. */
function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case "line":
      return fault.fault.kind === "cut" ? `line: cut (${fault.fault.how})` : `line: ${fault.fault.kind}`;
    case "crash":
    case "crashAt": {
      const who = fault.who === "receiver" ? "receiver" : "sender";
      return `crash: ${who} ${fault.isPowerLoss ? "loses power" : "is killed"}`;
    }
    case "error":
      return `error: ${fault.code} at ${fault.step}`;
    case "slow":
      return `slow: ${fault.step}`;
    case "source":
      return `source: ${fault.change}`;
    case "clock":
      return `clock: ${fault.byMs < 0 ? "back" : "forward"}`;
    default:
      return fault.kind;
  }
}

/** Several campaigns as one. */
export function sumOf(campaigns: readonly Campaign[]): Campaign {
  const faults: Partial<Record<string, number>> = {};
  for (const campaign of campaigns) {
    for (const [name, count] of Object.entries(campaign.faults)) faults[name] = (faults[name] ?? 0) + count!;
  }
  const sum = (of: (campaign: Campaign) => number) => campaigns.reduce((total, each) => total + of(each), 0);
  return {
    runs: sum((each) => each.runs),
    events: sum((each) => each.events),
    succeeded: sum((each) => each.succeeded),
    failed: sum((each) => each.failed),
    faults,
    failures: campaigns.flatMap((each) => each.failures).sort((a, b) => a - b),
    found: campaigns.find((each) => each.found !== "")?.found ?? "",
  };
}

/** A campaign as lines of text. */
export function describeCampaign(campaign: Campaign, seconds: number, protocol: SimProtocol = "stx"): string {
  const { runs, events, succeeded, failed, faults, failures } = campaign;
  const names = Object.keys(faults).sort();
  const total = names.reduce((sum, name) => sum + faults[name]!, 0);
  return [
    `${runs} runs, ${events} events, ${(runs / seconds).toFixed(1)} runs a second`,
    protocol === "stx"
      ? `senders: ${succeeded} ended with a receipt, ${failed} without`
      : `values: ${succeeded} were answered, ${failed} were sent and were not`,
    `${total} faults happened:`,
    ...names.map((name) => `${String(faults[name]).padStart(8)}  ${name}`),
    failures.length === 0
      ? "everything held that must hold"
      : `something did not hold in ${failures.length} runs, with the seeds ${
        failures.slice(0, 20).join(", ")
      }`,
  ].join("\n");
}

/** What a failed run was about: its seed, what went wrong, and what happened last. */
export function describeFailure(result: RunResult, eventsShown: number): string {
  const { conflict, senders } = result.plan;
  return describeRun(result, `with the policy ${conflict}, ${senders.length} senders`, eventsShown);
}

/** The same of any protocol; `setting` says in a few words what was there besides the faults. */
export function describeRun<F>(
  { plan, violations, log }: CampaignRun<F>,
  setting: string,
  eventsShown: number,
): string {
  return [
    `seed ${plan.seed}:`,
    ...violations.map((each) => `  ${each}`),
    `${setting}, and of the faults no more than:`,
    ...plan.faults.map((fault) => `  ${JSON.stringify(fault)}`),
    "its last events:",
    ...log.slice(Math.max(0, log.length - eventsShown)).map((line) => `  ${line}`),
  ].join("\n");
}
