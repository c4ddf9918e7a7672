/**
 * Runs attacks: each with every defence in place, then its control with all of its defences off, then with each smaller
 * set of them off. What comes out decides whether the project's claims hold.
 * @module
 */
import type { Defence } from "../../lib/attacks/defences.ts";
import { Seeded } from "../../lib/attacks/seeded.ts";
import type { Attack, Played } from "./attack.ts";
import { SEED_PLAYS } from "./seed_plays.ts";

/** What became of one control. */
export interface Control {
  readonly off: readonly Defence[];
  readonly played: Played;
  /** Whether it came out as it must: with all of the set off the attack succeeds, with fewer it does not. */
  readonly holds: boolean;
}

/** What became of one attack. */
export interface Verdict {
  readonly attack: Attack;
  readonly played: Played;
  /** Whether the attack came to what it must. */
  readonly holds: boolean;
  /** Why not, in one sentence; empty where it holds. */
  readonly problem: string;
  /** The largest set last: the control itself. */
  readonly controls: readonly Control[];
  /** What the attack does to the protocol as its source document has it. */
  readonly seed?: { readonly played: Played; readonly holds: boolean };
  readonly elapsedMs: number;
}

/**
 * Runs one attack with all its controls.
 * @param root the folder for what it needs on disk; by itself that for temporary files
 */
export async function runAttack(attack: Attack, seed: number, root?: string): Promise<Verdict> {
  const startMs = performance.now();
  const onSeed = SEED_PLAYS[`${attack.protocol} ${attack.name}`];
  const play = async (off: readonly Defence[], seeded: boolean) => {
    return await withFolder(root, async (folder) => {
      const stage = { seeded: Seeded.for(seed, attack.name), folder, off: new Set(off) };
      try {
        return withoutPaths(folder, faultless(await (seeded ? onSeed! : attack).play(stage)));
      } catch (error) {
        return brokenOff(error);
      }
    });
  };
  const played = await play([], false);
  const problem = problemOf(attack, played);
  const controls: Control[] = [];
  for (const off of subsets(attack.defences)) {
    const control = await play(off, false);
    controls.push({
      off,
      played: control,
      holds: !control.isBrokenOff && control.hasSucceeded === (off.length === attack.defences.length),
    });
  }
  const seeded = onSeed === undefined ? undefined : await play([], true);
  return {
    attack,
    played,
    holds: problem === "",
    problem,
    controls,
    ...(seeded === undefined
      ? {}
      : { seed: { played: seeded, holds: !seeded.isBrokenOff && seeded.hasSucceeded === onSeed!.succeeds } }),
    elapsedMs: performance.now() - startMs,
  };
}

/** Says whether everything about an attack is as it must be. */
export function isProved({ holds, controls, seed }: Verdict): boolean {
  return holds && controls.every((control) => control.holds) && (seed?.holds ?? true);
}

/** Why a play did not come to what it must; empty if it did. */
export function problemOf({ expected }: Attack, played: Played): string {
  if (played.isBrokenOff) return played.evidence;
  if (played.hasSucceeded) return `The attacker has succeeded: ${played.evidence}`;
  if (expected.kind === "survived") {
    return played.isIntact ? "" : `What was to arrive has not: ${describeErrors(played)}`;
  }
  if (expected.kind === "bounded") {
    const over = (played.bounds ?? []).find(({ measured, most }) => !(measured <= most));
    if (over !== undefined) return `${over.what}: ${over.measured}, at most ${over.most} may be`;
    if ((played.bounds ?? []).length === 0) return "Nothing was measured";
    return played.isIntact ? "" : `The honest user was not served: ${describeErrors(played)}`;
  }
  const error = played.errors[expected.at];
  if (error?.code === expected.code && error.message.includes(expected.during)) return "";
  return `Expected ${expected.code} at the ${expected.at} at ${expected.during}; ${describeErrors(played)}`;
}

/** What the ends have said in a play. */
export function describeErrors({ errors }: Played): string {
  const texts = Object.entries(errors).map(([end, error]) => `${end}: ${error.code} (${error.message})`);
  return texts.length === 0 ? "no end has failed" : texts.join("; ");
}

/** Every set of some of the defences but the empty one, smaller ones first. */
function subsets(defences: readonly Defence[]): readonly (readonly Defence[])[] {
  const sets: Defence[][] = [];
  for (let bits = 1; bits < 2 ** defences.length; bits++) {
    sets.push(defences.filter((_, i) => (bits >> i) & 1));
  }
  return sets.sort((left, right) => left.length - right.length);
}

/** A play in which an end has crashed shows as little as one that has failed in itself. */
function faultless(played: Played): Played {
  const fault = Object.entries(played.errors).find(([, { code }]) => code === "internal");
  if (fault === undefined) return played;
  const [end, { message }] = fault;
  const evidence = `The ${end} has failed by a fault of its own: ${message}`;
  return { ...played, hasSucceeded: false, evidence, isBrokenOff: true };
}

/** Where a play has its files is another place every time, and tells nobody anything. */
function withoutPaths(folder: string, played: Played): Played {
  const errors = Object.entries(played.errors).map(([end, { code, message }]) =>
    [end, { code, message: message.replaceAll(folder, "FOLDER") }] as const
  );
  return { ...played, errors: Object.fromEntries(errors) };
}

/** A play that has failed in itself proves nothing, whatever was off. */
function brokenOff(error: unknown): Played {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    hasSucceeded: false,
    evidence: `The play itself has failed: ${text}`,
    errors: {},
    isIntact: false,
    steps: [],
    isBrokenOff: true,
  };
}

async function withFolder<T>(root: string | undefined, use: (folder: string) => Promise<T>): Promise<T> {
  const where = root === undefined ? {} : { dir: root };
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "stx-attack-", ...where }));
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
