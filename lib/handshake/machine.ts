/**
 * What both ends' handshakes have in common: frames in, frames out, one deadline, and one failure that ends it.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { RunningSha256 } from "../crypto/hkdf.ts";
import type { Suite } from "../crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../crypto/traffic_key.ts";
import { StxError } from "../errors.ts";
import { assertValidPublicKey } from "../identity/public_key.ts";
import { HANDSHAKE_TIMEOUT_MS, TAG_SIZE } from "../limits.ts";
import type { Identity } from "../ports.ts";
import { alertError, decodeAlert, encodeAlert, handshakeAlertFor } from "../wire/alert.ts";
import { encodeFrame, type Frame, FrameAssembler, frameHeader } from "../wire/frame.ts";
import { clockSkew, type HandshakeTimes } from "./clocks.ts";
import { deriveHandshakeSecrets, type HandshakeSecrets, type SharedKey } from "./key_schedule.ts";
import { type HandshakeEvent, refuseReflection } from "./outcome.ts";
import { type HandshakeRole, type HandshakeState, stateAfter } from "./transitions.ts";

/** How an end says why it fails: to nobody, to everybody, or to its peer alone. */
export type LastWords = "none" | "clear" | "sealed";

/** The numbers under which each end seals an alert: that of the frame which it will not send any more. */
const ALERT_NUMBERS: Readonly<Record<HandshakeRole, number>> = { client: 0, server: 1 };
const PEERS: Readonly<Record<HandshakeRole, HandshakeRole>> = { client: "server", server: "client" };

/** One end of a handshake. */
export abstract class HandshakeMachine {
  protected readonly transcript: RunningSha256 = new RunningSha256();
  /** The handshake's own keys, from WELCOME on. */
  protected sendKey: TrafficKey | undefined;
  protected receiveKey: TrafficKey | undefined;
  /** What HELLO and WELCOME say of the time, once both are known. */
  protected times: HandshakeTimes | undefined;
  readonly #role: HandshakeRole;
  readonly #frames = new FrameAssembler();
  readonly #deadlineMs: number;
  #output: Bytes[] = [];
  #state: HandshakeState;
  #isReceiving = false;
  /** What ended the handshake. */
  #failure: unknown;
  #isToldToStop = false;

  protected constructor(role: HandshakeRole, state: HandshakeState, nowMs: number) {
    this.#role = role;
    this.#state = state;
    this.#deadlineMs = nowMs + HANDSHAKE_TIMEOUT_MS;
  }

  /** Where the handshake stands. */
  get state(): HandshakeState {
    return this.#state;
  }

  /** Whether the peer has ended the handshake by an alert that nobody else can have sent: it needs none itself. */
  get isToldToStop(): boolean {
    return this.#isToldToStop;
  }

