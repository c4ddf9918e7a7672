/**
 * A clock that stands still until a play moves it: what takes ten seconds takes a few steps, however slow the machine.
 * @module
 */
import type { Clock } from "../../lib/ports.ts";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** See the module's text. It begins with the system's time. */
export class StepClock implements Clock {
  #nowMs = Date.now();
  readonly #timers = new Set<Timer>();

  /** Milliseconds since 1970-01-01T00:00Z. */
  nowMs(): number {
    return this.#nowMs;
  }

  /** No delay means another turn and no time: that comes by itself. */
  after(delayMs: number, action: () => void): () => void {
    if (delayMs <= 0) {
      const turn = setTimeout(action, 0);
      return () => clearTimeout(turn);
    }
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass; what falls due on the way runs in order, each at its own time. */
  step(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let due: Timer | undefined;
      for (const timer of this.#timers) {
        if (timer.atMs <= endMs && (due === undefined || timer.atMs < due.atMs)) due = timer;
      }
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.action();
    }
    this.#nowMs = endMs;
  }
}
