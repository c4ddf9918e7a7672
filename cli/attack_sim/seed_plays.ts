/**
 * The attacks as they are played on the two protocols as their source documents have them: the strongest controls.
 * @module
 */
import type { SeedPlay } from "./attack.ts";

/** By the attack's protocol and name: `stx tamper`. */
export const SEED_PLAYS: Readonly<Record<string, SeedPlay>> = {};
