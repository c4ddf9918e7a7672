/**
 * A sender's patience with some of its defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import type { ErrorCode } from "../../errors.ts";
import type { Random } from "../../ports.ts";
import { RetryPolicy } from "../../transfer/retry.ts";
import type { Off } from "../defences.ts";

/** When to try again, without some defences. */
export function makeWeakRetry(off: Off, retryForMs: number, random: Random, nowMs: number): RetryPolicy {
  class WeakRetry extends RetryPolicy {
    protected override isCut(code: ErrorCode): boolean {
      return !off.has("retry after a cut") && super.isCut(code);
    }

    protected override isDisturbance(code: ErrorCode): boolean {
      return !off.has("retry after a disturbance") && super.isDisturbance(code);
    }
  }
  return new WeakRetry(retryForMs, random, nowMs);
}
