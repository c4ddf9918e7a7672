/**
 * Every failure that stx can name. The code is what programs, tests and the local log rely on; the message
 * says what failed and why, the hint what to do about it. What a peer is told is never taken from here: it
 * learns an alert number at most (see `lib/wire/alert.ts`). The table in docs/protocol.md is made of
 * {@link ERROR_FACTS} by `deno task docs`.
 * @module
 */

/** The name of a failure; `cli/exit_codes.ts` maps each to an exit status. */
export type ErrorCode =
  // The handshake.
  | "handshake_failed"
  | "bad_signature"
  | "bad_identity"
  | "bad_proof"
  | "bad_limits"
  | "clock_skew"
  | "unauthorized"
  | "unknown_receiver"
  | "receiver_changed"
  | "unsupported_version"
  | "busy"
  // The record layer and the messages that it carries.
  | "bad_record"
  | "bad_sequence"
  | "malformed"
  | "unexpected_message"
  | "connection_lost"
  | "refused_connection"
  // A transfer.
  | "rejected"
  | "superseded"
  | "bad_transfer_id"
  | "bad_manifest"
  | "bad_name"
  | "exists"
  | "too_large"
  | "source_changed"
  | "digest_mismatch"
  | "bad_receipt"
  // The rounds protocol.
  | "bad_round"
  | "bad_mac"
  | "bad_direction"
  | "bad_state"
  | "limit_exceeded"
  // This machine.
  | "bad_key_file"
  | "bad_trust_file"
  | "state_corrupt"
  | "state_busy"
  | "address_in_use"
  | "permission"
  | "disk"
  | "disk_full"
  | "usage"
  | "cancelled";

/** Who notices a failure; what an end is told by its peer's alert counts as noticed by that peer. */
export type ErrorSide = "client" | "server" | "sender" | "receiver" | "either";
/** When there is a peer to tell: before READY or after it. */
export type ErrorStage = "handshake" | "session";

/** What there is to know of a failure, beside its name. */
export interface ErrorFacts {
  /** What it means, for people. */
  readonly meaning: string;
  /** Who notices it. */
  readonly side: ErrorSide;
  /** When its peer is told; empty where there is no peer yet, or none that could hear or should be told. */
  readonly told: readonly ErrorStage[];
}

