/**
 * One run of a plan, from its beginning to what came of it.
 * @module
 */
import { identityFromSeed } from "../../lib/identity/identity.ts";
import type { Identity } from "../../lib/ports.ts";
import { onPlatform } from "./platform.ts";
import type { Plan } from "./plan.ts";
import { Crashed } from "./process.ts";
import { StuckError, World } from "./world.ts";

/** What came of a run. */
export interface RunResult {
  readonly plan: Plan;
  /** What did not hold; empty if all did. */
  readonly violations: readonly string[];
  /** Places in the plan of the faults that happened. */
  readonly happened: ReadonlySet<number>;
  /** The same for two runs in which the same happened at the same times. */
  readonly traceHash: number;
  readonly eventCount: number;
  /** How many senders ended with a receipt, and how many without. */
  readonly succeeded: number;
  readonly failed: number;
  /** Every event, if they were to be kept. */
  readonly log: readonly string[];
}

/** Senders that there can be, and the receiver. */
const IDENTITY_COUNT = 4;
let identities: Promise<readonly Identity[]> | undefined;

/** The same in every run. They are made on a platform of their own, so that the first run is like any other. */
function allIdentities(): Promise<readonly Identity[]> {
  const numbers = Array.from({ length: IDENTITY_COUNT }, (_, i) => i + 1);
  const run = { deliver: queueMicrotask, random: () => new Uint8Array(0), onNonceReuse: () => {} };
  const world = { find: () => notThere(), pause: () => {}, monotonicMs: () => 0 };
  return onPlatform(
    { ...run, ...world },
    () => Promise.all(numbers.map((number) => identityFromSeed(new Uint8Array(32).fill(number)))),
  );
}

function notThere(): never {
  throw new Error("There is no process");
}

/** Plays a plan. */
export async function simulate(plan: Plan, isLogging = false): Promise<RunResult> {
  const world = new World(plan, await (identities ??= allIdentities()), isLogging);
  const { scheduler, checks, trouble, outcomes } = world;
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    if (!isCrash(event.reason)) {
      checks.fail(`a promise was rejected and nobody cared: ${event.reason?.stack ?? event.reason}`);
    }
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  const randomness = world.dice.split("platform");
  try {
    await onPlatform({
      find: (number) => world.find(number),
      pause: (delayMs, action) => void scheduler.after(delayMs, "pause", undefined, action),
      monotonicMs: () => world.monotonicMs(),
      deliver: (action) => void scheduler.after(0, "crypto", undefined, action),
      random: (size) => randomness.bytes(size),
      onNonceReuse: (nonce) => checks.fail(`a key has sealed twice under the nonce ${nonce}`),
    }, () => world.run());
  } catch (error) {
    if (!(error instanceof StuckError)) {
      checks.fail(`the run itself failed: ${error instanceof Error ? error.stack : error}`);
    }
  } finally {
    // Rejections are told of in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.removeEventListener("unhandledrejection", onUnhandled);
  }
  const succeeded = outcomes.filter(({ receipt }) => receipt !== undefined).length;
  return {
    plan,
    violations: checks.violations,
    happened: trouble.happened,
    traceHash: scheduler.traceHash,
    eventCount: scheduler.eventCount,
    succeeded,
    failed: outcomes.length - succeeded,
    log: scheduler.log,
  };
}

/** Whether an error, or what caused it, comes from the death of a process. */
function isCrash(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof Crashed) return true;
  return false;
}
