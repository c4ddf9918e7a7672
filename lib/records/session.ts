/**
 * An open session: messages in, records out, and the other way round. It acknowledges, keeps the window, repeats
 * what noise damaged, notices silence, and ends for good at the first sign of an attacker.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Suite } from "../crypto/suite.ts";
import { StxError } from "../errors.ts";
import { IDLE_TIMEOUT_MS, PING_AFTER_MS } from "../limits.ts";
import { type Alert, alertError, decodeAlert, encodeAlert, sessionAlertFor } from "../wire/alert.ts";
import type { SessionLimits } from "../wire/handshake_messages.ts";
import {
  decodeNak,
  encodeNak,
  expectEmpty,
  type Message,
  MESSAGE_HEADER_SIZE,
  type MessageType,
} from "../wire/message.ts";
import { RECORD_OVERHEAD } from "../wire/record.ts";
import { type Received, type ReceivedMessage, RecordReceiver } from "./record_receiver.ts";
import { plaintextOf, RecordSender } from "./record_sender.ts";
import { TrafficKeys } from "./traffic_keys.ts";

/** What a session is made of. */
export interface SessionOptions {
  readonly suite: Suite;
  /** Overwritten by the session when its time is over. */
  readonly sendSecret: Bytes;
  readonly receiveSecret: Bytes;
  readonly limits: SessionLimits;
  /** Called when {@link Session.takeOutput} may have something new, since sealing takes its time. */
  readonly onOutput: () => void;
  /** Takes the body of the peer's ROTATION; what it throws ends the session. */
  readonly onRotation: (statement: Bytes) => void;
  /** Where both directions' numbers begin: 0, save in tests of a session's later part. */
  readonly firstSequence?: number;
}

const NOTHING: Bytes = new Uint8Array(0);