/** Every failure that stx can name. */
export const ERROR_FACTS: Readonly<Record<ErrorCode, ErrorFacts>> = {
  handshake_failed: {
    meaning:
      "A handshake message does not open or cannot be used, or there is no common ground: suite, mode, intent, shared key, a nonce seen before.",
    side: "either",
    told: ["handshake", "session"],
  },
  bad_signature: {
    meaning: "A signature is not valid: the peer's of the transcript, or one under a change of identity.",
    side: "either",
    told: ["handshake", "session"],
  },
  bad_identity: {
    meaning:
      "A public key is no safe Ed25519 key, or not the one that it should be: our own in a mode with a shared key, another's in a change of identity.",
    side: "either",
    told: ["handshake", "session"],
  },
  bad_proof: {
    meaning: "The peer's proof of the handshake's secret is wrong, or READY names another session.",
    side: "either",
    told: ["handshake", "session"],
  },
  bad_limits: {
    meaning: "READY allows less than the early records, or more than the protocol does.",
    side: "client",
    told: ["session"],
  },
  clock_skew: { meaning: "The two clocks differ too much.", side: "either", told: ["handshake"] },
  unauthorized: {
    meaning: "The sender is not one that the receiver takes.",
    side: "server",
    told: ["handshake"],
  },
  unknown_receiver: {
    meaning: "The receiver is not one that the user has named or met.",
    side: "client",
    told: ["handshake"],
  },
  receiver_changed: {
    meaning: "The receiver has another key than the one that was named or remembered.",
    side: "client",
    told: ["handshake"],
  },
  unsupported_version: { meaning: "HELLO is of another version.", side: "server", told: ["handshake"] },
  busy: { meaning: "The server has no room now.", side: "server", told: ["handshake"] },
  bad_record: {
    meaning: "A record that was not damaged on the way has a wrong tag.",
    side: "either",
    told: ["session"],
  },
  bad_sequence: {
    meaning: "A record that was not damaged on the way is not the next one.",
    side: "either",
    told: ["session"],
  },
  malformed: {
    meaning: "Something cannot be read, or says what cannot be.",
    side: "either",
    told: ["handshake", "session"],
  },
  unexpected_message: {
    meaning: "A frame or message that may not come in this state.",
    side: "either",
    told: ["handshake", "session"],
  },
  connection_lost: {
    meaning: "No connection, a cut, silence, noise without end, or a peer that stopped.",
    side: "either",
    told: [],
  },
  refused_connection: {
    meaning: "The handshake was ended by an alert in clear, which anybody could have sent.",
    side: "either",
    told: ["session"],
  },
  rejected: {
    meaning: "The receiver does not take the transfer, or gives it up.",
    side: "sender",
    told: ["session"],
  },
  superseded: {
    meaning: "A newer connection works on the same transfer; the older one is told so by an alert.",
    side: "receiver",
    told: [],
  },
  bad_transfer_id: {
    meaning: "The transfer's name does not follow from its manifest, or is that of another.",
    side: "receiver",
    told: ["session"],
  },
  bad_manifest: {
    meaning: "The manifest is not the one that was offered, or has too many entries.",
    side: "receiver",
    told: ["session"],
  },
  bad_name: { meaning: "A name that no receiver takes.", side: "receiver", told: ["session"] },
  exists: {
    meaning: "A name is taken, or files were kept in place of those that were sent.",
    side: "receiver",
    told: ["session"],
  },
  too_large: { meaning: "More than the receiver takes.", side: "receiver", told: ["session"] },
  source_changed: { meaning: "A file changed while it was sent.", side: "sender", told: ["session"] },
  digest_mismatch: {
    meaning: "What arrived or was read back from disk is not what was sent.",
    side: "receiver",
    told: ["session"],
  },
  bad_receipt: {
    meaning: "The receipt does not fit what was sent, or is not signed by the receiver.",
    side: "sender",
    told: ["session"],
  },
  bad_round: {
    meaning: "Rounds: a packet of another round or epoch than the one that it is.",
    side: "either",
    told: [],
  },
  bad_mac: {
    meaning: "Rounds: a packet whose MAC does not hold, or that does not return the challenge.",
    side: "either",
    told: [],
  },
  bad_direction: {
    meaning: "Rounds: a packet that was made for the other direction.",
    side: "either",
    told: [],
  },
  bad_state: {
    meaning: "Rounds: a packet that may not come now, or cannot be read.",
    side: "either",
    told: [],
  },
  limit_exceeded: { meaning: "Rounds: more than is allowed.", side: "either", told: [] },
  bad_key_file: {
    meaning: "A key file, or ssh-agent, cannot be used.",
    side: "either",
    told: ["handshake", "session"],
  },
  bad_trust_file: {
    meaning: "A file that says who is trusted cannot be used.",
    side: "either",
    told: ["handshake"],
  },
  state_corrupt: {
    meaning: "What was kept of earlier runs is damaged or was changed.",
    side: "receiver",
    told: ["handshake", "session"],
  },
  state_busy: {
    meaning: "Another process works with the same state.",
    side: "receiver",
    told: ["handshake", "session"],
  },
  address_in_use: { meaning: "The address cannot be listened on.", side: "server", told: [] },
  permission: { meaning: "The system does not permit it.", side: "either", told: ["handshake", "session"] },
  disk: { meaning: "Reading or writing failed.", side: "either", told: ["handshake", "session"] },
  disk_full: { meaning: "The disk is full.", side: "receiver", told: ["handshake", "session"] },
  usage: { meaning: "Wrong use of the command line or of the library.", side: "either", told: [] },
  cancelled: { meaning: "This end was asked to stop.", side: "either", told: ["session"] },
};

/** A failure with a code; everything that this library throws on purpose is one of these. */
export class StxError extends Error {
  /** What failed, for programs. */
  readonly code: ErrorCode;
  /** What the user can do about it; absent where nothing useful can be said. */
  readonly hint: string | undefined;

  /** `hint` is what to do, `cause` the error behind this one. */
  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "StxError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** The code of `error` if it is an {@link StxError}, else `undefined`. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof StxError ? error.code : undefined;
}
