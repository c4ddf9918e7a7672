/**
 * Runs a connection over a duplex of bytes: one loop reads, one writes, a timer watches. What comes out is a
 * channel of messages.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { deferred } from "../bytes/deferred.ts";
import { StxError } from "../errors.ts";
import type { ClientHandshake } from "../handshake/client.ts";
import type { SessionKeys } from "../handshake/outcome.ts";
import type { ServerHandshake } from "../handshake/server.ts";
import {
  DRAIN_SIZE_MAX,
  DRAIN_TIMEOUT_MS,
  GOODBYE_TIMEOUT_MS,
  SEALS_IN_FLIGHT,
  WINDOW_CONTROL_RECORDS,
  WINDOW_RECORDS,
  WINDOW_SIZE_BYTES,
} from "../limits.ts";
import type { Clock, Duplex } from "../ports.ts";
import type { TransferChannel } from "../transfer/channel.ts";
import type { Alert } from "../wire/alert.ts";
import type { Message, MessageType } from "../wire/message.ts";
import { Connection, type ConnectionEvent, type MakeSession, type Rotations } from "./connection.ts";
import { SteadyClock } from "./steady_clock.ts";

/** One read from the socket: what Linux hands over at once at most, as measured. */
const READ_SIZE = 256 * 1024;
/** The same before the handshake is over: strangers must not fill the memory with what they do not send. */
const HANDSHAKE_READ_SIZE = 4 * 1024;
/** Received messages that wait for their reader; beyond, the socket is left alone and TCP slows the peer. */
const QUEUE_SIZE_MAX = 4 * 1024 * 1024;
/** What a message costs beside its body, so that small ones count too. */
const MESSAGE_COST = 256;
/** Writes below this are put together. */
const SMALL_WRITE_SIZE = 16 * 1024;

/** See the module's text. Made by {@link openChannel}. */
export class Channel implements TransferChannel {
  readonly #duplex: Duplex;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #queue: Message[] = [];
  #queueSizeBytes = 0;
  /** Bytes that were read and whose messages are not in the queue yet. */
  #openingSizeBytes = 0;
  /** Whether the socket is left alone until messages were taken. */
  #isHeldBack = false;
  #failure: StxError | undefined;
  #ended = false;
  #keys: SessionKeys | undefined;
  #cancelTimer: (() => void) | undefined;
  readonly #steady: SteadyClock;
  #changed = deferred<void>();
  #output = deferred<void>();
  #finishing = false;
  /** Whether the socket was closed by this end: what still comes of it must set no timer any more. */
  #isClosed = false;
  readonly #writing: Promise<void>;
  readonly #reading: Promise<void>;

  /** Starts both loops at once; {@link openChannel} also waits for the handshake. */
  constructor(
    duplex: Duplex,
    handshake: ClientHandshake | ServerHandshake,
    clock: Clock,
    rotations: Rotations = {},
    makeSession?: MakeSession,
  ) {
    this.#duplex = duplex;
    this.#clock = clock;
    this.#steady = new SteadyClock(clock);
    this.#connection = new Connection(handshake, () => this.#signalOutput(), rotations, makeSession);
    this.#writing = this.#writeLoop();
    this.#reading = this.#readLoop();
    this.#armTimer();
  }

  get peerIdentity(): Bytes {
    return this.#keys!.peerIdentity;
  }

  get sessionId(): Bytes {
    return this.#keys!.sessionId;
  }

  /** A server's sessions in the order in which they began: see {@link SessionKeys.helloNumber}. */
  get helloNumber(): number {
    return this.#keys!.helloNumber;
  }

  /** Bytes of what was sent over this channel of which the peer has not said that it has them. */
  get unacknowledgedSizeBytes(): number {
    return this.#connection.session?.inFlightSizeBytes ?? 0;
  }

  /** Resolves when messages may be sent; rejects if the handshake fails. */
  async usable(): Promise<void> {
    await this.#until(() => this.#keys !== undefined);
  }

  send(type: MessageType, body?: Bytes): void {
    this.#throwFailure();
    this.#connection.session!.send(type, body);
  }

  sendInPlace(type: MessageType, plaintext: Bytes): void {
    this.#throwFailure();
    this.#connection.session!.sendInPlace(type, plaintext);
  }

  hasRoom(bodySizeBytes: number): boolean {
    return this.#connection.session!.hasRoom(bodySizeBytes);
  }

