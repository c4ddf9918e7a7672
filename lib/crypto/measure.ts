/**
 * Which suite is faster here: processors with AES instructions and runtimes differ too much to guess.
 * @module
 */
import type { Clock } from "../ports.ts";
import { importAeadKey, KEY_SIZE, NONCE_SIZE, type Suite } from "./suite.ts";

const SAMPLE_SIZE = 512 * 1024;
const ROUNDS = 3;

/** The suites in the order of their speed on this machine, measured over a few milliseconds. */
export async function fastestFirst(
  suites: readonly Suite[],
  clock: Pick<Clock, "nowMs">,
): Promise<readonly Suite[]> {
  const sample = new Uint8Array(SAMPLE_SIZE);
  const nonce = new Uint8Array(NONCE_SIZE);
  const measured: { suite: Suite; bestMs: number }[] = [];
  for (const suite of suites) {
    const key = await importAeadKey(suite, new Uint8Array(KEY_SIZE));
    let bestMs = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const startMs = clock.nowMs();
      await key.seal(nonce, nonce, sample);
      bestMs = Math.min(bestMs, clock.nowMs() - startMs);
    }
    measured.push({ suite, bestMs });
  }
  return measured.sort((a, b) => a.bestMs - b.bestMs).map(({ suite }) => suite);
}
