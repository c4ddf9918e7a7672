/**
 * A receiver's end of connections: handshake over a duplex, then a channel.
 * @module
 */
import { ServerHandshake, type ServerOptions } from "../handshake/server.ts";
import type { Clock, Duplex } from "../ports.ts";
import { type Channel, openChannel } from "./channel.ts";

/** Runs the server's handshake over `duplex`, which is closed if it fails. */
export async function accept(duplex: Duplex, options: ServerOptions, clock: Clock): Promise<Channel> {
  return await openChannel(duplex, new ServerHandshake(options, clock.nowMs()), clock);
}
