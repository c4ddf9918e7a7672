/**
 * The long run of tests/e2e/random_kills_test.ts: 20 rounds of 256 MiB, or as many and as large as `--rounds N`
 * and `--size MIB` say. `STX_SEED` plays a run again. Exits 0 only if every round held.
 * @module
 */
import { parseArgs } from "node:util";
import { print, printError } from "../../scripts/print.ts";
import { sendUnderKills } from "../support/kills.ts";
import { chosenSeed } from "../support/random.ts";
import { withStage } from "../support/stage.ts";

const MIB = 1024 * 1024;
const KILLS_PER_ROUND = 6;

/** Runs all rounds; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { rounds: { type: "string" }, size: { type: "string" } },
  });
  const roundCount = Number(values.rounds ?? 20);
  const sizeBytes = Number(values.size ?? 256) * MIB;
  const seed = chosenSeed();
  print(`seed ${seed}, ${roundCount} rounds of ${sizeBytes / MIB} MiB`);
  let failureCount = 0;
  for (let round = 0; round < roundCount; round++) {
    const start = performance.now();
    const name = `round ${round + 1}`;
    try {
      await withStage(async (stage) => {
        const { kills, extraBytes } = await sendUnderKills(stage, {
          sizeBytes,
          killCount: KILLS_PER_ROUND,
          seed: seed + round,
        });
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        print(
          `${name}: ${kills.length} kills, ${
            (extraBytes / MIB).toFixed(1)
          } MiB beside the file, ${seconds} s`,
        );
      });
    } catch (error) {
      failureCount += 1;
      printError(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  print(`${roundCount - failureCount} passed, ${failureCount} failed`);
  return failureCount === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
