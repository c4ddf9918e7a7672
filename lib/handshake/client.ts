/**
 * The client's handshake: HELLO out, WELCOME in, VERIFY out, READY in. It checks WELCOME's seal, identity,
 * proof, signature and pin in this order and shows its own identity only once all of them hold.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { RunningSha256 } from "../crypto/hkdf.ts";
import { type ClientShare, makeClientShare } from "../crypto/key_agreement.ts";
import type { Suite } from "../crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../crypto/traffic_key.ts";
import { StxError } from "../errors.ts";
import { verifySignature } from "../identity/identity.ts";
import { assertValidPublicKey } from "../identity/public_key.ts";
import { EARLY_RECORDS, EARLY_SIZE_MAX, HANDSHAKE_TIMEOUT_MS, TAG_SIZE, WINDOW_RECORDS } from "../limits.ts";
import type { Identity, Random } from "../ports.ts";
import { alertError, decodeAlert, encodeAlert, handshakeAlertFor } from "../wire/alert.ts";
import { encodeFrame, type Frame, FrameAssembler, frameHeader } from "../wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  decodeReady,
  decodeServerAuthentication,
  decodeWelcome,
  encodeHello,
  encodeLimits,
  encodeVerify,
  HANDSHAKE_NONCE_SIZE,
  type Intent,
  INTENT_NUMBERS,
  SUITE_NUMBERS,
  VERIFY_SIZE,
} from "../wire/handshake_messages.ts";
import {
  deriveExporter,
  deriveHandshakeSecrets,
  deriveSessionSecrets,
  finishedMac,
  type SessionSecrets,
} from "./key_schedule.ts";
import { type HandshakeEvent, type SessionKeys, signedContent } from "./outcome.ts";
import { type HandshakeState, stateAfter } from "./transitions.ts";

/** What a client needs to know. */
export interface ClientOptions {
  /** Who we are. */
  readonly identity: Identity;
  /** For nonces and ephemeral keys. */
  readonly random: Random;
  /** The suites that it offers, its favourite first. */
  readonly suites: readonly Suite[];
  /** What we want to do. */
  readonly intent: Intent;
  /**
   * Asked once the server has proved to hold this key; throws `unknown_receiver` or `receiver_changed` if it is
   * not the one that the user means.
   */
  readonly checkServer: (serverIdentity: Bytes) => void;
}

/** See the module's text. Made by {@link ClientHandshake.start}. */
export class ClientHandshake {
  readonly #options: ClientOptions;
  /** Gone once used: a session must not outlive the secrecy of the keys that it began with. */
  #share: ClientShare | undefined;
  readonly #transcript = new RunningSha256();
  readonly #frames = new FrameAssembler();
  readonly #deadlineMs: number;
  #output: Bytes[] = [];
  #state: HandshakeState = "waitWelcome";
  #isReceiving = false;
  /** What ended the handshake. */
  #failure: unknown;
  #sendKey: TrafficKey | undefined;
  #receiveKey: TrafficKey | undefined;
  #master: Bytes | undefined;
  #secrets: SessionSecrets | undefined;
  #keys: SessionKeys | undefined;

  private constructor(options: ClientOptions, share: ClientShare, nowMs: number) {
    this.#options = options;
    this.#share = share;
    this.#deadlineMs = nowMs + HANDSHAKE_TIMEOUT_MS;
    const hello = encodeFrame(
      "hello",
      encodeHello({
        clientTimeS: Math.floor(nowMs / 1000),
        clientNonce: options.random.bytes(HANDSHAKE_NONCE_SIZE),
        clientShare: share.publicShare,
        suites: options.suites.map((suite) => SUITE_NUMBERS[suite]),
        authModes: [AUTH_MODE_NUMBERS.identity],
        extensions: [],
        binder: undefined,
      }),
    );
    this.#transcript.update(hello);
    this.#output.push(hello);
  }

  /** Makes the ephemeral keys; HELLO is then ready to be taken. */
  static async start(options: ClientOptions, nowMs: number): Promise<ClientHandshake> {
    return new ClientHandshake(options, await makeClientShare(options.random), nowMs);
  }

  /** Where the handshake stands. */
  get state(): HandshakeState {
    return this.#state;
  }

