/**
 * Plans in which something once did not hold, as short as they could be made, and what it was.
 * @module
 */
import type { Plan } from "./plan.ts";
import seeds from "./seeds.json" with { type: "json" };

/** A plan that has found something. */
export interface FoundBy {
  /** What was wrong in the sources then. */
  readonly found: string;
  readonly plan: Plan;
}

/** See the module's text. */
export const SEEDS: readonly FoundBy[] = seeds as unknown as readonly FoundBy[];
