/**
 * Every failure that stx can name. The code is what programs, tests and the local log rely on; the message
 * says what failed and why, the hint what to do about it. What a peer is told is never taken from here: it
 * learns an alert number at most (see `lib/wire/alert.ts`).
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
