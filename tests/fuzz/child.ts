/**
 * Does a part of the fuzzing in a process whose memory is capped: `child.ts SEED RUNS NAME...`, or `child.ts replay`,
 * which tries the corpus. Prints a line of JSON before each part, and one behind it.
 * @module
 */
import { fromHex } from "../../lib/bytes/bytes.ts";
import { print } from "../../scripts/print.ts";
import { countAllocations } from "./bounds.ts";
import { CORPUS } from "./corpus.ts";
import { tryInput } from "./engine.ts";
import { type Report, runPlay, runSeries, seriesNames } from "./series.ts";
import { TARGETS } from "./targets.ts";

async function replay(): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (const { name, input, seed, why } of CORPUS) {
    if (seed !== undefined) {
      reports.push(await runPlay(name, seed));
      continue;
    }
    const target = TARGETS.find((each) => each.name === name);
    const result = target === undefined
      ? { problem: `There is no target ${name}` }
      : await tryInput(target, fromHex(input!));
    const report = { name, seed: 0, runs: 1 };
    reports.push(
      typeof result === "string"
        ? report
        : { ...report, problem: `${why}\n${result.problem}`, input: input! },
    );
  }
  return reports;
}

async function main(args: readonly string[]): Promise<number> {
  countAllocations();
  let failed = false;
  const report = (result: Report) => {
    print(JSON.stringify(result));
    failed ||= result.problem !== undefined;
  };
  if (args[0] === "replay") {
    for (const result of await replay()) report(result);
    return failed ? 1 : 0;
  }
  const [seed, runs] = args.slice(0, 2).map(Number);
  for (const name of seriesNames(args.slice(2))) {
    print(JSON.stringify({ name, seed, begins: true }));
    report(await runSeries(name, seed!, runs!));
  }
  return failed ? 1 : 0;
}

Deno.exit(await main(Deno.args));
