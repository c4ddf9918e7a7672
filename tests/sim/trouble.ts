/**
 * Makes a plan's faults happen: counts the steps of every process, and says which fail, which are the last, and which
 * do less than they were asked for.
 * @module
 */
import type { Dice } from "./dice.ts";
import { systemError } from "./disk.ts";
import type { LineFault } from "./line.ts";
import type { Fault } from "./plan.ts";
import { Crashed, type Process, type Step, type StepJudge } from "./process.ts";

/** What only the world can do. */
export interface TroubleMaker {
  crash(process: Process, isPowerLoss: boolean, downMs: number): void;
  changeSource(fault: Fault & { kind: "source" }): void;
}

/** See the module's text. */
export class Trouble implements StepJudge {
  readonly #faults: readonly Fault[];
  readonly #maker: TroubleMaker;
  readonly #dice: Dice;
  readonly #counts: number[];
  /** A crash that comes when the step under way has had its effect. */
  #armed: { process: Process; fault: Fault & { kind: "crash" | "error" } } | undefined;
  /** Which faults have happened, by their place in the plan. */
  readonly happened = new Set<number>();
  /** Whether nothing goes wrong any more. */
  isOver = false;

  constructor(faults: readonly Fault[], maker: TroubleMaker, dice: Dice) {
    this.#faults = faults;
    this.#maker = maker;
    this.#dice = dice;
    this.#counts = faults.map(() => 0);
  }

  before(process: Process, step: Step, sizeBytes: number): number | undefined {
    process.scheduler.note(`${process.name} ${step}`);
    if (this.isOver) return undefined;
    let taken: number | undefined;
    for (let i = 0; i < this.#faults.length; i++) {
      const fault = this.#faults[i]!;
      if (!concerns(fault, process, step)) continue;
      const count = ++this.#counts[i]!;
      if (!("nth" in fault) || count < fault.nth) continue;
      const times = "times" in fault ? fault.times : 1;
      if (count >= fault.nth + times) continue;
      this.happened.add(i);
      switch (fault.kind) {
        case "crash":
          if (fault.when === "after") {
            this.#armed = { process, fault };
            break;
          }
          this.#maker.crash(process, fault.isPowerLoss, fault.downMs);
          throw new Crashed(`${process.name} dies before ${step}`);
        case "error":
          if (fault.when === "after") {
            this.#armed = { process, fault };
            break;
          }
          throw systemError(fault.code);
        case "shortWrite":
          taken = this.#dice.int(1, Math.max(1, sizeBytes));
          break;
        case "full":
          process.disk.freeBytes = fault.roomBytes;
          break;
        case "source":
          this.#maker.changeSource(fault);
      }
    }
    return taken === undefined ? undefined : Math.min(taken, sizeBytes);
  }

  after(process: Process, step: Step): void {
    const armed = this.#armed;
    if (armed?.process !== process) return;
    this.#armed = undefined;
    if (this.isOver) return;
    if (armed.fault.kind === "error") throw systemError(armed.fault.code);
    this.#maker.crash(process, armed.fault.isPowerLoss, armed.fault.downMs);
    throw new Crashed(`${process.name} dies after ${step}`);
  }

  /** What goes wrong on the line of a connection. */
  ofLine(connection: number): readonly LineFault[] {
    if (this.isOver) return [];
    return this.#faults.flatMap((fault) =>
      fault.kind === "line" && fault.connection === connection ? [fault.fault] : []
    );
  }

  /** A line's fault has happened. */
  onLineFault(fault: LineFault): void {
    this.happened.add(this.#faults.findIndex((each) => each.kind === "line" && each.fault === fault));
  }
}

function concerns(fault: Fault, process: Process, step: Step): boolean {
  switch (fault.kind) {
    case "crash":
      return process.name === fault.who && (fault.step === "any" || fault.step === step);
    case "error":
      return process.name === "receiver" && fault.step === step;
    case "shortWrite":
    case "full":
      return process.name === "receiver" && step === "write";
    case "source":
      return process.name === `sender${fault.sender}` && step === "read";
    default:
      return false;
  }
}
