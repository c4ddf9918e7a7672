/**
 * Fuzzes decoders: changes valid inputs at random, keeps those that do something new, and reports those that do what
 * must not be.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { withinBounds } from "./bounds.ts";
import { Dice, seedOf } from "./dice.ts";
import { blowUp, mutate } from "./mutation.ts";
import { checkInput, type Target } from "./target.ts";

/** An input that something is wrong with. */
export interface Finding {
  readonly target: string;
  readonly input: Bytes;
  /** What is wrong. */
  readonly problem: string;
}

/** How long to fuzz one target. */
export interface Budget {
  readonly seed: number;
  /** Inputs, of a target whose cost is 1. */
  readonly runs: number;
}

/** What came of one target. */
export interface Outcome {
  readonly target: string;
  readonly runs: number;
  /** How many inputs were taken. */
  readonly accepted: number;
  /** At most one: after that the same would be found over and over. */
  readonly finding: Finding | undefined;
}

/** One input in so many is large. */
const LARGE_EVERY = 100;
/** Inputs that are kept beside the seeds, to be changed further. */
const POOL_SIZE_MAX = 200;
/** One input in so many that was taken is kept: what is refused leads back to what was refused before. */
const KEPT_OF = 10;

/** Fuzzes one target. */
export async function fuzzTarget(target: Target, budget: Budget): Promise<Outcome> {
  const dice = new Dice(seedOf(budget.seed, nameNumber(target.name)));
  const pool = [...target.seeds];
  let accepted = 0;
  const outcome = (runs: number, finding?: Finding): Outcome => {
    return { target: target.name, runs, accepted, finding };
  };
  for (const seed of target.seeds) {
    const finding = await tryInput(target, seed);
    if (typeof finding === "object") return outcome(0, finding);
  }
  const runs = Math.ceil(budget.runs / target.cost);
  for (let run = 0; run < runs; run++) {
    const from = dice.pick(pool);
    const input = run % LARGE_EVERY === LARGE_EVERY - 1
      ? blowUp(dice, from, target.words)
      : dice.oneIn(50)
      ? dice.bytes(dice.size(500))
      : mutate(dice, from, target.seeds, target.words);
    const result = await tryInput(target, input);
    if (typeof result === "object") return outcome(run + 1, result);
    if (result !== "value") continue;
    accepted++;
    if (!dice.oneIn(KEPT_OF) || input.length > 4096) continue;
    if (pool.length < POOL_SIZE_MAX) pool.push(input);
    else pool[target.seeds.length + dice.below(pool.length - target.seeds.length)] = input;
  }
  return outcome(runs);
}

/** Runs one input; resolves to what is wrong, or else to what became of it. */
export async function tryInput(target: Target, input: Bytes): Promise<Finding | string> {
  const before = input.slice();
  try {
    const result = await withinBounds(input.length, () => checkInput(target, input));
    // A secret's owner overwrites what was read, never what it was read from.
    if (before.some((byte, at) => byte !== input[at])) throw new Error("The input was changed");
    return result;
  } catch (error) {
    const problem = error instanceof Error
      ? `${error.name}: ${error.message}\n${error.stack}`
      : String(error);
    return { target: target.name, input: before, problem };
  }
}

function nameNumber(name: string): number {
  return [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7);
}
