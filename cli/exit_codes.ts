/**
 * The exit statuses of stx. Scripts rely on them, so each failure has one for good.
 * @module
 */
import { codeOf, type ErrorCode } from "../lib/errors.ts";

/** Every exit status with its meaning, as help prints them. */
export const EXIT_STATUSES: readonly { readonly status: string; readonly meaning: string }[] = [
  { status: "0", meaning: "done" },
  { status: "1", meaning: "unexpected: a fault in stx" },
  { status: "2", meaning: "wrong use of the command line" },
  { status: "3", meaning: "authentication failed, or the peer is not trusted" },
  { status: "4", meaning: "refused by the peer: its policy, or its disk" },
  { status: "5", meaning: "connection given up; the same command resumes" },
  { status: "6", meaning: "integrity: what arrived is not what was sent" },
  { status: "7", meaning: "a local file or disk" },
  { status: "128+n", meaning: "ended by signal n" },
];

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,

  handshake_failed: 3,
  bad_signature: 3,
  bad_identity: 3,
  bad_proof: 3,
  bad_limits: 3,
  clock_skew: 3,
  unauthorized: 3,
  unknown_receiver: 3,
  receiver_changed: 3,
  // Versions are authenticated like all else in the handshake: a peer that shows another one may be a downgrade.
  unsupported_version: 3,

  rejected: 4,
  // A name that is taken here; a receiver's refusal of it is `rejected`.
  exists: 7,
  too_large: 4,
  // Raised by the sender too, before it connects, for names that every receiver refuses: the same answer sooner.
  bad_name: 4,

  // The receiver is full now, which says nothing about what it would take later: trying again is right.
  busy: 5,
  connection_lost: 5,
  superseded: 5,
  // Tried again three times; then somebody in between does not want it to be.
  refused_connection: 3,

  // Rounds: another key, or an epoch that was used before.
  bad_mac: 3,
  bad_round: 3,
  limit_exceeded: 4,

  bad_record: 6,
  bad_direction: 6,
  bad_state: 6,
  bad_sequence: 6,
  malformed: 6,
  unexpected_message: 6,
  bad_transfer_id: 6,
  bad_manifest: 6,
  digest_mismatch: 6,
  bad_receipt: 6,

  // A key or trust file that cannot be used is mended on this machine, with chmod or an editor, and no peer has
  // been judged by it: so it is not 3.
  bad_key_file: 7,
  bad_trust_file: 7,
  source_changed: 7,
  state_corrupt: 7,
  state_busy: 7,
  // Not a file, but a thing of this machine that something else holds, like a locked state file.
  address_in_use: 7,
  permission: 7,
  disk: 7,
  disk_full: 7,

  // A signal gives its own status before this is asked. Any other cancelling is none that the user chose.
  cancelled: 1,
};

/** The exit status for a failure: 1 for whatever is not an `StxError`. */
export function exitCodeFor(error: unknown): number {
  const code = codeOf(error);
  return code === undefined ? 1 : EXIT_CODES[code];
}
