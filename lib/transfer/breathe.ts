/**
 * Long work in one piece would keep timers and sockets waiting, and the peer would think the line dead.
 * @module
 */
import type { Clock } from "../ports.ts";

/** How much is read between two breaths: at 2 GB/s some ten milliseconds. */
export const BREATHE_EVERY_BYTES = 16 * 1024 * 1024;

/** Resolves after whatever else waits has had its turn. */
export function breathe(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(0, resolve);
  });
}
