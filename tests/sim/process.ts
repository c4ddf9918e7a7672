/**
 * A process of the simulation: it has a clock that may be wrong, files, connections and timers, and can die at any step.
 * Its memory lives on in JavaScript, so what it calls afterwards must come to nothing: calls throw, promises stay as
 * they are, timers and events do not happen.
 * @module
 */
import type { Clock } from "../../lib/ports.ts";
import type { Disk } from "./disk.ts";
import type { EventOwner, Scheduler } from "./scheduler.ts";

/** What a process does that can fail, or be its last. */
export type Step =
  | "look"
  | "list"
  | "open"
  | "make"
  | "makeFolder"
  | "read"
  | "write"
  | "truncate"
  | "setTime"
  | "setMode"
  | "sync"
  | "rename"
  | "remove"
  | "store"
  | "send";

/** Every step. */
export const STEPS: readonly Step[] = [
  "look",
  "list",
  "open",
  "make",
  "makeFolder",
  "read",
  "write",
  "truncate",
  "setTime",
  "setMode",
  "sync",
  "rename",
  "remove",
  "store",
  "send",
];

/** Decides what becomes of a step. */
export interface StepJudge {
  /** Throws what the step throws; `undefined`, or how many of `sizeBytes` a write takes. */
  before(process: Process, step: Step, sizeBytes: number): number | undefined;
  /** May be the end of the process. */
  after(process: Process, step: Step): void;
}

/** What a dead process gets for whatever it calls. */
export class Crashed extends Error {}

/** When every run begins. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** What processes run on, and what outlives them. */
export interface Machine {
  readonly name: string;
  readonly disk: Disk;
  /** Whether it answers at all. */
  isUp: boolean;
  /** By how much its clock is wrong. */
  skewMs: number;
  /** What a step takes, by its kind. */
  stepMs: Partial<Record<Step, number>>;
}

/** Something that ends with its process. */
export interface Belonging {
  /** @param isSilent the machine is gone too, and nobody tells the other side */
  endWithProcess(isSilent: boolean): void;
}

/** See the module's text. */
export class Process implements EventOwner {
  /** "receiver", or a sender's name. */
  readonly name: string;
  /** No two are alike: what the paths of its files begin with. */
  readonly number: number;
  readonly machine: Machine;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly #judge: StepJudge;
  readonly belongings = new Set<Belonging>();
  isAlive = true;
  busyUntilMs = 0;
  /** Timers that somebody waits for. */
  timerCount = 0;

  constructor(options: {
    readonly name: string;
    readonly number: number;
    readonly machine: Machine;
    readonly scheduler: Scheduler;
    readonly judge: StepJudge;
  }) {
    this.name = options.name;
    this.number = options.number;
    this.machine = options.machine;
    this.scheduler = options.scheduler;
    this.#judge = options.judge;
    this.clock = {
      nowMs: () => EPOCH_MS + Math.floor(this.monotonicMs() + this.machine.skewMs),
      after: (delayMs, action) => this.#after(delayMs, action),
    };
  }

  /** Its machine's disk. */
  get disk(): Disk {
    return this.machine.disk;
  }

  /** Where that disk's paths begin. */
  get mount(): string {
    return `/sim/${this.number}`;
  }

  /** Milliseconds that nobody sets. */
  monotonicMs(): number {
    return Math.max(this.scheduler.nowMs, this.busyUntilMs);
  }

  /** Does a step that takes no other turn. */
  step<T>(step: Step, work: (takenBytes: number) => T, sizeBytes = 0): T {
    const takenBytes = this.begin(step, sizeBytes);
    const result = work(takenBytes);
    this.end(step);
    return result;
  }

  /**
   * The first half of a step; returns how many of `sizeBytes` a write takes.
   * @param isBackground nothing else waits for it
   */
  begin(step: Step, sizeBytes = 0, isBackground = false): number {
    this.requireLife();
    const takenBytes = this.#judge.before(this, step, sizeBytes) ?? sizeBytes;
    if (isBackground) return takenBytes;
    const tookMs = this.machine.stepMs[step] ?? 0;
    if (tookMs > 0) this.busyUntilMs = this.monotonicMs() + tookMs;
    return takenBytes;
  }

  /** The second half of a step. */
  end(step: Step): void {
    this.#judge.after(this, step);
  }

  /** Throws where the process is dead. */
  requireLife(): void {
    if (!this.isAlive) throw new Crashed(`${this.name} is dead`);
  }

  /** Resolves to what `work` returns in `delayMs`; never, if the process dies before. */
  later<T>(delayMs: number, label: string, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.scheduler.after(this.#lagMs() + delayMs, `${this.name} ${label}`, this, () => {
        try {
          resolve(work());
        } catch (error) {
          if (this.isAlive) reject(error);
        }
      });
    });
  }

  /** Ends it. @param isSilent whether its machine goes too, so that no peer is told */
  die(isSilent: boolean): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const belonging of this.belongings) belonging.endWithProcess(isSilent);
    this.belongings.clear();
  }

  /** By how much it is ahead of the others' time, with steps that took their time in this turn. */
  #lagMs(): number {
    return this.monotonicMs() - this.scheduler.nowMs;
  }

  #after(delayMs: number, action: () => void): () => void {
    let isOver = false;
    // Without a delay it is another turn, and nobody waits for that.
    const counted = delayMs > 0 ? 1 : 0;
    this.timerCount += counted;
    const finish = (): boolean => {
      if (isOver) return false;
      isOver = true;
      this.timerCount -= counted;
      return true;
    };
    const cancel = this.scheduler.after(this.#lagMs() + delayMs, `${this.name} timer`, this, () => {
      if (finish()) action();
    });
    return () => {
      if (finish()) cancel();
    };
  }
}
