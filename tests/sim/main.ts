/**
 * Plays simulated transfers: `deno task sim [--seed N] [--runs M] [--json] [--all] [--events N] [--plan]`. Each run has a
 * seed of its own, counted up from N, and everything that happens in it follows from that. The first run in which
 * something does not hold is shown with the shortest schedule that was found, and ends it; with `--all` it goes on.
 * @module
 */
import { parseArgs } from "node:util";
import { print } from "../../scripts/print.ts";
import { type Campaign, describeCampaign, describeFailure, playCampaign } from "./campaign.ts";
import { shrink } from "./shrink.ts";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "1000" },
      events: { type: "string", default: "60" },
      all: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      plan: { type: "boolean", default: false },
    },
  });
  const startMs = performance.now();
  const campaign: Campaign = await playCampaign({
    seed: Number(values.seed),
    runs: Number(values.runs),
    async onRun(result) {
      if (result.violations.length === 0) return true;
      if (!values.json) {
        const shortest = await shrink(result.plan);
        print(describeFailure(shortest, Number(values.events)));
        if (values.plan) print(JSON.stringify(shortest.plan));
      }
      return values.all;
    },
  });
  const seconds = (performance.now() - startMs) / 1000;
  print(values.json ? JSON.stringify({ ...campaign, seconds }) : describeCampaign(campaign, seconds));
  return campaign.failures.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
