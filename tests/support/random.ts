/**
 * Choices that look random and repeat with their seed, so that a failure can be played again.
 * @module
 */

/** Numbers from 0 up to, but not including, 1: the generator "mulberry32", one 32-bit state, made for tests. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed to begin with: the value of `STX_SEED`, or another one each time. */
export function chosenSeed(): number {
  return Number(Deno.env.get("STX_SEED") ?? Math.floor(Math.random() * 2 ** 32));
}
