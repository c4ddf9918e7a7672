/**
 * Where a transfer's entries go, as the journal keeps it: a transfer may have a million names at the top, and its row
 * is written every few seconds. So names that stay as they are sent are left out.
 * @module
 */
import type { Entry, Placement } from "../ports.ts";

/** What is written. */
export function storedPlacement({ topNames, conflict }: Placement): Placement {
  const others = Object.entries(topNames).filter(([sent, placed]) => sent !== placed);
  return { topNames: Object.fromEntries(others), conflict };
}

/** What was written, with the names of these entries that were left out. */
export function wholePlacement({ topNames, conflict }: Placement, entries: readonly Entry[]): Placement {
  const tops = entries.filter(({ path }) => !path.includes("/"));
  const names = tops.map(({ path }) => [path, Object.hasOwn(topNames, path) ? topNames[path]! : path]);
  return { topNames: Object.fromEntries(names), conflict };
}