  async room(bodySizeBytes: number): Promise<void> {
    const session = this.#connection.session!;
    await this.#until(() => session.waitingCount < SEALS_IN_FLIGHT && session.hasRoom(bodySizeBytes));
    if (session.isNearlyUsedUp) {
      this.#fail(
        new StxError("connection_lost", "The session's sequence numbers are used up: a new one follows"),
      );
      this.#throwFailure();
    }
  }

  async receive(): Promise<Message> {
    await this.#until(() => this.#queue.length > 0 || this.#ended);
    const message = this.#queue.shift();
    if (message === undefined) {
      throw new StxError(
        "connection_lost",
        "The peer closed the connection before the transfer was finished",
      );
    }
    this.#queueSizeBytes -= MESSAGE_COST + message.body.length;
    this.#signalChange();
    return message;
  }

  /**
   * Waits for the peer's last word after ours. Resolves to `false` if the connection was gone before it, so that
   * nobody knows whether ours was heard; to `true` when the peer has closed its direction, sends one more message,
   * which nobody waits for, or is still there when the time is over.
   */
  async peerClosed(timeoutMs = GOODBYE_TIMEOUT_MS): Promise<boolean> {
    const { promise: isOver, resolve } = deferred<boolean>();
    const cancel = this.#clock.after(timeoutMs, () => resolve(true));
    const isClosed = this.#until(() => this.#ended || this.#queue.length > 0).then(
      () => this.#queue.length > 0 || this.#connection.session?.isPeerClosed === true,
      () => false,
    );
    const wasHeard = await Promise.race([isClosed, isOver]);
    cancel();
    return wasHeard;
  }

  /** Says goodbye, gives the peer a moment to do the same, and closes. */
  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) this.#connection.session?.close();
    } catch (error) {
      // The session has just ended by itself, so there is nothing to say goodbye to.
      this.#fail(error);
    }
    await this.#finish();
  }

  /** Ends the session because this end stops, and tells the peer. */
  async abort(alert: Alert): Promise<void> {
    this.#connection.session?.abort(alert);
    this.#fail(new StxError("cancelled", "The connection was ended by this side"));
    await this.#finish();
  }

  /** Ends the connection as a failure of the transfer that runs over it, and tells the peer by alert. */
  async closeFor(error: unknown): Promise<void> {
    const session = this.#connection.session;
    if (session !== undefined) this.#fail(session.fail(error));
    await this.#finish();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      // What has arrived is still given out after a failure; nothing else is.
      if (this.#queue.length > 0 && condition()) return;
      this.#throwFailure();
      if (condition()) return;
      await this.#changed.promise;
    }
  }

  #signalChange(): void {
    this.#changed.resolve();
    this.#changed = deferred<void>();
  }

  #signalOutput(): void {
    this.#output.resolve();
    this.#output = deferred<void>();
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof StxError
      ? error
      : new StxError("connection_lost", "The connection was cut", { cause: error });
    this.#cancelTimer?.();
    this.#signalChange();
  }

  async #readLoop(): Promise<void> {
    let buffer = new Uint8Array(HANDSHAKE_READ_SIZE);
    let handled: Promise<void> = Promise.resolve();
    let drainedSizeBytes = 0;
    try {
      for (;;) {
        if (this.#keys !== undefined && buffer.length < READ_SIZE) buffer = new Uint8Array(READ_SIZE);
        const size = await this.#duplex.read(buffer);
        if (size === null) break;
        if (this.#failure !== undefined || this.#finishing) {
          drainedSizeBytes += size;
          if (drainedSizeBytes > DRAIN_SIZE_MAX) break;
        }
        if (this.#failure !== undefined) continue;
        const wasOpen = this.#connection.isOpen;
        const events = this.#connection.receive(buffer.subarray(0, size), this.#steady.nowMs());
        handled = this.#handleInOrder(handled, events, size);
        if (!wasOpen) await handled;
        await this.#queueDrained();
      }
      await handled;
      this.#connection.receiveEnd();
      if (this.#connection.session === undefined) throw new Error("The peer hung up during the handshake");
    } catch (error) {
      await handled;
      this.#fail(error);
    }
    this.#ended = true;
    this.#cancelTimer?.();
    this.#signalChange();
  }

  /** Never rejects: whatever goes wrong ends the channel. */
  async #handleInOrder(
    previous: Promise<void>,
    events: Promise<readonly ConnectionEvent[]>,
    sizeBytes: number,
  ): Promise<void> {
    this.#openingSizeBytes += sizeBytes;
    const [outcome] = await Promise.allSettled([events, previous]);
    if (outcome.status === "fulfilled") this.#handle(outcome.value);
    else this.#fail(outcome.reason);
    this.#openingSizeBytes -= sizeBytes;
    if (this.#openingSizeBytes === 0) this.#noteEnd();
    this.#signalChange();
  }

  /** A session may end behind messages that still count: it is over when all that was read before that is handled. */
  #noteEnd(): void {
    const session = this.#connection.session;
    if (session?.isPeerClosed) this.#ended = true;
    if (session?.failure !== undefined) this.#fail(session.failure);
  }

  async #queueDrained(): Promise<void> {
    while (this.#isFull() && this.#failure === undefined && !this.#finishing) {
      this.#isHeldBack = true;
      await this.#changed.promise;
    }
    this.#isHeldBack = false;
  }

  /** Whether more is kept than a peer that respects the window can have sent, or than the reader takes. */
  #isFull(): boolean {
    return this.#queueSizeBytes > QUEUE_SIZE_MAX || this.#openingSizeBytes > WINDOW_SIZE_BYTES ||
      (this.#connection.session?.openingCount ?? 0) > WINDOW_RECORDS + WINDOW_CONTROL_RECORDS;
  }

  #handle(events: readonly ConnectionEvent[]): void {
    for (const event of events) {
      if (event.kind === "usable") this.#keys = event.keys;
      if (event.kind === "message") {
        this.#queue.push(event.message);
        this.#queueSizeBytes += MESSAGE_COST + event.message.body.length;
      }
    }
    this.#armTimer();
  }

  async #writeLoop(): Promise<void> {
    try {
      for (;;) {
        const signal = this.#output.promise;
        const output = this.#connection.takeOutput();
        if (output.length > 0) {
          for (const bytes of joinSmall(output)) await this.#duplex.write(bytes);
          this.#signalChange();
          continue;
        }
        if (this.#finishing && (this.#connection.session?.waitingCount ?? 0) === 0) break;
        await signal;
      }
      await this.#duplex.closeWrite();
    } catch (error) {
      // The peer's last words may say why it hung up, so reading goes on for a moment before this counts.
      await this.#within(DRAIN_TIMEOUT_MS, this.#reading);
      this.#fail(error);
    }
  }

  async #finish(): Promise<void> {
    this.#finishing = true;
    this.#signalOutput();
    this.#signalChange();
    const loops = Promise.all([this.#writing, this.#reading]);
    await this.#within(DRAIN_TIMEOUT_MS, loops);
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#duplex.close();
    // Both loops end with the socket; a signature that never comes must not hold up whoever closes.
    await this.#within(DRAIN_TIMEOUT_MS, loops);
    this.#connection.session?.erase();
  }

  /** Waits for `work`, but no longer than `delayMs`. */
  async #within(delayMs: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = deferred<void>();
    const cancel = this.#clock.after(delayMs, resolve);
    await Promise.race([work, promise]);
    cancel();
  }

  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#failure !== undefined || this.#ended || this.#isClosed) return;
    const atMs = this.#connection.nextTimeoutMs();
    if (atMs === undefined) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, atMs - this.#steady.nowMs()), () => {
      const nowMs = this.#steady.nowMs(atMs);
      // What waits in the socket while this end does not read is no silence of the peer.
      if (this.#isHeldBack) this.#connection.session?.excuseSilence(nowMs);
      try {
        this.#connection.handleTimeout(nowMs);
        this.#armTimer();
      } catch (error) {
        this.#fail(error);
      }
    });
  }
}

function* joinSmall(output: readonly Bytes[]): Generator<Bytes> {
  let small: Bytes[] = [];
  for (const bytes of output) {
    if (bytes.length < SMALL_WRITE_SIZE) {
      small.push(bytes);
      continue;
    }
    if (small.length > 0) yield concat(...small);
    small = [];
    yield bytes;
  }
  if (small.length > 0) yield concat(...small);
}

/**
 * Runs a handshake over `duplex`; resolves to a channel once messages may be sent. Rejects with the handshake's
 * failure after the peer was told and the duplex closed.
 */
export async function openChannel(
  duplex: Duplex,
  handshake: ClientHandshake | ServerHandshake,
  clock: Clock,
  rotations: Rotations = {},
  makeSession?: MakeSession,
): Promise<Channel> {
  const channel = new Channel(duplex, handshake, clock, rotations, makeSession);
  try {
    await channel.usable();
    return channel;
  } catch (error) {
    await channel.closeFor(error);
    throw error;
  }
}
