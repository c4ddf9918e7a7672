/**
 * A sender that does not give up: the policy of `stx send`, without its pauses.
 * @module
 */
import { makeWeakRetry } from "../../lib/attacks/weak/retry.ts";
import type { Random } from "../../lib/ports.ts";
import type { Stage } from "./attack.ts";
import type { StxWorld } from "./stx_world.ts";

/** Attempts without progress after which it gives up. */
const ATTEMPTS_MAX = 8;
/** An attempt counts as a second. */
const ATTEMPT_MS = 1000;
/** Every pause is as short as it may be: none. */
const NO_PAUSE: Random = { bytes: (size) => new Uint8Array(size) };

/** Sends the file over as many connections as it takes; resolves when it has arrived or the sender has given up. */
export async function sendUntilItArrives(world: StxWorld, { off }: Stage): Promise<void> {
  const retry = makeWeakRetry(off, ATTEMPTS_MAX * ATTEMPT_MS, NO_PAUSE, 0);
  let keptBytes = 0;
  for (let nowMs = ATTEMPT_MS;; nowMs += ATTEMPT_MS) {
    const receipt = await world.send({
      onEvent(event) {
        if (event.kind !== "started" || event.offset <= keptBytes) return;
        keptBytes = event.offset;
        retry.progress(nowMs);
      },
    });
    await world.settle();
    if (receipt !== undefined || retry.delayAfter(world.sendError, nowMs) === undefined) return;
  }
}
