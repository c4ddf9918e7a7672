/** A clock that stands still until a test moves it. */
import type { Clock } from "../../lib/ports.ts";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** See the module's text. */
export class VirtualClock implements Clock {
  #nowMs: number;
  /** How much it was set by. */
  #setMs = 0;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#setMs;
  }

  /** Sets it forward, or back where `ms` is negative, as people and NTP do: no time passes, so no timer runs. */
  set(ms: number): void {
    this.#setMs += ms;
  }

  /** No delay means another turn, not time: that comes by itself. */
  after(delayMs: number, action: () => void): () => void {
    if (delayMs <= 0) {
      const turn = setTimeout(action, 0);
      return () => clearTimeout(turn);
    }
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that were neither cancelled nor run: what somebody forgot, once all is closed. */
  get pendingCount(): number {
    return this.#timers.size;
  }

  /** Lets time pass; what falls due on the way runs in order, at its own time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.action();
    }
    this.#nowMs = endMs;
  }
}
