/**
 * The defences of the rounds.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const ROUNDS_DEFENCES = {} as const satisfies Readonly<Record<string, DefenceText>>;
