/**
 * A client and a server that meet on a line in memory, with time in a test's hand.
 * @module
 */
import assert from "node:assert/strict";
import { StxError } from "../../../lib/errors.ts";
import type { ClientOptions } from "../../../lib/handshake/client.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import type { ServerOptions } from "../../../lib/handshake/server.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../../../lib/limits.ts";
import type { Channel } from "../../../lib/net/channel.ts";
import { connect } from "../../../lib/net/client.ts";
import { accept } from "../../../lib/net/server.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import type { SessionLimits } from "../../../lib/wire/handshake_messages.ts";
import { type LineOptions, type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { cryptoSettled } from "../../support/settled_crypto.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

export const SENDER = await identityFromSeed(new Uint8Array(32).fill(1));
export const RECEIVER = await identityFromSeed(new Uint8Array(32).fill(2));

/** A client for the receiver. */
export const CLIENT: ClientOptions = {
  identity: SENDER,
  random: systemRandom,
  suites: ["aes-256-gcm"],
  authModes: ["identity"],
  sharedKey: undefined,
  intent: "send",
  checkServer: (key) => assert.deepEqual(key, RECEIVER.publicKey),
};

/** A client that does not know the receiver. */
export const STRANGER: ClientOptions = {
  ...CLIENT,
  checkServer() {
    throw new StxError("unknown_receiver", "Nobody knows this receiver");
  },
};

/** A server for the sender. */
export function serverOptions(limits?: SessionLimits): ServerOptions {
  return {
    identity: RECEIVER,
    random: systemRandom,
    suites: ["aes-256-gcm"],
    authModes: ["identity"],
    sharedKeys: [],
    guard: new HelloGuard(),
    nonces: new MemoryNonceStore(),
    limits: limits ?? { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
    authorize: (key) => assert.deepEqual(key, SENDER.publicKey),
  };
}

/** A server that lets nobody in. */
export const CLOSED_SERVER: ServerOptions = {
  ...serverOptions(),
  authorize() {
    throw new StxError("unauthorized", "Nobody may send");
  },
};

/** What a meeting is made of. */
export interface MeetingOptions extends LineOptions {
  readonly limits?: SessionLimits;
}

/** See the module's text. */
export class Meeting {
  readonly clock: VirtualClock;
  readonly client: Channel;
  readonly server: Channel;
  /** The client's and the server's end of the line. */
  readonly lines: readonly [MemoryDuplex, MemoryDuplex];

  constructor(
    clock: VirtualClock,
    client: Channel,
    server: Channel,
    lines: readonly [MemoryDuplex, MemoryDuplex],
  ) {
    this.clock = clock;
    this.client = client;
    this.server = server;
    this.lines = lines;
  }

  /** Waits until everything has happened that happens without time passing. */
  async quiet(): Promise<void> {
    await quiet(...this.lines);
  }

  /** Lets time pass in small steps, each with whatever follows from it. */
  async pass(ms: number, stepMs = 5_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await this.quiet();
    }
  }

  /** Ends both ends, and checks that nothing is left behind. */
  async end(): Promise<void> {
    await Promise.all([this.client.close(), this.server.close()]);
    this.assertNothingLeft();
  }

  assertNothingLeft(): void {
    assertNothingLeft(this.clock, ...this.lines);
  }
}

/** Waits until nothing moves on a line any more. */
export async function quiet(...lines: readonly MemoryDuplex[]): Promise<void> {
  const state = () => lines.map((line) => `${line.writtenSizeBytes} ${line.waitingSizeBytes}`).join();
  for (let calm = 0, before = ""; calm < 5;) {
    await cryptoSettled();
    calm = state() === before ? calm + 1 : 0;
    before = state();
  }
}

export function assertNothingLeft(clock: VirtualClock, ...lines: readonly MemoryDuplex[]): void {
  for (const line of lines) assert.ok(line.isClosed);
  assert.equal(clock.pendingCount, 0, "a timer was forgotten");
}

/** A client and a server who have shaken hands. */
export async function meet(options: MeetingOptions = {}): Promise<Meeting> {
  const clock = new VirtualClock();
  const lines = memoryLine(options);
  const [client, server] = await Promise.all([
    connect(lines[0], CLIENT, clock),
    accept(lines[1], serverOptions(options.limits), clock),
  ]);
  const meeting = new Meeting(clock, client, server, lines);
  // A client is let send before READY has come.
  await meeting.quiet();
  return meeting;
}
