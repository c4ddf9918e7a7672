/**
 * The long simulation, of transfers or with `--protocol rounds` of the rounds protocol: 100,000 runs, or as many as `--runs N` says from `--seed N` on, shared out among the processors.
 * Exits 0 only if everything held in all of them; the seeds of those that failed can be played with `deno task sim`.
 * @module
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { print, printProgress } from "../../scripts/print.ts";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import {
  type Campaign,
  describeCampaign,
  parseSimProtocol,
  type SimProtocol,
  sumOf,
} from "../sim/campaign.ts";

/** Runs of one process: its memory goes with it. */
const BATCH_RUNS = 1_000;

async function playBatch(protocol: SimProtocol, seed: number, runs: number): Promise<Campaign> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "tests/sim/main.ts",
      "--json",
      "--all",
      "--protocol",
      protocol,
      "--seed",
      String(seed),
      "--runs",
      String(runs),
    ],
    cwd: PROJECT_FOLDER,
    stdout: "piped",
    stderr: "piped",
  }).output();
  try {
    return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!) as Campaign;
  } catch (cause) {
    throw new Error(`The runs from seed ${seed} on broke off: ${new TextDecoder().decode(stderr)}`, {
      cause,
    });
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      protocol: { type: "string", default: "stx" },
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "100000" },
    },
  });
  const protocol = parseSimProtocol(values.protocol);
  const startMs = performance.now();
  const firstSeed = Number(values.seed);
  const endSeed = firstSeed + Number(values.runs);
  const campaigns: Campaign[] = [];
  let next = firstSeed;
  const work = async (): Promise<void> => {
    while (next < endSeed) {
      const seed = next;
      const runs = Math.min(BATCH_RUNS, endSeed - seed);
      next += runs;
      const campaign = await playBatch(protocol, seed, runs);
      campaigns.push(campaign);
      for (const failed of campaign.failures) {
        print(`seed ${failed} failed: deno task sim --protocol ${protocol} --seed ${failed} --runs 1`);
      }
      printProgress(`${next - firstSeed} of ${endSeed - firstSeed} runs`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  printProgress("");
  const sum = sumOf(campaigns);
  print(describeCampaign(sum, (performance.now() - startMs) / 1000, protocol));
  return sum.failures.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
