/**
 * The long run of tests/e2e/rounds_load_test.ts: 100 clients over sockets and 1,000 rounds, or as many as `--clients N`
 * and `--rounds N` say; every aggregate is computed anew. `STX_SEED` plays a run again. Prints the rate and what the
 * server takes; exits 0 only if all agree. Linux only: it reads /proc.
 * @module
 */
import { parseArgs } from "node:util";
import { print, printError } from "../../scripts/print.ts";
import { formatSize } from "../../scripts/units.ts";
import { chosenSeed } from "../support/random.ts";
import { withGroup } from "../support/rounds_group.ts";
import { clientNames, makeLoad } from "../support/rounds_load.ts";

/** A load that takes longer hangs. */
const HANG_GUARD_MS = 1_800_000;

/** Runs the load; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { clients: { type: "string", default: "100" }, rounds: { type: "string", default: "1000" } },
  });
  const [clientCount, roundCount] = [Number(values.clients), Number(values.rounds)];
  const seed = chosenSeed();
  print(`seed ${seed}, ${clientCount} clients, ${roundCount} rounds`);
  try {
    await withGroup(clientNames(clientCount), async (group) => {
      const result = await makeLoad(group, { clientCount, roundCount, seed });
      const { seconds, serverPeakBytes, serverCpuSeconds, productLength } = result;
      const perSecond = (count: number) => (count / seconds).toFixed(count / seconds < 100 ? 1 : 0);
      print(
        `${perSecond(roundCount)} rounds a second, ${perSecond(roundCount * clientCount)} values a second`,
      );
      print(
        `server: peak ${formatSize(serverPeakBytes)}, ${
          (serverCpuSeconds / seconds * 100).toFixed(0)
        } % of a core`,
      );
      print(`products of up to ${productLength} characters`);
    }, HANG_GUARD_MS);
    print(`all ${clientCount * roundCount} aggregates as computed here; each value counted once, none lost`);
    return 0;
  } catch (error) {
    printError(`failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
