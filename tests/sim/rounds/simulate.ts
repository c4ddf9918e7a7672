/**
 * One run of a plan of the rounds protocol, from its beginning to what came of it.
 * @module
 */
import { Crashed } from "../process.ts";
import { onRoundsPlatform } from "./platform.ts";
import type { RoundsPlan } from "./plan.ts";
import { RoundsWorld, StuckError } from "./world.ts";

/** What came of a run. */
export interface RoundsRunResult {
  readonly plan: RoundsPlan;
  /** What did not hold; empty if all did. */
  readonly violations: readonly string[];
  /** Places in the plan of the faults that happened. */
  readonly happened: ReadonlySet<number>;
  /** The same for two runs in which the same happened at the same times. */
  readonly traceHash: number;
  readonly eventCount: number;
  /** How many values were answered, and how many were sent and were not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Every event, if they were to be kept. */
  readonly log: readonly string[];
}

/** Plays a plan. */
export async function simulateRounds(plan: RoundsPlan, isLogging = false): Promise<RoundsRunResult> {
  const world = new RoundsWorld(plan, isLogging);
  const { scheduler, trouble, ledger } = world;
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    if (isCrash(event.reason)) return;
    world.fail(`a promise was rejected and nobody cared: ${event.reason?.stack ?? event.reason}`);
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  const randomness = world.dice.split("platform");
  try {
    await onRoundsPlatform({
      find: (number) => world.find(number),
      pause: (delayMs, action) => void scheduler.after(delayMs, "pause", undefined, action),
      monotonicMs: () => scheduler.nowMs,
      deliver: queueMicrotask,
      random: (size) => randomness.bytes(size),
      onNonceReuse: () => {},
    }, () => world.run());
  } catch (error) {
    if (!(error instanceof StuckError)) {
      world.fail(`the run itself failed: ${error instanceof Error ? error.stack : error}`);
    }
  } finally {
    // Rejections are told of in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.removeEventListener("unhandledrejection", onUnhandled);
  }
  return {
    plan,
    violations: world.violations,
    happened: trouble.happened,
    traceHash: scheduler.traceHash,
    eventCount: scheduler.eventCount,
    succeeded: ledger.answeredCount,
    failed: ledger.sentCount - ledger.answeredCount,
    log: scheduler.log,
  };
}

/** Whether an error, or what caused it, comes from the death of a process. */
function isCrash(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof Crashed) return true;
  return false;
}
