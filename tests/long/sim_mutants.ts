/**
 * Whether the simulation finds mistakes: makes each of `tests/sim/mutants.ts`, or with `--protocol rounds` of
 * `tests/sim/rounds/mutants.ts`, in a copy of the sources, and plays runs until one fails. Prints how many it took; exits 1
 * if a mistake was not found. `deno task sim:mutants [--protocol stx|rounds] [--runs N] [NAME]...`
 * @module
 */
import { parseArgs } from "node:util";
import { print, printProgress } from "../../scripts/print.ts";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { parseSimProtocol, type SimProtocol } from "../sim/campaign.ts";
import { type Mutant, MUTANTS } from "../sim/mutants.ts";
import { ROUNDS_MUTANTS } from "../sim/rounds/mutants.ts";

/** What of the project a copy needs. */
const COPIED = ["lib", "cli", "scripts", "tests", "deno.json", "deno.lock"];

/** How many runs it took to find a mistake, and what was found; `undefined` if it was not. */
async function play(
  folder: string,
  protocol: SimProtocol,
  runs: number,
): Promise<{ runs: number; found: string } | undefined> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--cached-only",
      "tests/sim/main.ts",
      "--protocol",
      protocol,
      "--seed",
      "1",
      "--runs",
      String(runs),
      "--json",
    ],
    cwd: folder,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return undefined;
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  try {
    const campaign = JSON.parse(lines.at(-1)!);
    return { runs: campaign.runs, found: campaign.found };
  } catch {
    return { runs: 0, found: `the copy does not run: ${new TextDecoder().decode(stderr).trim()}` };
  }
}

async function tryMutant(
  folder: string,
  protocol: SimProtocol,
  mutant: Mutant,
  runs: number,
): Promise<boolean> {
  const path = `${folder}/${mutant.file}`;
  const source = await Deno.readTextFile(path);
  if (source.split(mutant.from).length !== 2) {
    print(`STALE   ${mutant.name}: its text does not stand once in ${mutant.file}`);
    return false;
  }
  printProgress(mutant.name);
  await Deno.writeTextFile(path, source.replace(mutant.from, () => mutant.to));
  const result = await play(folder, protocol, runs);
  await Deno.writeTextFile(path, source);
  printProgress("");
  print(
    result === undefined
      ? `MISSED  ${mutant.name}, in ${runs} runs`
      : `run ${String(result.runs).padStart(4)}  ${mutant.name}: ${result.found}`,
  );
  return result !== undefined && result.runs > 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { protocol: { type: "string", default: "stx" }, runs: { type: "string", default: "1000" } },
    allowPositionals: true,
  });
  const protocol = parseSimProtocol(values.protocol);
  const mutants = protocol === "stx" ? MUTANTS : ROUNDS_MUTANTS;
  const wanted = mutants.filter(({ name }) =>
    positionals.length === 0 || positionals.some((part) => name.includes(part))
  );
  const folder = await Deno.makeTempDir({ prefix: "stx-mutants-" });
  let found = 0;
  try {
    await new Deno.Command("cp", { args: ["-r", ...COPIED, folder], cwd: PROJECT_FOLDER }).output();
    for (const mutant of wanted) {
      if (await tryMutant(folder, protocol, mutant, Number(values.runs))) found += 1;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  print(`${wanted.length} mistakes made, ${found} found`);
  return found === wanted.length ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
