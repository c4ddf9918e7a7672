/**
 * A receiver's end of connections: handshake over a duplex, then a channel.
 * @module
 */
import { availableSuites } from "../crypto/suite.ts";
import { ServerHandshake, type ServerOptions } from "../handshake/server.ts";
import { WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../limits.ts";
import type { Clock, Duplex } from "../ports.ts";
import { type Channel, openChannel } from "./channel.ts";
import type { Rotations } from "./connection.ts";
import { systemClock, systemRandom } from "./tcp.ts";

/**
 * What a server needs to know, and what it may choose: by itself it takes the system's randomness, every suite that
 * the runtime has, the largest window, and the mode `identity`, or where `sharedKeys` is given, even without a key in
 * it, `psk` and `identity+psk`. `guard` and `nonces` are what it remembers across connections: each server has one of each.
 */
export type AcceptOptions =
  & Pick<ServerOptions, "identity" | "authorize" | "guard" | "nonces">
  & Partial<ServerOptions>
  & Rotations;

/**
 * Runs the server's handshake over `duplex`, which is closed if it fails. Rejects with the handshake's failure,
 * `connection_lost` where the line or the client is gone, or what `authorize` throws. The channel is for
 * {@link receive}.
 *
 * @example A server with a list of senders, and a client that is not on it
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   accept,
 *   codeOf,
 *   connect,
 *   findAuthorized,
 *   generateSeed,
 *   HelloGuard,
 *   identityFromSeed,
 *   MemoryNonceStore,
 *   parseAuthorizedKeys,
 *   streamDuplex,
 *   StxError,
 *   systemClock,
 *   systemRandom,
 * } from "@stx/stx";
 *
 * const { keys } = parseAuthorizedKeys("# nobody yet");
 * const server = {
 *   identity: await identityFromSeed(generateSeed(systemRandom)),
 *   guard: new HelloGuard(),
 *   nonces: new MemoryNonceStore(),
 *   authorize(key: Uint8Array<ArrayBuffer>) {
 *     const verdict = findAuthorized(keys, key, "192.0.2.1", systemClock.nowMs());
 *     if (verdict !== "authorized") throw new StxError("unauthorized", `Refused a sender: ${verdict}`);
 *   },
 * };
 *
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 * const accepting = accept(streamDuplex({ readable: there.readable, writable: back.writable }), server);
 * const connecting = connect(streamDuplex({ readable: back.readable, writable: there.writable }), {
 *   identity: await identityFromSeed(generateSeed(systemRandom)),
 *   checkServer: () => {},
 * }).then(async (channel) => {
 *   // A client may speak before it has heard whether it is welcome.
 *   await channel.receive().finally(() => channel.close());
 * });
 * const [atServer, atClient] = await Promise.allSettled([accepting, connecting]);
 * assert.ok(atServer.status === "rejected" && codeOf(atServer.reason) === "unauthorized");
 * assert.ok(atClient.status === "rejected" && codeOf(atClient.reason) === "unauthorized");
 * ```
 */
export async function accept(
  duplex: Duplex,
  options: AcceptOptions,
  clock: Clock = systemClock,
): Promise<Channel> {
  const all: ServerOptions = {
    random: systemRandom,
    suites: options.suites ?? await availableSuites(),
    // A list without a key lets nobody in: who gives one may count on it and let everybody in by `authorize`.
    authModes: options.sharedKeys === undefined ? ["identity"] : ["psk", "identity+psk"],
    sharedKeys: [],
    limits: { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
    ...options,
  };
  return await openChannel(duplex, new ServerHandshake(all, clock.nowMs()), clock, options);
}
