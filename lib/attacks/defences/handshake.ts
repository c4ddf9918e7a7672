/**
 * The defences of the handshake.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const HANDSHAKE_DEFENCES = {} as const satisfies Readonly<Record<string, DefenceText>>;
