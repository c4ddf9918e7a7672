/**
 * Handshakes with some of their defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import { ClientHandshake, type ClientOptions } from "../../handshake/client.ts";
import { ServerHandshake, type ServerOptions } from "../../handshake/server.ts";
import type { Off } from "../defences.ts";

/** A client's handshake without some defences. */
export async function startWeakClient(
  _off: Off,
  options: ClientOptions,
  nowMs: number,
): Promise<ClientHandshake> {
  return await ClientHandshake.start(options, nowMs);
}

/** A server's handshake without some defences. */
export function makeWeakServer(_off: Off, options: ServerOptions, nowMs: number): ServerHandshake {
  return new ServerHandshake(options, nowMs);
}
