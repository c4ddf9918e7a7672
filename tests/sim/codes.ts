/**
 * With what the two ends may fail in a world without attackers. The rest of the documented codes would be a mistake: noise
 * is no forgery, and a single receiver is never in its own way.
 * @module
 */
import type { ErrorCode } from "../../lib/errors.ts";

/** What may end a sender. */
export const SENDER_CODES: readonly ErrorCode[] = [
  "connection_lost",
  "refused_connection",
  "handshake_failed",
  "malformed",
  "unexpected_message",
  "clock_skew",
  "rejected",
  "superseded",
  "source_changed",
  "busy",
  "disk",
  "permission",
];
/** What may end a connection at the receiver, or keep it from starting. */
export const RECEIVER_CODES: readonly ErrorCode[] = [
  "connection_lost",
  "refused_connection",
  "handshake_failed",
  "malformed",
  "unexpected_message",
  "unsupported_version",
  "clock_skew",
  "superseded",
  "cancelled",
  "rejected",
  "source_changed",
  "exists",
  "disk",
  "disk_full",
  "permission",
];
