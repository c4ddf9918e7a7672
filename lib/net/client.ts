/**
 * A sender's connection to a receiver: handshake over a duplex, then a channel.
 * @module
 */
import { availableSuites } from "../crypto/suite.ts";
import { ClientHandshake, type ClientOptions } from "../handshake/client.ts";
import type { Clock, Duplex } from "../ports.ts";
import { type Channel, openChannel } from "./channel.ts";
import type { Rotations } from "./connection.ts";
import { systemClock, systemRandom } from "./tcp.ts";

/**
 * What a client needs to know, and what it may choose: by itself it takes the system's randomness, every suite that
 * the runtime has, and the mode `identity`, or with a shared key `psk` before `identity+psk`.
 */
export type ConnectOptions =
  & Pick<ClientOptions, "identity" | "checkServer">
  & Partial<ClientOptions>
  & Rotations;

/**
 * Runs the client's handshake over `duplex`, which is closed if it fails. Rejects with the handshake's failure,
 * `connection_lost` where the line or the server is gone, or what `checkServer` throws. The channel is for
 * {@link send}.
 *
 * @example A client that means one receiver, and a server that takes one sender
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   accept,
 *   connect,
 *   fingerprint,
 *   generateSeed,
 *   HelloGuard,
 *   identityFromSeed,
 *   MemoryNonceStore,
 *   streamDuplex,
 *   StxError,
 *   systemRandom,
 * } from "@stx/stx";
 *
 * const sender = await identityFromSeed(generateSeed(systemRandom));
 * const receiver = await identityFromSeed(generateSeed(systemRandom));
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 *
 * const [client, server] = await Promise.all([
 *   connect(streamDuplex({ readable: back.readable, writable: there.writable }), {
 *     identity: sender,
 *     checkServer(key) {
 *       if (fingerprint(key) === fingerprint(receiver.publicKey)) return;
 *       throw new StxError("unknown_receiver", `This is ${fingerprint(key)}`);
 *     },
 *   }),
 *   accept(streamDuplex({ readable: there.readable, writable: back.writable }), {
 *     identity: receiver,
 *     authorize(key) {
 *       if (fingerprint(key) === fingerprint(sender.publicKey)) return;
 *       throw new StxError("unauthorized", `Nobody knows ${fingerprint(key)}`);
 *     },
 *     // One of each for all connections of a server.
 *     guard: new HelloGuard(),
 *     nonces: new MemoryNonceStore(),
 *   }),
 * ]);
 * assert.deepEqual(client.peerIdentity, receiver.publicKey);
 * assert.deepEqual(server.peerIdentity, sender.publicKey);
 * assert.deepEqual(client.sessionId, server.sessionId);
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export async function connect(
  duplex: Duplex,
  options: ConnectOptions,
  clock: Clock = systemClock,
): Promise<Channel> {
  const all: ClientOptions = {
    random: systemRandom,
    suites: options.suites ?? await availableSuites(),
    authModes: options.sharedKey === undefined ? ["identity"] : ["psk", "identity+psk"],
    sharedKey: undefined,
    intent: "send",
    ...options,
  };
  let handshake: ClientHandshake;
  try {
    handshake = await ClientHandshake.start(all, clock.nowMs());
  } catch (error) {
    duplex.close();
    throw error;
  }
  return await openChannel(duplex, handshake, clock, options);
}
