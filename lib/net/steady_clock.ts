/**
 * A clock for deadlines.
 * @module
 */
import type { Clock } from "../ports.ts";

/** The clock's time, save that it goes on where the clock is set back: no deadline is to be put off by that. */
export class SteadyClock {
  readonly #clock: Clock;
  /** The clock when it was last looked at, and by how much it has been set back so far. */
  #clockMs = 0;
  #setBackMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Milliseconds, of which only differences mean something.
   * @param atLeastMs what it must be by now
   */
  nowMs(atLeastMs = 0): number {
    const clockMs = this.#clock.nowMs();
    this.#setBackMs += Math.max(0, this.#clockMs - clockMs);
    this.#clockMs = clockMs;
    this.#setBackMs += Math.max(0, atLeastMs - clockMs - this.#setBackMs);
    return clockMs + this.#setBackMs;
  }
}
