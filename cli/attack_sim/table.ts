/**
 * What the simulator says: lines for people, and events for programs.
 * @module
 */
import type { Events } from "../events.ts";
import { aligned } from "../help.ts";
import { formatDuration } from "../values.ts";
import type { Attack, EndError } from "./attack.ts";
import { describeErrors, isProved, type Verdict } from "./run.ts";

/** The ends, as users know them. */
const END_NAMES = {
  stx: { client: "sender", server: "receiver" },
  rounds: { client: "client", server: "server" },
} as const;
const NAME_WIDTH = 23;
const VERDICT_WIDTH = 9;
const NOTICED_WIDTH = 29;

/** Each attack with what its attacker wants, in 80 columns. */
export function listLines(attacks: readonly Attack[]): readonly string[] {
  return aligned(attacks.map(({ protocol, name, goal }) => [`${protocol.padEnd(6)} ${name}`, goal]));
}

/** What stands above the table. */
export function tableHead(seed: number): readonly string[] {
  return [
    `Seed ${seed}. Each attack on the real ends, then with its defences off.`,
    "",
    `${"        attack".padEnd(8 + NAME_WIDTH)} ${"verdict".padEnd(VERDICT_WIDTH)} ${
      "noticed by".padEnd(NOTICED_WIDTH)
    } control`,
  ];
}

/** A row of the table, and what is wrong where something is. */
export function verdictLines(verdict: Verdict): readonly string[] {
  const { attack, problem } = verdict;
  const row = `${attack.protocol.padEnd(7)} ${attack.name.padEnd(NAME_WIDTH)} ${
    verdictWord(verdict).padEnd(VERDICT_WIDTH)
  } ${noticedBy(verdict).padEnd(NOTICED_WIDTH)} ${controlWord(verdict)}`;
  const lines = [row.trimEnd()];
  if (problem !== "") lines.push(`        ${problem}`);
  for (const line of controlProblems(verdict)) lines.push(`        ${line}`);
  return lines;
}

/** What did not come out as it must in a verdict's controls. */
export function controlProblems({ attack, controls, seed }: Verdict): readonly string[] {
  const lines: string[] = [];
  for (const { off, holds, played } of controls) {
    if (holds) continue;
    const isWhole = off.length === attack.defences.length;
    lines.push(
      played.isBrokenOff
        ? `The control without ${off.join(", ")} has broken off. ${played.evidence}`
        : isWhole
        ? `The control proves nothing: without ${
          off.join(", ")
        } the attack still fails (${played.evidence}; ${describeErrors(played)})`
        : `The set of defences is too large: without ${off.join(", ")} alone the attack succeeds already`,
    );
  }
  if (seed !== undefined && !seed.holds) {
    lines.push(`On the first design's protocol it came out otherwise than it must: ${seed.played.evidence}`);
  }
  return lines;
}

/** What stands below the table. */
export function summaryLine(
  verdicts: readonly Verdict[],
  seed: number,
  elapsedMs: number,
): readonly string[] {
  const count = (kind: Attack["expected"]["kind"]) =>
    verdicts.filter((verdict) => isProved(verdict) && verdict.attack.expected.kind === kind).length;
  const controls = verdicts.filter(({ attack }) => attack.defences.length > 0).length;
  const failed = verdicts.filter((verdict) => !isProved(verdict)).length;
  const played = verdicts.reduce((sum, { controls, seed }) => sum + 1 + controls.length + (seed ? 1 : 0), 0);
  const lines = [
    `${verdicts.length} attacks: ${count("stopped")} stopped, ${count("survived")} survived, ` +
    `${count("bounded")} held within bounds, ${failed} not as it must be.`,
    `${controls} have a control that succeeds. ${played} plays in ${formatDuration(elapsedMs)}.`,
  ];
  if (failed > 0) lines.push(`stx attack-sim --seed ${seed} repeats this.`);
  return lines;
}

/** What `--json` says of a verdict. */
export function verdictEvent(verdict: Verdict): Events["verdict"] {
  const { attack, played, controls, seed, problem, elapsedMs } = verdict;
  const { expected } = attack;
  const side = expected.kind === "stopped" ? expected.at : null;
  const noticed: EndError | undefined = side === null ? undefined : played.errors[side];
  const problems = [...problem === "" ? [] : [problem], ...controlProblems(verdict)];
  return {
    protocol: attack.protocol,
    attack: attack.name,
    verdict: isProved(verdict) ? expected.kind === "stopped" ? "stopped" : "survived" : "failed",
    error: noticed?.code ?? null,
    side: noticed === undefined ? null : side,
    message: noticed?.message ?? null,
    control: controls.length === 0
      ? "none"
      : controls.every((control) => control.holds)
      ? "succeeded"
      : "failed",
    goal: attack.goal,
    defences: attack.defences,
    bounds: played.bounds ?? [],
    firstDesign: seed === undefined ? null : seed.played.hasSucceeded ? "succeeded" : "stopped",
    problem: problems.length === 0 ? null : problems.join(" "),
    elapsedMs: Math.round(elapsedMs),
  };
}

function verdictWord(verdict: Verdict): string {
  return isProved(verdict) ? verdict.attack.expected.kind : "FAILED";
}

function noticedBy({ attack, played }: Verdict): string {
  const { expected, protocol } = attack;
  if (expected.kind === "survived") return "arrived intact";
  if (expected.kind === "bounded") return "";
  const error = played.errors[expected.at];
  return error === undefined ? "" : `${END_NAMES[protocol][expected.at]}: ${error.code}`;
}

function controlWord({ attack, controls }: Verdict): string {
  if (controls.length === 0) return attack.expected.kind === "bounded" ? "measured" : "";
  return controls.at(-1)!.played.hasSucceeded ? "succeeds" : "FAILS";
}
