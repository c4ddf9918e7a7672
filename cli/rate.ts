/**
 * How fast something grows, averaged over the last few seconds.
 * @module
 */

const WINDOW_MS = 5000;
const SAMPLE_EVERY_MS = 250;
/** Less than this is too short to tell a rate from. */
const SPAN_MS_MIN = 500;

/** A moving average. It holds about twenty samples, however often it is told. */
export class Rate {
  #samples: { readonly atMs: number; readonly amount: number }[] = [];
  #latest = { atMs: 0, amount: 0 };

  /** Starts with `amount` at `atMs`. */
  constructor(atMs: number, amount: number) {
    this.add(atMs, amount);
  }

  /** Tells the amount reached by `atMs`. */
  add(atMs: number, amount: number): void {
    this.#latest = { atMs, amount };
    const last = this.#samples.at(-1);
    if (last === undefined || atMs - last.atMs >= SAMPLE_EVERY_MS) this.#samples.push(this.#latest);
    // The oldest sample that is kept is the last one before the window, so that the window is always spanned.
    while (this.#samples.length > 1 && atMs - this.#samples[1]!.atMs >= WINDOW_MS) this.#samples.shift();
  }

  /** The growth per second; `undefined` while there is too little to tell from. */
  perSecond(): number | undefined {
    const oldest = this.#samples[0]!;
    const spanMs = this.#latest.atMs - oldest.atMs;
    if (spanMs < SPAN_MS_MIN) return undefined;
    return (this.#latest.amount - oldest.amount) * 1000 / spanMs;
  }
}
