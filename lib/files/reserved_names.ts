/**
 * The names that a transfer has chosen in the receiving folder, from that choice until it is in place.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { Placement } from "../ports.ts";

/** The names that a transfer has in the receiving folder. */
export interface ReservedNames {
  /**
   * Where a transfer goes whose names others may have taken meanwhile. What `isWaiting` is not said of, by the path
   * that it was sent under, keeps its name.
   */
  placeAgain(placement: Placement, isWaiting: (path: string) => boolean): Placement;
  /** Nobody needs them any more. */
  release(): void;
}

/**
 * What keeps a transfer from being put in place is told at every start from now on, and no other policy changes what
 * was decided: so it says how to end that.
 */
export function withWayOut(error: unknown, path: string): unknown {
  if (!(error instanceof StxError) || error.code === "state_corrupt") return error;
  const hint = error.code === "exists" ? "Move it out of the way." : error.hint ?? "";
  const wayOut = `Every start tries again; to give the transfer up, remove "${escapeControls(path)}".`;
  return new StxError(error.code, error.message, { hint: `${hint} ${wayOut}`.trim(), cause: error.cause });
}
