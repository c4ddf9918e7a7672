/**
 * Fuzzes for as long as it may, each time with another seed, in a process whose memory is capped:
 * `deno task fuzz [--seconds N] [--seed N] [TARGET]...`. A target is a name, or the beginning of names: `wire`,
 * `identity`, `rounds`, `names`, `cli`, `sessions`, `handshakes`. What is found is printed as it goes into
 * tests/fuzz/corpus/corpus.json. Exits 1 if something is.
 * @module
 */
import { parseArgs } from "node:util";
import { print, printProgress } from "../../scripts/print.ts";
import { CHILD, runCapped } from "../fuzz/capped.ts";
import { PLAY_NAMES, type Report, seriesNames } from "../fuzz/series.ts";

/** Inputs of one target before the next has its turn: a second or two for each. */
const RUNS = "4000";

interface Tally {
  runs: number;
  findings: number;
}

/** One process, which does every target once; says whether it ended by itself. */
async function once(seed: number, names: readonly string[], endMs: number, tally: Tally): Promise<boolean> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), Math.max(0, endMs - Date.now()));
  const child = runCapped(CHILD, [String(seed), RUNS, ...names], ending.signal);
  const stderr = new Response(child.stderr).text();
  let last = "";
  let open = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (open + text).split("\n");
    open = lines.pop()!;
    for (const line of lines) {
      last = line;
      const report = JSON.parse(line) as Report & { readonly begins?: true };
      if (report.begins) printProgress(`seed ${seed}: ${report.name}`);
      else count(report, tally);
    }
  }
  const { code } = await child.status;
  clearTimeout(timer);
  if (ending.signal.aborted) return true;
  if (code > 1) {
    tally.findings++;
    print(`The process ended with ${code} behind ${last}:\n${(await stderr).slice(-2000)}`);
  } else {
    await stderr;
  }
  return code <= 1;
}

function count({ name, seed, runs, problem, input }: Report, tally: Tally): void {
  tally.runs += runs;
  if (problem === undefined) return;
  tally.findings++;
  printProgress("");
  print(`${name}, seed ${seed}: ${problem}`);
  const found = PLAY_NAMES.includes(name) ? { seed: Number(input) } : { input };
  print(JSON.stringify({ name, why: problem.split("\n")[0], ...found }));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
    allowPositionals: true,
  });
  const names = seriesNames(positionals);
  if (names.length === 0) {
    print(`There is no such target. There are: ${seriesNames([]).join(", ")}`);
    return 2;
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const endMs = Date.now() + 1000 * Number(values.seconds);
  const tally: Tally = { runs: 0, findings: 0 };
  let turns = 0;
  while (Date.now() < endMs && await once(seed + turns, names, endMs, tally)) turns++;
  printProgress("");
  print(`seeds ${seed} to ${seed + turns}: ${tally.runs} inputs and plays, ${tally.findings} findings`);
  return tally.findings === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
