/**
 * The faults of a plan that come at a time, and not at somebody's step.
 * @module
 */
import type { Fault } from "./plan.ts";
import type { Step } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trouble } from "./trouble.ts";

/** What only the world can do. */
export interface FaultHands {
  crash(who: string, isPowerLoss: boolean, downMs: number): void;
  stop(downMs: number): void;
  slowDown(step: Step, ms: number): void;
  setClock(who: string, byMs: number): void;
  startAgain(sender: number): void;
  appear(name: string): void;
}

/** Has each of them happen in its time, unless everything goes well again by then. */
export function scheduleFaults(
  faults: readonly Fault[],
  scheduler: Scheduler,
  trouble: Trouble,
  hands: FaultHands,
): void {
  for (const [i, fault] of faults.entries()) {
    const at = (atMs: number, action: () => void): void => {
      scheduler.after(atMs, `fault ${fault.kind}`, undefined, () => {
        if (trouble.isOver) return;
        trouble.happened.add(i);
        action();
      });
    };
    switch (fault.kind) {
      case "crashAt":
        at(fault.atMs, () => hands.crash(fault.who, fault.isPowerLoss, fault.downMs));
        break;
      case "stop":
        at(fault.atMs, () => hands.stop(fault.downMs));
        break;
      case "slow":
        trouble.happened.add(i);
        hands.slowDown(fault.step, fault.ms);
        break;
      case "clock":
        at(fault.atMs, () => hands.setClock(fault.who, fault.byMs));
        break;
      case "again":
        at(fault.atMs, () => hands.startAgain(fault.sender));
        break;
      case "appear":
        at(fault.atMs, () => hands.appear(fault.name));
    }
  }
}
