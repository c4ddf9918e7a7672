/**
 * Strangers who want nothing but to be a burden: they open connections to a receiver from many addresses, prove
 * nothing, and come again as soon as they are hung up on.
 * @module
 */
import { connect, type Socket } from "node:net";
import { makeClientShare } from "../../lib/crypto/key_agreement.ts";
import { systemClock, systemRandom } from "../../lib/net/tcp.ts";
import { encodeFrame } from "../../lib/wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  encodeHello,
  HANDSHAKE_NONCE_SIZE,
  SUITE_NUMBERS,
} from "../../lib/wire/handshake_messages.ts";

/** What a stranger does once connected: say nothing, say HELLO a byte at a time, or say it whole and then nothing. */
const MANNERS = ["silent", "dripping", "asking"] as const;

/** Time between two bytes of a HELLO that drips. */
const DRIP_EVERY_MS = 100;
/** New connections are begun in small groups, so often. */
const BEGIN_EVERY_MS = 10;
/** What is lost to a full queue of the system comes late, by seconds, and late connections would be counted as held. */
const CONNECT_TIMEOUT_MS = 5_000;

/** How to trouble a receiver. */
export interface StrangersOptions {
  /** A port of 127.0.0.1. */
  readonly port: number;
  /** How many there are; a third of them has each manner. */
  readonly count: number;
  /** Connections that are begun in a second, at most. */
  readonly perSecond: number;
  /** Where the stranger with this index comes from; an address of this machine. */
  readonly address: (index: number) => string;
}

/** What they have come to. */
export interface StrangersCount {
  /** Connections open now, at their end. */
  readonly open: number;
  /** The most that were open at once. */
  readonly openMax: number;
  /** Connections that came about, from the start. */
  readonly made: number;
  /** How many of those the receiver has ended. */
  readonly dropped: number;
  /** Attempts to connect that failed. */
  readonly failed: number;
}

/** A loopback address for each of 65,000 strangers: Linux takes all of 127.0.0.0/8 for its own. */
export function ownAddress(index: number): string {
  return `127.77.${index >> 8}.${index & 255}`;
}

/** See the module's text. Made by {@link Strangers.gather}; disposing of it sends them home. */
export class Strangers implements AsyncDisposable {
  readonly #options: StrangersOptions;
  readonly #publicShare: Uint8Array<ArrayBuffer>;
  readonly #sockets = new Map<Socket, Promise<void>>();
  /** Those who are not connected, the next first. */
  readonly #idle: number[];
  readonly #beginning: ReturnType<typeof setInterval>;
  readonly #dripping: ReturnType<typeof setInterval>;
  /** What is left to say for each who drips. */
  readonly #drips = new Map<Socket, Uint8Array>();
  #lastMs = performance.now();
  #allowance = 0;
  #open = 0;
  #openMax = 0;
  #made = 0;
  #dropped = 0;
  #failed = 0;
  #change = Promise.withResolvers<void>();

  private constructor(options: StrangersOptions, publicShare: Uint8Array<ArrayBuffer>) {
    this.#options = options;
    this.#publicShare = publicShare;
    this.#idle = Array.from({ length: options.count }, (_, index) => index);
    this.#beginning = setInterval(() => this.#begin(), BEGIN_EVERY_MS);
    this.#dripping = setInterval(() => this.#drip(), DRIP_EVERY_MS);
  }

  /** Sets them going. */
  static async gather(options: StrangersOptions): Promise<Strangers> {
    // One share for all, as it is the receiver that should have work: it cannot know that it has seen it before.
    return new Strangers(options, (await makeClientShare(systemRandom)).publicShare);
  }

  /** See {@link StrangersCount}. */
  get counts(): StrangersCount {
    return {
      open: this.#open,
      openMax: this.#openMax,
      made: this.#made,
      dropped: this.#dropped,
      failed: this.#failed,
    };
  }

  /** Resolves once their counts are as `condition` says. */
  async until(condition: (counts: StrangersCount) => boolean): Promise<void> {
    while (!condition(this.counts)) await this.#change.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beginning);
    clearInterval(this.#dripping);
    for (const socket of this.#sockets.keys()) socket.destroy();
    await Promise.all(this.#sockets.values());
  }

  #begin(): void {
    const nowMs = performance.now();
    // Whatever is late is caught up with, but never more than a second's worth.
    const due = (nowMs - this.#lastMs) * this.#options.perSecond / 1000;
    this.#allowance = Math.min(this.#options.perSecond, this.#allowance + due);
    this.#lastMs = nowMs;
    const count = Math.min(this.#idle.length, Math.floor(this.#allowance));
    this.#allowance -= count;
    for (const index of this.#idle.splice(0, count)) this.#connect(index);
  }

  #connect(index: number): void {
    const { port, address } = this.#options;
    const socket = connect({ host: "127.0.0.1", port, localAddress: address(index) });
    let isConnected = false;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      if (!isConnected) socket.destroy();
    });
    socket.on("connect", () => {
      isConnected = true;
      this.#made += 1;
      this.#open += 1;
      this.#openMax = Math.max(this.#openMax, this.#open);
      this.#greet(socket, index);
      this.#wake();
    });
    // Read and thrown away: who does not read cannot be told that it was hung up on.
    socket.resume();
    // What went wrong does not matter, "close" comes in any case.
    socket.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sockets.set(socket, promise);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#drips.delete(socket);
      if (isConnected) {
        this.#open -= 1;
        this.#dropped += 1;
      } else {
        this.#failed += 1;
      }
      this.#idle.push(index);
      this.#wake();
      resolve();
    });
  }

  #greet(socket: Socket, index: number): void {
    const manner = MANNERS[index % MANNERS.length]!;
    if (manner === "dripping") this.#drips.set(socket, this.#hello());
    if (manner === "asking") socket.write(this.#hello());
  }

  /** A HELLO that a receiver has not seen before and must answer. */
  #hello(): Uint8Array {
    return encodeFrame(
      "hello",
      encodeHello({
        clientTimeS: Math.floor(systemClock.nowMs() / 1000),
        clientNonce: systemRandom.bytes(HANDSHAKE_NONCE_SIZE),
        clientShare: this.#publicShare,
        suites: [SUITE_NUMBERS["aes-256-gcm"]],
        authModes: [AUTH_MODE_NUMBERS.identity],
        extensions: [],
        binder: undefined,
      }),
    );
  }

  #drip(): void {
    for (const [socket, rest] of this.#drips) {
      socket.write(rest.subarray(0, 1));
      if (rest.length > 1) this.#drips.set(socket, rest.subarray(1));
      else this.#drips.delete(socket);
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
