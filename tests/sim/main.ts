/**
 * Plays simulated transfers, or with `--protocol rounds` simulated groups of the rounds protocol:
 * `deno task sim [--protocol stx|rounds] [--seed N] [--runs M] [--json] [--all] [--events N] [--plan]`. Each run has a
 * seed of its own, counted up from N, and everything that happens in it follows from that. The first run in which
 * something does not hold is shown with the shortest schedule that was found, and ends it; with `--all` it goes on.
 * @module
 */
import { parseArgs } from "node:util";
import { print } from "../../scripts/print.ts";
import {
  type Campaign,
  describeCampaign,
  describeFailure,
  parseSimProtocol,
  playCampaign,
} from "./campaign.ts";
import { describeRoundsFailure, playRoundsCampaign, shrinkRounds } from "./rounds/campaign.ts";
import { shrink } from "./shrink.ts";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      protocol: { type: "string", default: "stx" },
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "1000" },
      events: { type: "string", default: "60" },
      all: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      plan: { type: "boolean", default: false },
    },
  });
  const startMs = performance.now();
  const protocol = parseSimProtocol(values.protocol);
  const range = { seed: Number(values.seed), runs: Number(values.runs) };
  /** Shows the shortest schedule of a run in which something did not hold; says whether to go on. */
  const onFailure = async (explain: () => Promise<{ readonly text: string; readonly plan: unknown }>) => {
    if (values.json) return values.all;
    const { text, plan } = await explain();
    print(text);
    if (values.plan) print(JSON.stringify(plan));
    return values.all;
  };
  const eventsShown = Number(values.events);
  const campaign: Campaign = protocol === "stx"
    ? await playCampaign({
      ...range,
      onRun: (result) =>
        result.violations.length === 0 || onFailure(async () => {
          const shortest = await shrink(result.plan);
          return { text: describeFailure(shortest, eventsShown), plan: shortest.plan };
        }),
    })
    : await playRoundsCampaign({
      ...range,
      onRun: (result) =>
        result.violations.length === 0 || onFailure(async () => {
          const shortest = await shrinkRounds(result.plan);
          return { text: describeRoundsFailure(shortest, eventsShown), plan: shortest.plan };
        }),
    });
  const seconds = (performance.now() - startMs) / 1000;
  print(
    values.json ? JSON.stringify({ ...campaign, seconds }) : describeCampaign(campaign, seconds, protocol),
  );
  return campaign.failures.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
