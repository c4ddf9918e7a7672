/**
 * Everything that can be fuzzed, by one name each: decoders with inputs, and plays with seeds.
 * @module
 */
import { withTempFolder } from "../support/temp_folder.ts";
import { seedOf } from "./dice.ts";
import { fuzzTarget } from "./engine.ts";
import { playHandshake } from "./handshakes.ts";
import { playRounds } from "./rounds_sessions.ts";
import { playSession } from "./sessions.ts";
import { TARGETS } from "./targets.ts";

/** What came of one part of the work; printed as one line of JSON. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly runs: number;
  /** What is wrong, if something is. */
  readonly problem?: string;
  /** The input, in hexadecimal, or the seed of the play, that shows it. */
  readonly input?: string;
}

/** Plays whole sessions, one for each seed. */
const PLAYS: Readonly<Record<string, (seed: number) => Promise<unknown>>> = {
  sessions: (seed) =>
    withTempFolder(async (folder) => void await playSession(seed, await Deno.realPath(folder))),
  handshakes: playHandshake,
  "rounds sessions": playRounds,
};

/** Plays in place of so many inputs: each is a few thousand times the work. */
const INPUTS_PER_PLAY: Readonly<Record<string, number>> = {
  sessions: 50,
  handshakes: 10,
  "rounds sessions": 20,
};

/** The names of what is found by a seed and not by an input. */
export const PLAY_NAMES: readonly string[] = Object.keys(PLAYS);

/** The names of everything, or of what these words stand for: a name, or the beginning of several. */
export function seriesNames(words: readonly string[]): readonly string[] {
  const all = [...TARGETS.map(({ name }) => name), ...PLAY_NAMES];
  if (words.length === 0) return all;
  return all.filter((name) => words.some((word) => name === word || name.startsWith(`${word} `)));
}

/** Does one part: `runs` inputs, or as many plays as that stands for. */
export async function runSeries(name: string, seed: number, runs: number): Promise<Report> {
  const play = PLAYS[name];
  if (play === undefined) return await runTarget(name, seed, runs);
  const count = Math.ceil(runs / INPUTS_PER_PLAY[name]!);
  for (let index = 0; index < count; index++) {
    const report = await runPlay(name, seedOf(seed, index));
    if (report.problem !== undefined) return { ...report, runs: index + 1 };
  }
  return { name, seed, runs: count };
}

/** Plays one session by its seed. */
export async function runPlay(name: string, seed: number): Promise<Report> {
  try {
    await PLAYS[name]!(seed);
    return { name, seed, runs: 1 };
  } catch (error) {
    const problem = error instanceof Error ? error.stack ?? error.message : String(error);
    return { name, seed, runs: 1, problem, input: String(seed) };
  }
}

async function runTarget(name: string, seed: number, runs: number): Promise<Report> {
  const target = TARGETS.find((each) => each.name === name)!;
  const { finding, ...outcome } = await fuzzTarget(target, { seed, runs });
  const report = { name, seed, runs: outcome.runs };
  return finding === undefined
    ? report
    : { ...report, problem: finding.problem, input: toHex(finding.input) };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
