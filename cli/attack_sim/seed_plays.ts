/**
 * The attacks as they are played on the two protocols as their first designs have them: the strongest controls.
 * @module
 */
import type { SeedPlay } from "./attack.ts";
import { SEED_ROUNDS_PLAYS } from "./seed_rounds_plays.ts";
import { SEED_STX_FILE_PLAYS } from "./seed_stx_files.ts";
import { SEED_STX_HANDSHAKE_PLAYS } from "./seed_stx_handshakes.ts";
import { SEED_STX_SECRET_PLAYS } from "./seed_stx_secrets.ts";

/** By the attack's protocol and name: `stx tamper`. */
export const SEED_PLAYS: Readonly<Record<string, SeedPlay>> = {
  ...SEED_STX_FILE_PLAYS,
  ...SEED_STX_HANDSHAKE_PLAYS,
  ...SEED_STX_SECRET_PLAYS,
  ...SEED_ROUNDS_PLAYS,
};
