/**
 * What `stx send` says of an error that nobody below it knows: when it tries again, how long it has tried, how much has
 * arrived, whose key is not taken.
 * @module
 */
import type { Bytes } from "../lib/bytes/bytes.ts";
import { type ErrorCode, StxError } from "../lib/errors.ts";
import { formatPublicKeyLine } from "../lib/identity/public_key.ts";
import { formatBytes, formatDuration } from "./values.ts";

/** How far a sending has come. */
export interface SendingFacts {
  /** This sender's own. */
  readonly publicKey: Bytes;
  /** How long it went on without progress; 0 if an error ends it that is not tried again. */
  readonly triedForMs: number;
  /** How much is safe at the receiver. */
  readonly keptBytes: number;
  /** How much there is; `null` for what cannot be continued. */
  readonly sizeBytes: number | null;
}

/** Those that are tried again until the time is over. */
const GIVEN_UP: readonly ErrorCode[] = ["connection_lost", "busy"];

/** The error to end with for `error`; its code stays. */
export function finalError(error: unknown, facts: SendingFacts): unknown {
  if (!(error instanceof StxError)) return error;
  const { code, message, hint, cause } = error;
  if (code === "unauthorized") {
    const trust = `stx keys trust "${formatPublicKeyLine(facts.publicKey, "")}"`;
    return new StxError(code, message, { hint: `${hint}; there, that is: ${trust}`, cause });
  }
  if (!GIVEN_UP.includes(code)) return error;
  const { triedForMs, keptBytes, sizeBytes } = facts;
  const tried = triedForMs === 0 ? "" : `; gave up after ${formatDuration(triedForMs)} without progress`;
  const next = sizeBytes === null || keptBytes === 0
    ? hint
    : `${formatBytes(keptBytes)} of ${formatBytes(sizeBytes)} have arrived: the same command continues`;
  return new StxError(code, message + tried, { ...(next === undefined ? {} : { hint: next }), cause });
}

/** When the next attempt comes. */
export function whenAgain(delayMs: number): string {
  const delay = formatDuration(delayMs);
  return delay === formatDuration(0) ? "at once" : `in ${delay}`;
}
