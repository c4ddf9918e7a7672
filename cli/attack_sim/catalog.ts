/**
 * Every attack, in the order in which they are played and shown.
 * @module
 */
import type { Attack } from "./attack.ts";
import { HANDSHAKE_ATTACKS } from "./attacks/handshake.ts";
import { NAME_ATTACKS } from "./attacks/hostile_names.ts";
import { IMPOSTOR_ATTACKS } from "./attacks/impostors.ts";
import { LINE_ATTACKS } from "./attacks/lines.ts";
import { MISBINDING_ATTACKS } from "./attacks/misbinding.ts";
import { RECEIPT_ATTACKS } from "./attacks/receipts.ts";
import { RECORD_ATTACKS } from "./attacks/records.ts";
import { ROUNDS_ATTACKS } from "./attacks/rounds.ts";
import { ROUNDS_STRANGER_ATTACKS } from "./attacks/rounds_strangers.ts";
import { SESSION_ATTACKS } from "./attacks/sessions.ts";
import { STRANGER_FLOOD_ATTACKS } from "./attacks/stranger_floods.ts";
import { STRANGER_SECRET_ATTACKS } from "./attacks/stranger_secrets.ts";
import { STRANGER_ATTACKS } from "./attacks/strangers.ts";
import { THIEF_ATTACKS } from "./attacks/thieves.ts";
import { TRANSFER_ATTACKS } from "./attacks/transfers.ts";

/** See the module's text. */
export const ATTACKS: readonly Attack[] = [
  ...RECORD_ATTACKS,
  ...LINE_ATTACKS,
  ...SESSION_ATTACKS,
  ...HANDSHAKE_ATTACKS,
  ...IMPOSTOR_ATTACKS,
  ...MISBINDING_ATTACKS,
  ...THIEF_ATTACKS,
  ...NAME_ATTACKS,
  ...TRANSFER_ATTACKS,
  ...RECEIPT_ATTACKS,
  ...STRANGER_ATTACKS,
  ...STRANGER_FLOOD_ATTACKS,
  ...STRANGER_SECRET_ATTACKS,
  ...ROUNDS_ATTACKS,
  ...ROUNDS_STRANGER_ATTACKS,
];