  /**
   * Takes bytes as they arrived. Any failure closes the machine for good: this and every later call throws it,
   * and what {@link takeOutput} then gives is the alert for the server. Calls must not overlap, nor come after
   * the end of the handshake.
   */
  async receive(bytes: Bytes, _nowMs: number): Promise<readonly HandshakeEvent[]> {
    this.#throwFailure();
    if (this.#isReceiving) {
      throw new Error("Cannot take bytes: the bytes before them are still being worked on");
    }
    if (this.#state === "open") throw new Error("Cannot take bytes: the handshake is over");
    this.#isReceiving = true;
    const events: HandshakeEvent[] = [];
    try {
      this.#frames.push(bytes);
      while (this.#state !== "open") {
        const frame = this.#frames.next();
        if (frame === undefined) break;
        const next = stateAfter("client", this.#state, frame.type);
        const event = await this.#handle(frame);
        // The time may have run out while the runtime worked.
        this.#throwFailure();
        events.push(event);
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

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send(bytes: Bytes): void {
    // Nothing leaves once the time is up, whatever was under way then.
    this.#throwFailure();
    this.#output.push(bytes);
  }

  async #handle(frame: Frame): Promise<HandshakeEvent> {
    switch (frame.type) {
      case "welcome":
        return await this.#handleWelcome(frame);
      case "ready":
        return await this.#handleReady(frame);
      case "sealedAlert": {
        const body = await this.#receiveKey!.open(1, frame.header, frame.body);
        if (body === undefined) throw new StxError("handshake_failed", "Cannot open the server's alert");
        this.#state = "closed";
        throw alertError(decodeAlert(body), true);
      }
      default:
        this.#state = "closed";
        throw alertError(decodeAlert(frame.body), false);
    }
  }

  async #handleWelcome(frame: Frame): Promise<HandshakeEvent> {
    const { welcome, clear, sealed } = decodeWelcome(frame.body);
    const suite = this.#options.suites.find((each) => SUITE_NUMBERS[each] === welcome.suite);
    if (suite === undefined || welcome.authMode !== AUTH_MODE_NUMBERS.identity) {
      throw new StxError(
        "handshake_failed",
        `Cannot accept WELCOME: suite ${welcome.suite} or mode ${welcome.authMode} was not offered`,
      );
    }
    const transcript = this.#transcript;
    transcript.update(concat(frame.header, clear));
    const sharedSecret = await this.#share!.finish(welcome.serverShare);
    this.#share = undefined;
    const secrets = deriveHandshakeSecrets(sharedSecret, transcript.value());
    sharedSecret.fill(0);
    this.#master = secrets.master;
    const receiveKey = await importTrafficKey(suite, secrets.server);
    const plaintext = await receiveKey.open(0, frame.header, sealed);
    if (plaintext === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot open WELCOME: it, or the HELLO that it answers, was changed on the way",
      );
    }
    // From here on the server shares keys with us; who it is, is checked next.
    this.#receiveKey = receiveKey;
    this.#sendKey = await importTrafficKey(suite, secrets.client);
    const server = decodeServerAuthentication(plaintext);
    assertValidPublicKey(server.serverId);
    transcript.update(server.serverId);
    const signed = signedContent("server", transcript.value());
    transcript.update(server.signature);
    const finished = finishedMac(secrets.server, transcript.value());
    secrets.server.fill(0);
    if (!equal(server.finished, finished)) {
      throw new StxError("bad_proof", "Cannot accept WELCOME: the server's proof does not fit");
    }
    if (!await verifySignature(server.serverId, signed, server.signature)) {
      throw new StxError("bad_signature", "Cannot accept WELCOME: the server's signature is not valid");
    }
    transcript.update(server.finished);
    this.#options.checkServer(server.serverId);
    return await this.#sendVerify(suite, server.serverId, secrets.client);
  }

  async #sendVerify(suite: Suite, peerIdentity: Bytes, clientSecret: Bytes): Promise<HandshakeEvent> {
    const transcript = this.#transcript;
    const { identity, intent } = this.#options;
    const header = frameHeader("verify", VERIFY_SIZE + TAG_SIZE);
    transcript.update(concat(header, identity.publicKey, Uint8Array.of(INTENT_NUMBERS[intent])));
    const signature = await identity.sign(signedContent("client", transcript.value()));
    transcript.update(signature);
    const proof = finishedMac(clientSecret, transcript.value());
    clientSecret.fill(0);
    transcript.update(proof);
    const plaintext = encodeVerify({
      clientId: identity.publicKey,
      intent: INTENT_NUMBERS[intent],
      signature,
      proof,
    });
    this.#send(concat(header, await this.#sendKey!.seal(0, header, plaintext)));
    const secrets = deriveSessionSecrets(this.#master!, transcript.value());
    this.#secrets = secrets;
    this.#keys = {
      suite,
      sendSecret: secrets.client,
      receiveSecret: secrets.server,
      sessionId: secrets.sessionId,
      peerIdentity,
      intent,
    };
    return { kind: "verified", keys: this.#keys };
  }

  async #handleReady(frame: Frame): Promise<HandshakeEvent> {
    const plaintext = await this.#receiveKey!.open(1, frame.header, frame.body);
    if (plaintext === undefined) {
      throw new StxError("handshake_failed", "Cannot open READY: it was changed on the way");
    }
    const ready = decodeReady(plaintext);
    const transcript = this.#transcript;
    transcript.update(concat(frame.header, ready.sessionId, encodeLimits(ready.limits)));
    if (!equal(ready.proof, finishedMac(this.#secrets!.ready, transcript.value()))) {
      throw new StxError("bad_proof", "Cannot accept READY: the server's proof does not fit");
    }
    if (!equal(ready.sessionId, this.#secrets!.sessionId)) {
      throw new StxError("bad_proof", "Cannot accept READY: it names another session");
    }
    if (ready.limits.windowRecords < EARLY_RECORDS || ready.limits.windowSizeBytes < EARLY_SIZE_MAX) {
      throw new StxError(
        "bad_limits",
        `Cannot accept READY: its window of ${ready.limits.windowRecords} records and ` +
          `${ready.limits.windowSizeBytes} bytes is below what was allowed before`,
      );
    }
    if (ready.limits.windowRecords > WINDOW_RECORDS) {
      throw new StxError(
        "bad_limits",
        `Cannot accept READY: its window of ${ready.limits.windowRecords} records is above ${WINDOW_RECORDS}`,
      );
    }
    transcript.update(ready.proof);
    const exporter = deriveExporter(this.#master!, transcript.value());
    this.#forget();
    return {
      kind: "open",
      keys: this.#keys!,
      limits: ready.limits,
      exporter,
      rest: this.#frames.takeRest(),
    };
  }

  /** Bytes for the server. */
  takeOutput(): readonly Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    return this.#state === "open" || this.#state === "closed" ? undefined : this.#deadlineMs;
  }

  /** Throws `connection_lost` where the server takes too long. */
  handleTimeout(nowMs: number): void {
    const deadline = this.nextTimeoutMs();
    if (deadline === undefined || nowMs < deadline) return;
    this.#state = "closed";
    this.#output = [];
    this.#failure = new StxError(
      "connection_lost",
      `The receiver did not finish the handshake within ${HANDSHAKE_TIMEOUT_MS / 1000} seconds`,
    );
    this.#forget();
    throw this.#failure;
  }

  async #fail(error: unknown): Promise<void> {
    const wasClosed = this.#state === "closed";
    const hasSentVerify = this.#keys !== undefined;
    this.#failure ??= error;
    this.#state = "closed";
    this.#output = [];
    // After VERIFY the session's own alert is the one that the server can read.
    if (!wasClosed && !hasSentVerify) {
      if (this.#sendKey === undefined) {
        this.#output.push(encodeFrame("alert", encodeAlert(handshakeAlertFor(error, false))));
      } else {
        const alert = encodeAlert(handshakeAlertFor(error, true));
        // VERIFY, which would take number 0 of this key, will not be sent.
        const header = frameHeader("sealedAlert", alert.length + TAG_SIZE);
        this.#output.push(concat(header, await this.#sendKey.seal(0, header, alert)));
      }
    }
    this.#forget();
  }

  #forget(): void {
    this.#share = undefined;
    this.#sendKey = undefined;
    this.#receiveKey = undefined;
    this.#master?.fill(0);
    this.#secrets?.ready.fill(0);
  }
}