/** See the module's text. */
export class Session {
  readonly #sendKeys: TrafficKeys;
  readonly #receiveKeys: TrafficKeys;
  readonly #sender: RecordSender;
  readonly #receiver: RecordReceiver;
  #limits: SessionLimits;
  /** Everything below was given out: what our records acknowledge. */
  #delivered: number;
  #unacknowledgedRecords = 0;
  #unacknowledgedSizeBytes = 0;
  #lastReceivedMs: number;
  #nextPingMs: number;
  #sentSincePing = false;
  #peerClosed = false;
  readonly #onRotation: (statement: Bytes) => void;
  #hasPeerRotation = false;
  #failure: StxError | undefined;
  /** The last of the messages that are being opened; whatever comes next waits for it. */
  #previous: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions, nowMs: number) {
    const first = options.firstSequence ?? 0;
    this.#limits = options.limits;
    this.#sendKeys = this.makeKeys(options.suite, options.sendSecret);
    this.#receiveKeys = this.makeKeys(options.suite, options.receiveSecret);
    this.#sender = this.makeSender(this.#sendKeys, options.limits, options.onOutput, first);
    this.#receiver = this.makeReceiver(this.#receiveKeys, first);
    this.#delivered = first;
    this.#onRotation = options.onRotation;
    this.#lastReceivedMs = nowMs;
    this.#nextPingMs = nowMs + PING_AFTER_MS;
  }

  /** The keys of one direction. */
  protected makeKeys(suite: Suite, secret: Bytes): TrafficKeys {
    return new TrafficKeys(suite, secret);
  }

  /** The sending half. */
  protected makeSender(
    keys: TrafficKeys,
    limits: SessionLimits,
    onOutput: () => void,
    firstSequence: number,
  ): RecordSender {
    return new RecordSender(keys, limits, onOutput, firstSequence);
  }

  /** The receiving half. */
  protected makeReceiver(keys: TrafficKeys, firstSequence: number): RecordReceiver {
    return new RecordReceiver(keys, firstSequence);
  }

  /** What ended the session, if it has ended for good. */
  get failure(): StxError | undefined {
    return this.#failure;
  }

  /** Whether the peer's CLOSE has come: nothing more will, and nothing is missing. */
  get isPeerClosed(): boolean {
    return this.#peerClosed;
  }

  /** Records that wait to be sealed or taken. */
  get waitingCount(): number {
    return this.#sender.waitingCount;
  }

  /** Bytes of records that the peer has not acknowledged. */
  get inFlightSizeBytes(): number {
    return this.#sender.inFlightSizeBytes;
  }

  /** Records that have arrived and are being opened. */
  get openingCount(): number {
    return this.#receiver.expectedSequence - this.#delivered;
  }

  /** Whether this session should be closed and another opened because its numbers run out. */
  get isNearlyUsedUp(): boolean {
    return this.#sender.isNearlyUsedUp;
  }

  /** READY raises what may be in flight. */
  raiseLimits(limits: SessionLimits): void {
    this.#limits = limits;
    this.#sender.raiseLimits(limits);
  }

  /** Says whether a message with a body of this size may be sent now. */
  hasRoom(bodySizeBytes: number): boolean {
    return this.#sender.hasRoom(MESSAGE_HEADER_SIZE + bodySizeBytes);
  }

  /** Sends a message. */
  send(type: MessageType, body: Bytes = NOTHING): void {
    this.sendInPlace(type, plaintextOf(body));
  }

  /**
   * Sends a message whose body begins at the sixth byte of `plaintext`; the first five are written here. The
   * buffer may be used again as soon as the call returns.
   */
  sendInPlace(type: MessageType, plaintext: Bytes): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#sender.send(type, plaintext, this.#delivered);
    this.#sentSincePing = true;
    this.#unacknowledgedRecords = 0;
    this.#unacknowledgedSizeBytes = 0;
  }

  /** Ends our direction properly: CLOSE is its last record. */
  close(): void {
    this.send("close");
  }

  /**
   * Takes bytes as they arrived and resolves to the messages in them, in order. It may be called again before
   * it resolved: opening goes on side by side, order is kept. A failure ends the session for good: every later
   * call rejects with it, and so does this one unless messages came before it, since it must make no difference
   * in how many pieces bytes arrive; {@link failure} then says so. An alert is in the output if the peer should
   * have one.
   * @param isEarly says that the bytes were sent before READY, when there is no ROTATION
   */
  async receive(bytes: Bytes, nowMs: number, isEarly = false): Promise<readonly Message[]> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#lastReceivedMs = nowMs;
    const previous = this.#previous;
    const received = this.#receiver.receive(bytes, nowMs);
    // Whoever rejects first is reported in its turn below; none may count as unhandled until then.
    for (const each of received.messages) each.catch(() => {});
    const delivered = this.#deliver(previous, received, isEarly);
    this.#previous = delivered.then(() => {}, () => {});
    return await delivered;
  }

  async #deliver(
    previous: Promise<void>,
    received: Received,
    isEarly: boolean,
  ): Promise<readonly Message[]> {
    const messages: Message[] = [];
    try {
      for (const sequence of received.naks) this.send("nak", encodeNak(sequence));
      await previous;
      for (const each of received.messages) {
        const message = await each;
        if (this.#failure !== undefined) throw this.#failure;
        this.#accept(message, messages, isEarly);
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (received.failure !== undefined) throw received.failure;
    } catch (error) {
      const failure = this.fail(error);
      if (messages.length === 0) throw failure;
    }
    return messages;
  }

  #accept(message: ReceivedMessage, messages: Message[], isEarly: boolean): void {
    if (this.#peerClosed) {
      throw new StxError(
        "unexpected_message",
        `Cannot accept ${message.type}: the peer has closed its direction`,
      );
    }
    this.#sender.acknowledge(message.acknowledged);
    this.#delivered = message.sequence + 1;
    switch (message.type) {
      case "ack":
        expectEmpty(message);
        return;
      case "ping":
        expectEmpty(message);
        this.send("ack");
        return;
      case "nak":
        this.#sender.repeatFrom(decodeNak(message.body));
        return;
      case "alert":
        throw new PeerAlert(decodeAlert(message.body));
      case "close":
        expectEmpty(message);
        this.#peerClosed = true;
        return;
      case "rotation":
        if (isEarly || this.#hasPeerRotation) {
          const why = isEarly ? "the session is not open yet" : "there was one before";
          throw new StxError("unexpected_message", `Cannot accept ROTATION: ${why}`);
        }
        this.#hasPeerRotation = true;
        this.#onRotation(message.body);
        return;
      default:
        messages.push({ type: message.type, body: message.body });
        this.#unacknowledgedRecords += 1;
        this.#unacknowledgedSizeBytes += RECORD_OVERHEAD + MESSAGE_HEADER_SIZE + message.body.length;
        if (
          this.#unacknowledgedRecords >= this.#limits.windowRecords / 4 ||
          this.#unacknowledgedSizeBytes >= this.#limits.windowSizeBytes / 4
        ) this.send("ack");
    }
  }

  /** The end of the peer's stream: without its CLOSE it is a cut, and throws `connection_lost`. */
  receiveEnd(): void {
    if (this.#peerClosed || this.#failure !== undefined) return;
    throw this.fail(new StxError("connection_lost", "The connection was cut"));
  }

  /**
   * Ends the session for good. The peer gets an alert, if `error` is neither its own nor a lost line.
   * @param isPeersOwn says that `error` is what the peer has said when it ended the handshake
   * @returns the error that every later call throws
   */
  fail(error: unknown, isPeersOwn = false): StxError {
    if (this.#failure !== undefined) return this.#failure;
    if (error instanceof PeerAlert) {
      this.#failure = alertError(error.alert, true);
    } else {
      const known = error instanceof StxError
        ? error
        : new StxError("connection_lost", "The session failed", { cause: error });
      if (known.code !== "connection_lost" && !isPeersOwn) this.#sendAlert(sessionAlertFor(known.code));
      this.#failure = known;
    }
    this.#receiveKeys.erase();
    return this.#failure;
  }

  #sendAlert(alert: Alert): void {
    try {
      this.#sender.send("alert", plaintextOf(encodeAlert(alert)), this.#delivered);
    } catch {
      // After CLOSE nothing can be said any more.
    }
  }

  /** Ends the session with an alert of our choice, because this end stops. */
  abort(alert: Alert): void {
    if (this.#failure !== undefined) return;
    this.#sendAlert(alert);
    this.#failure = new StxError("cancelled", "The session was ended by this side");
  }

  /** Wire bytes that are ready, in order. */
  takeOutput(): readonly Bytes[] {
    return this.#sender.takeOutput();
  }

  /** The time up to now does not count as silence: nobody was listening. */
  excuseSilence(nowMs: number): void {
    this.#lastReceivedMs = nowMs;
    this.#receiver.excuseSilence(nowMs);
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    if (this.#failure !== undefined) return undefined;
    return Math.min(
      this.#lastReceivedMs + IDLE_TIMEOUT_MS,
      this.#nextPingMs,
      this.#receiver.nextTimeoutMs() ?? Infinity,
    );
  }

  /** Sends a PING where nothing else was sent for a while; throws `connection_lost` after a longer silence. */
  handleTimeout(nowMs: number): void {
    if (this.#failure !== undefined) return;
    try {
      this.#receiver.handleTimeout(nowMs);
      if (nowMs >= this.#lastReceivedMs + IDLE_TIMEOUT_MS) {
        throw new StxError("connection_lost", `Nothing was heard for ${IDLE_TIMEOUT_MS / 1000} seconds`);
      }
      if (nowMs >= this.#nextPingMs) {
        if (!this.#sentSincePing) this.send("ping");
        this.#sentSincePing = false;
        this.#nextPingMs = nowMs + PING_AFTER_MS;
      }
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Overwrites all secrets; nothing can be sealed or opened afterwards. */
  erase(): void {
    this.#sendKeys.erase();
    this.#receiveKeys.erase();
  }
}

/** Carries an alert from where it is read to where the session ends. */
class PeerAlert extends Error {
  readonly alert: Alert;
  constructor(alert: Alert) {
    super(alert);
    this.alert = alert;
  }
}