  /**
   * Takes bytes as they arrived. Any failure closes the machine for good: this and every later call throws it,
   * and what {@link takeOutput} then gives is the alert for the peer. Calls must not overlap, nor come after
   * the end of the handshake.
   */
  async receive(bytes: Bytes, nowMs: number): Promise<readonly HandshakeEvent[]> {
    this.#throwFailure();
    if (this.#isReceiving) {
      throw new Error("Cannot take bytes: the bytes before them are still being worked on");
    }
    if (this.#state === "open") throw new Error("Cannot take bytes: the handshake is over");
    this.#isReceiving = true;
    const events: HandshakeEvent[] = [];
    try {
      this.count(bytes.length);
      this.#frames.push(bytes);
      while (this.#state !== "open") {
        const frame = this.#frames.next();
        if (frame === undefined) break;
        const next = stateAfter(this.#role, this.#state, frame.type);
        const event = await this.#take(frame, nowMs);
        // The time may have run out while the runtime worked.
        this.#throwFailure();
        if (event !== undefined) events.push(event);
        this.#state = next;
      }
      return events;
    } catch (error) {
      await this.#fail(error);
      throw this.#failure;
    } finally {
      this.#isReceiving = false;
    }
  }

  /** Bytes for the peer. */
  takeOutput(): readonly Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    return this.#state === "open" || this.#state === "closed" ? undefined : this.#deadlineMs;
  }

  /** Throws `connection_lost` where the peer takes too long. */
  handleTimeout(nowMs: number): void {
    const deadline = this.nextTimeoutMs();
    if (deadline === undefined || nowMs < deadline) return;
    const seconds = HANDSHAKE_TIMEOUT_MS / 1000;
    this.close(
      new StxError(
        "connection_lost",
        `The ${PEERS[this.#role]} did not finish the handshake within ${seconds} seconds`,
      ),
    );
    throw this.#failure;
  }

  /** Ends the handshake at once and without a word. */
  protected close(failure: unknown): void {
    this.#failure ??= failure;
    this.#state = "closed";
    this.#output = [];
    this.forget();
  }

  /** Puts bytes out. */
  protected send(bytes: Bytes): void {
    // Nothing leaves once the time is up, whatever was under way then.
    this.#throwFailure();
    this.#output.push(bytes);
  }

  /** What arrived behind the handshake. */
  protected takeRest(): Bytes {
    return this.#frames.takeRest();
  }

  /** Looks at the size of what arrives; throws where it is too much. */
  protected count(_sizeBytes: number): void {}

  /** Takes a frame other than an alert, which the table of transitions allows now. */
  protected abstract handle(frame: Frame, nowMs: number): Promise<HandshakeEvent | undefined>;

  /** Who may be told, as things stand, why the handshake fails. */
  protected abstract lastWords(): LastWords;

  /** Overwrites or lets go of every secret. */
  protected abstract forget(): void;

  /** Makes HELLO part of the transcript, and so of every key, proof and signature that follows. */
  protected absorbHello(frame: Bytes): void {
    this.transcript.update(frame);
  }

  /** Makes who an end says it is, or the signature that shows it, part of the transcript. */
  protected absorbIdentity(part: Bytes): void {
    this.transcript.update(part);
  }

  /** The handshake's own keys, of all that makes them: the key agreement, what was said, the shared key if one is used. */
  protected deriveSecrets(
    sharedSecret: Bytes,
    th2: Bytes,
    sharedKey: SharedKey | undefined,
  ): HandshakeSecrets {
    return deriveHandshakeSecrets(sharedSecret, th2, sharedKey);
  }

  /** The key of one direction: what it seals nobody else reads, and what anybody else made does not open. */
  protected importKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
    return importTrafficKey(suite, secret);
  }

  /** Throws `bad_identity` for a peer's identity under which anybody can sign, or that is none. */
  protected checkIdentity(peerIdentity: Bytes): void {
    assertValidPublicKey(peerIdentity);
  }

  /** Throws `bad_identity` if the peer shows this end's own identity. */
  protected checkNotOwn(peerIdentity: Bytes, own: Identity): void {
    refuseReflection(peerIdentity, own);
  }

  async #take(frame: Frame, nowMs: number): Promise<HandshakeEvent | undefined> {
    if (frame.type === "alert") throw this.#endedBy(frame.body, false);
    if (frame.type !== "sealedAlert") return await this.handle(frame, nowMs);
    const number = ALERT_NUMBERS[PEERS[this.#role]];
    const body = await this.receiveKey!.open(number, frame.header, frame.body);
    if (body === undefined) {
      throw new StxError("handshake_failed", `Cannot open the ${PEERS[this.#role]}'s alert`);
    }
    throw this.#endedBy(body, true);
  }

  /** Whoever is told why the peer stops has nothing more to say. */
  #endedBy(body: Bytes, isSealed: boolean): StxError {
    const alert = decodeAlert(body);
    this.#state = "closed";
    this.#isToldToStop = isSealed;
    if (alert === "clockSkew" && isSealed && this.times !== undefined) return clockSkew(this.times);
    return alertError(alert, isSealed, PEERS[this.#role]);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #fail(error: unknown): Promise<void> {
    const lastWords = this.#state === "closed" ? "none" : this.lastWords();
    const sealing = lastWords === "none" ? undefined : this.#alert(error, lastWords === "sealed");
    this.close(error);
    const alert = await sealing;
    if (alert !== undefined) this.#output.push(alert);
  }

  async #alert(error: unknown, isSealed: boolean): Promise<Bytes> {
    const alert = encodeAlert(handshakeAlertFor(error, isSealed));
    if (!isSealed) return encodeFrame("alert", alert);
    const header = frameHeader("sealedAlert", alert.length + TAG_SIZE);
    return concat(header, await this.sendKey!.seal(ALERT_NUMBERS[this.#role], header, alert));
  }
}
