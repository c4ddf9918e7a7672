/**
 * One connection without its socket: the handshake first, then the session, as one machine.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { ClientHandshake } from "../handshake/client.ts";
import type { HandshakeEvent, SessionKeys } from "../handshake/outcome.ts";
import type { ServerHandshake } from "../handshake/server.ts";
import { type PeerRotation, verifyPeerRotation } from "../identity/rotation.ts";
import { EARLY_LIMITS } from "../records/record_sender.ts";
import { Session, type SessionOptions } from "../records/session.ts";
import type { Message } from "../wire/message.ts";

/** What a connection reports. */
export type ConnectionEvent =
  /** Messages may be sent now. A client's come before READY and are few. */
  | { readonly kind: "usable"; readonly keys: SessionKeys }
  /** Both ends have proved themselves. */
  | { readonly kind: "open"; readonly exporter: Bytes }
  | { readonly kind: "message"; readonly message: Message };

/** What an end says of a change of its own identity, and what it does about the peer's. */
export interface Rotations {
  /**
   * The statement to announce as soon as the session is open, made by {@link signRotation}; this end's identity must be
   * one of its two keys.
   */
  readonly rotation?: Bytes | undefined;
  /**
   * Called with what the peer announces, verified, before any later message of the peer is given out. What it throws
   * ends the session.
   */
  readonly onPeerRotation?: ((rotation: PeerRotation) => void) | undefined;
}

/** Makes the session once there are keys for it; the simulator's controls have others. */
export type MakeSession = (options: SessionOptions, nowMs: number) => Session;

const makeOwnSession: MakeSession = (options, nowMs) => new Session(options, nowMs);

/** See the module's text. */
export class Connection {
  readonly #handshake: ClientHandshake | ServerHandshake;
  readonly #onOutput: () => void;
  readonly #rotations: Rotations;
  readonly #makeSession: MakeSession;
  #session: Session | undefined;

  /** @param onOutput called when {@link takeOutput} may have something new */
  constructor(
    handshake: ClientHandshake | ServerHandshake,
    onOutput: () => void,
    rotations: Rotations = {},
    makeSession = makeOwnSession,
  ) {
    this.#handshake = handshake;
    this.#onOutput = onOutput;
    this.#rotations = rotations;
    this.#makeSession = makeSession;
  }

  /** The session, once messages may be sent. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Whether the handshake is over; until then calls of {@link receive} must not overlap. */
  get isOpen(): boolean {
    return this.#handshake.state === "open";
  }

  /** Takes bytes as they arrived; rejects where the connection ends for good. */
  async receive(bytes: Bytes, nowMs: number): Promise<readonly ConnectionEvent[]> {
    if (this.isOpen) return wrap(await this.#session!.receive(bytes, nowMs));
    const events: ConnectionEvent[] = [];
    try {
      for (const event of await this.#handshake.receive(bytes, nowMs)) {
        events.push(...await this.#advance(event, nowMs));
      }
    } catch (error) {
      this.#session?.fail(error, this.#handshake.isToldToStop);
      throw error;
    } finally {
      this.#onOutput();
    }
    return events;
  }

  async #advance(event: HandshakeEvent, nowMs: number): Promise<readonly ConnectionEvent[]> {
    const events: ConnectionEvent[] = [];
    // A client sends before READY, so what a server has got by then is early.
    const isServer = this.#session === undefined && event.kind === "open";
    if (this.#session === undefined) {
      this.#session = this.#startSession(event.keys, nowMs);
      events.push({ kind: "usable", keys: event.keys });
    }
    if (event.kind === "open") {
      this.#session.raiseLimits(event.limits);
      events.push({ kind: "open", exporter: event.exporter });
      if (this.#rotations.rotation !== undefined) this.#session.send("rotation", this.#rotations.rotation);
      if (event.rest.length > 0) {
        events.push(...wrap(await this.#session.receive(event.rest, nowMs, isServer)));
      }
    }
    return events;
  }

  #startSession({ suite, sendSecret, receiveSecret, peerIdentity }: SessionKeys, nowMs: number): Session {
    const onRotation = (statement: Bytes) => {
      const rotation = verifyPeerRotation(statement, peerIdentity);
      this.#rotations.onPeerRotation?.(rotation);
    };
    return this.#makeSession(
      { suite, sendSecret, receiveSecret, limits: EARLY_LIMITS, onOutput: this.#onOutput, onRotation },
      nowMs,
    );
  }

  /** The end of the peer's stream; throws `connection_lost` unless the peer had closed properly. */
  receiveEnd(): void {
    this.#session?.receiveEnd();
  }

  /** Wire bytes that are ready, in order. */
  takeOutput(): readonly Bytes[] {
    const output = this.#handshake.takeOutput();
    // Nothing of the session goes out before the handshake's own bytes.
    return this.#session === undefined ? output : [...output, ...this.#session.takeOutput()];
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    return this.isOpen ? this.#session!.nextTimeoutMs() : this.#handshake.nextTimeoutMs();
  }

  /** Throws where the connection is given up. */
  handleTimeout(nowMs: number): void {
    if (this.isOpen) this.#session!.handleTimeout(nowMs);
    else this.#handshake.handleTimeout(nowMs);
  }
}

function wrap(messages: readonly Message[]): readonly ConnectionEvent[] {
  return messages.map((message) => ({ kind: "message", message }));
}
