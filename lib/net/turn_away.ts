/**
 * How a server without room says so.
 * @module
 */
import type { Duplex } from "../ports.ts";
import { encodeAlert } from "../wire/alert.ts";
import { encodeFrame } from "../wire/frame.ts";

/**
 * Tells whoever is at the other end, in clear, that there is no room now, and hangs up without waiting: whoever
 * is turned away because of a flood must not hold a socket any longer. A handshake under way on the same duplex
 * sees a cut.
 */
export async function turnAway(duplex: Duplex): Promise<void> {
  try {
    await duplex.write(encodeFrame("alert", encodeAlert("busy")));
  } catch {
    // It has gone by itself.
  }
  duplex.close();
}
