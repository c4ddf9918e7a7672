/**
 * What a sender is told when its transfer is not taken, a reason and a text that names nothing of the receiver's
 * machine; and what the sender makes of it.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
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

/** The error for files that were kept in place of `count` that were sent, the first of which is `path` there. */
export function keptError(count: number, path: string): StxError {
  const first = `"${escapeControls(path)}"`;
  return new StxError(
    "exists",
    (count === 1 ? `${first} was kept as it is` : `${first} and ${count - 1} more were kept as they are`) +
      " (--on-conflict skip): something of that name was already there, and was not compared; " +
      "all others are in place",
  );
}

/** What a reason means at the sender where it is no matter of policy, space or names. */
const CODES: Partial<Record<RejectReason, ErrorCode>> = { integrity: "digest_mismatch" };

/** What the sender's user can do, where the receiver's text does not say it. */
const HINTS: Partial<Record<RejectReason, string>> = {
  exists: "send it under another name with --name, or let the receiver choose with --on-conflict",
  name:
    "rename it, or choose another name with --name; one that begins with a dot needs stx recv --allow-dotfiles",
  space: "once there is room, the same command continues",
};

/** The error that a REJECT amounts to at the sender: `rejected`, or a more precise one. */
export function errorOf(reject: Reject): StxError {
  const { reason, text } = reject;
  const hint = HINTS[reason];
  return new StxError(
    CODES[reason] ?? "rejected",
    `The receiver refused (${reason}): ${text}`,
    hint === undefined ? {} : { hint },
  );
}
