/**
 * Plans of the rounds protocol in which something once did not hold, as short as they could be made, and what it was.
 * @module
 */
import type { RoundsPlan } from "./plan.ts";
import seeds from "./seeds.json" with { type: "json" };

/** A plan that has found something. */
export interface RoundsFoundBy {
  /** What was wrong in the sources then. */
  readonly found: string;
  readonly plan: RoundsPlan;
}

/** See the module's text. */
export const ROUNDS_SEEDS: readonly RoundsFoundBy[] = seeds as unknown as readonly RoundsFoundBy[];
