/**
 * `stx attack-sim`: plays the attacks on both protocols, and shows what each comes to.
 * @module
 */
import { deferred } from "../lib/bytes/deferred.ts";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import type { Attack } from "./attack_sim/attack.ts";
import { ATTACKS } from "./attack_sim/catalog.ts";
import { isProved, runAttack, type Verdict } from "./attack_sim/run.ts";
import { listLines, summaryLine, tableHead, verdictEvent, verdictLines } from "./attack_sim/table.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { onStopSignal, statusOf } from "./signals.ts";
import { nearest } from "./suggest.ts";
import type { Output } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Seeds have 32 bits. */
const SEED_MAX = 2 ** 32 - 1;

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const [first, ...names] = command.positionals;
  const isProxy = first === "proxy";
  const seed = seedOf(valueOf(command, "seed"));
  if (isProxy) {
    const { runProxy } = await import("./attack_sim/proxy.ts");
    return await runProxy(command, names, seed, output);
  }
  for (const option of ["listen", "upstream"] as const) {
    if (valueOf(command, option) !== undefined) {
      throw new StxError("usage", `Option --${option} has a meaning for stx attack-sim proxy alone`, {
        hint: "write the word proxy behind attack-sim",
      });
    }
  }
  const attacks = chooseAttacks(command, command.positionals);
  if (isSet(command, "list")) {
    output.print(...listLines(attacks));
    return 0;
  }
  const report = valueOf(command, "report");
  // Found out before the work, not behind it; an older report stays until there is another one.
  if (report !== undefined) {
    toReport(report, () => Deno.openSync(report, { append: true, create: true }).close());
  }
  return await playAll(attacks, seed, report, output, isSet(command, "json"));
}

async function playAll(
  attacks: readonly Attack[],
  seed: number,
  report: string | undefined,
  output: Output,
  isJson: boolean,
): Promise<number> {
  const root = await Deno.makeTempDir({ prefix: "stx-attacks-" });
  const { promise: stopped, resolve } = deferred<number>();
  const ignore = onStopSignal((signal) => resolve(statusOf(signal)));
  try {
    return await Promise.race([playIn(root, attacks, seed, report, output, isJson), stopped]);
  } finally {
    ignore();
    Deno.removeSync(root, { recursive: true });
  }
}

async function playIn(
  root: string,
  attacks: readonly Attack[],
  seed: number,
  report: string | undefined,
  output: Output,
  isJson: boolean,
): Promise<number> {
  const startMs = performance.now();
  const verdicts: Verdict[] = [];
  if (!isJson) output.print(...tableHead(seed));
  for (const attack of attacks) {
    if (output.progressColumns() !== undefined) output.drawLine(`  ${attack.name} ...`);
    const verdict = await runAttack(attack, seed, root);
    if (output.progressColumns() !== undefined) output.drawLine("");
    verdicts.push(verdict);
    output.event("verdict", verdictEvent(verdict));
    if (!isJson) output.print(...verdictLines(verdict));
  }
  const elapsedMs = performance.now() - startMs;
  const failed = verdicts.filter((verdict) => !isProved(verdict));
  if (report !== undefined) {
    const { reportPage } = await import("./attack_sim/report.ts");
    const about = { version: VERSION, seed, elapsedMs, dateIso: new Date().toISOString() };
    const page = reportPage(verdicts, about);
    toReport(report, () => Deno.writeTextFileSync(report, page));
  }
  output.event("summary", {
    attacks: verdicts.length,
    failed: failed.length,
    seed,
    elapsedMs: Math.round(elapsedMs),
    report: report ?? null,
  });
  if (!isJson) output.print("", ...summaryLine(verdicts, seed, elapsedMs));
  if (!isJson && report !== undefined) output.info(`The report is in ${report}`);
  return failed.length === 0 ? 0 : 1;
}

function toReport(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw diskError(error, "write the report", path);
  }
}

/** The attacks that a command line names; all of the protocol, or of both, if it names none. */
export function chooseAttacks(command: ParsedCommand, words: readonly string[]): readonly Attack[] {
  const protocol = valueOf(command, "protocol") ?? "all";
  const possible = ATTACKS.filter((attack) => protocol === "all" || attack.protocol === protocol);
  const names = [
    ...(valueOf(command, "attack") ?? "").split(","),
    ...words.flatMap((word) => word.split(",")),
  ]
    .map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) return possible;
  for (const name of names) {
    if (possible.some((attack) => attack.name === name)) continue;
    const meant = nearest(name, possible.map((attack) => attack.name));
    throw new StxError("usage", `Unknown attack "${escapeControls(name)}"`, {
      hint: `${meant === undefined ? "" : `did you mean ${meant}? `}stx attack-sim --list shows them all`,
    });
  }
  return possible.filter((attack) => names.includes(attack.name));
}

function seedOf(option: string | undefined): number {
  if (option === undefined) return crypto.getRandomValues(new Uint32Array(1))[0]!;
  const seed = Number(option);
  if (/^[0-9]+$/.test(option) && seed <= SEED_MAX) return seed;
  throw new StxError("usage", `Cannot use --seed "${escapeControls(option)}": it is not a seed`, {
    hint: `write a whole number from 0 to ${SEED_MAX}`,
  });
}
