/**
 * When to try again after a connection was lost, and when to give up: exponential backoff with full jitter, which
 * starts anew whenever there was progress.
 * @module
 */
import { type ErrorCode, StxError } from "../errors.ts";
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN, UNTRUSTED_ALERTS_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";

/** A cut, or a server without room: tried again for as long as the user allows. */
const LOST: readonly ErrorCode[] = ["connection_lost", "busy"];
/**
 * What an attacker on the way can cause at will with one changed byte. It must not end a transfer alone, nor go
 * on for ever.
 */
const DISTURBED: readonly ErrorCode[] = [
  "refused_connection",
  "handshake_failed",
  "bad_record",
  "bad_sequence",
  "malformed",
  "unexpected_message",
];

/** See the module's text. */
export class RetryPolicy {
  readonly #retryForMs: number;
  readonly #random: Random;
  #attempt = 0;
  #disturbances = 0;
  #progressMs: number;

  /**
   * The time begins now.
   * @param retryForMs how long to go on without progress
   */
  constructor(retryForMs: number, random: Random, nowMs: number) {
    this.#retryForMs = retryForMs;
    this.#random = random;
    this.#progressMs = nowMs;
  }

  /** Tries since there was progress: 1 for the first new connection. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Something moved. */
  progress(nowMs: number): void {
    this.#attempt = 0;
    this.#progressMs = nowMs;
  }

  /**
   * Work was done that is no progress but takes its time: that does not count as time without any. The time before it
   * still does, or whoever cuts every connection just behind such work would have us try for ever.
   */
  busy(sinceMs: number, nowMs: number): void {
    this.#progressMs = Math.min(nowMs, this.#progressMs + nowMs - sinceMs);
  }

  /** How long to wait before a new connection, or `undefined` where `error` is final. */
  delayAfter(error: unknown, nowMs: number): number | undefined {
    if (!(error instanceof StxError)) return undefined;
    if (this.isDisturbance(error.code)) this.#disturbances += 1;
    else if (!this.isCut(error.code)) return undefined;
    if (this.#disturbances > UNTRUSTED_ALERTS_MAX) return undefined;
    const ceilingMs = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** this.#attempt);
    const delayMs = Math.floor(ceilingMs * this.#fraction());
    if (nowMs - this.#progressMs + delayMs > this.#retryForMs) return undefined;
    this.#attempt += 1;
    return delayMs;
  }

  /** Whether the line or a full server has ended it: nobody's decision, so it is tried again. */
  protected isCut(code: ErrorCode): boolean {
    return LOST.includes(code);
  }

  /** Whether somebody on the way may have ended it, who must not have the last word at once. */
  protected isDisturbance(code: ErrorCode): boolean {
    return DISTURBED.includes(code);
  }

  #fraction(): number {
    const bytes = this.#random.bytes(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  }
}
