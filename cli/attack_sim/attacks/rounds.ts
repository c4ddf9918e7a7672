/**
 * Attacks on the rounds protocol.
 * @module
 */
import type { Attack } from "../attack.ts";
import { ROUNDS_KEY_ATTACKS } from "./rounds_keys.ts";
import { ROUNDS_LINE_ATTACKS } from "./rounds_lines.ts";
import { ROUNDS_PACKET_ATTACKS } from "./rounds_packets.ts";

/** See the module's text. */
export const ROUNDS_ATTACKS: readonly Attack[] = [
  ...ROUNDS_PACKET_ATTACKS,
  ...ROUNDS_LINE_ATTACKS,
  ...ROUNDS_KEY_ATTACKS,
];
