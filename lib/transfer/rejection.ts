/**
 * What a sender is told when its transfer is not taken, a reason and a text that names nothing of the receiver's
 * machine; and what the sender makes of it.
 * @module
 */
import { type ErrorCode, StxError } from "../errors.ts";
import type { Reject, RejectReason } from "../wire/message.ts";

const REASONS: Partial<Record<ErrorCode, RejectReason>> = {
  bad_name: "name",
  exists: "exists",
  too_large: "quota",
  disk_full: "space",
  digest_mismatch: "integrity",
  permission: "local",
  disk: "local",
  state_busy: "local",
  state_corrupt: "local",
};

/** What is said where the precise reason names things of this machine. */
const PLAIN_TEXTS: Partial<Record<RejectReason, string>> = {
  local: "the receiver cannot write; its own log says why",
  space: "the receiver's disk is full",
};

/** The REJECT that `error` calls for, or `undefined` where it does not concern the sender. */
export function rejectionFor(error: unknown): Reject | undefined {
  if (!(error instanceof StxError)) return undefined;
  const reason = REASONS[error.code];
  return reason === undefined ? undefined : { reason, text: PLAIN_TEXTS[reason] ?? error.message };
}

/** What a reason means at the sender where it is no matter of policy, space or names. */
const CODES: Partial<Record<RejectReason, ErrorCode>> = { integrity: "digest_mismatch" };

/** The error that a REJECT amounts to at the sender: `rejected`, or a more precise one. */
export function errorOf(reject: Reject): StxError {
  const code = CODES[reject.reason] ?? "rejected";
  return new StxError(code, `The receiver refused (${reject.reason}): ${reject.text}`);
}
