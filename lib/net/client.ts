/**
 * A sender's connection to a receiver: handshake over a duplex, then a channel.
 * @module
 */
import { ClientHandshake, type ClientOptions } from "../handshake/client.ts";
import type { Clock, Duplex } from "../ports.ts";
import { type Channel, openChannel } from "./channel.ts";

/** Runs the client's handshake over `duplex`, which is closed if it fails. */
export async function connect(duplex: Duplex, options: ClientOptions, clock: Clock): Promise<Channel> {
  return await openChannel(duplex, await ClientHandshake.start(options, clock.nowMs()), clock);
}
