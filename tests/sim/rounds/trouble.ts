/**
 * Makes a plan's faults happen that come at somebody's step: counts the steps of every process, and says which fail,
 * which are the last, and which do less than they were asked for.
 * @module
 */
import type { Dice } from "../dice.ts";
import { systemError } from "../disk.ts";
import type { LineFault } from "../line.ts";
import { Crashed, type Process, type Step, type StepJudge } from "../process.ts";
import type { RoundsFault } from "./plan.ts";

/** See the module's text. */
export class RoundsTrouble implements StepJudge {
  readonly #faults: readonly RoundsFault[];
  readonly #crash: (process: Process, isPowerLoss: boolean, downMs: number) => void;
  readonly #dice: Dice;
  readonly #counts: number[];
  /** What comes when the step under way has had its effect. */
  #armed:
    | { readonly process: Process; readonly fault: RoundsFault & { kind: "crash" | "error" } }
    | undefined;
  /** Which faults have happened, by their place in the plan. */
  readonly happened = new Set<number>();
  /** Whether nothing goes wrong any more. */
  isOver = false;

  constructor(
    faults: readonly RoundsFault[],
    crash: (process: Process, isPowerLoss: boolean, downMs: number) => void,
    dice: Dice,
  ) {
    this.#faults = faults;
    this.#crash = crash;
    this.#dice = dice;
    this.#counts = faults.map(() => 0);
  }

  before(process: Process, step: Step, sizeBytes: number): number | undefined {
    process.scheduler.note(`${process.name} ${step}`);
    if (this.isOver) return undefined;
    let taken: number | undefined;
    for (const [i, fault] of this.#faults.entries()) {
      if (!concerns(fault, process, step) || ++this.#counts[i]! !== fault.nth) continue;
      this.happened.add(i);
      if (fault.kind === "shortWrite") {
        taken = this.#dice.int(1, Math.max(1, sizeBytes));
      } else if (fault.when === "after") {
        this.#armed = { process, fault };
      } else if (fault.kind === "error") {
        throw systemError(fault.code);
      } else {
        this.#crash(process, fault.isPowerLoss, fault.downMs);
        throw new Crashed(`${process.name} dies before ${step}`);
      }
    }
    return taken === undefined ? undefined : Math.min(taken, sizeBytes);
  }

  after(process: Process, step: Step): void {
    const armed = this.#armed;
    if (armed?.process !== process) return;
    this.#armed = undefined;
    if (armed.fault.kind === "error") throw systemError(armed.fault.code);
    this.#crash(process, armed.fault.isPowerLoss, armed.fault.downMs);
    throw new Crashed(`${process.name} dies after ${step}`);
  }

  /** What goes wrong on the line of a connection; emptied when everything goes well again. */
  ofLine(connection: number): LineFault[] {
    if (this.isOver) return [];
    return this.#faults.flatMap((fault) =>
      fault.kind === "line" && fault.connection === connection ? [fault.fault] : []
    );
  }

  /** A line's fault has happened. */
  onLineFault(fault: LineFault): void {
    this.happened.add(this.#faults.findIndex((each) => each.kind === "line" && each.fault === fault));
  }

  /** Whether one of these kinds has happened to `who`. */
  hasHappened(who: string, ...kinds: readonly RoundsFault["kind"][]): boolean {
    return this.#faults.some((fault, i) =>
      this.happened.has(i) && kinds.includes(fault.kind) && "who" in fault && fault.who === who
    );
  }
}

function concerns(
  fault: RoundsFault,
  process: Process,
  step: Step,
): fault is RoundsFault & { kind: "crash" | "error" | "shortWrite" } {
  switch (fault.kind) {
    case "crash":
      return process.name === fault.who && (fault.step === "any" || fault.step === step);
    case "error":
      return process.name === fault.who && fault.step === step;
    case "shortWrite":
      return process.name === fault.who && step === "write";
    default:
      return false;
  }
}
