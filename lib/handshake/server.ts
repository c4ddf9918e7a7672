/**
 * The server's handshake: HELLO in, WELCOME out, VERIFY in, READY out. It opens nothing that came behind VERIFY
 * before VERIFY's seal, proof, signature and sender were all accepted.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { RunningSha256 } from "../crypto/hkdf.ts";
import { answerClientShare } from "../crypto/key_agreement.ts";
import type { Suite } from "../crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../crypto/traffic_key.ts";
import { StxError } from "../errors.ts";
import { verifySignature } from "../identity/identity.ts";
import { assertValidPublicKey } from "../identity/public_key.ts";
import { EARLY_SIZE_MAX, HANDSHAKE_TIMEOUT_MS, TAG_SIZE } from "../limits.ts";
import type { Identity, Random } from "../ports.ts";
import { alertError, decodeAlert, encodeAlert, handshakeAlertFor } from "../wire/alert.ts";
import { encodeFrame, type Frame, FrameAssembler, frameHeader } from "../wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  decodeHello,
  decodeVerify,
  encodeLimits,
  encodeReady,
  encodeServerAuthentication,
  encodeWelcome,
  HANDSHAKE_NONCE_SIZE,
  type Intent,
  INTENT_NUMBERS,
  READY_SIZE,
  SERVER_AUTHENTICATION_SIZE,
  type SessionLimits,
  SUITE_NUMBERS,
} from "../wire/handshake_messages.ts";
import { deriveExporter, deriveHandshakeSecrets, deriveSessionSecrets, finishedMac } from "./key_schedule.ts";
import { type HandshakeEvent, signedContent } from "./outcome.ts";
import { type HandshakeState, stateAfter } from "./transitions.ts";

/** What a server needs to know. */
export interface ServerOptions {
  /** Who we are. */
  readonly identity: Identity;
  /** For nonces and ephemeral keys. */
  readonly random: Random;
  /** The suites that it takes; the client's order decides between them. */
  readonly suites: readonly Suite[];
  /** What READY allows. */
  readonly limits: SessionLimits;
  /** Asked once the client has proved to hold this key; throws `unauthorized` if it may not do this. */
  readonly authorize: (clientIdentity: Bytes, intent: Intent) => void;
}

/** See the module's text. */
export class ServerHandshake {
  readonly #options: ServerOptions;
  readonly #transcript = new RunningSha256();
  readonly #frames = new FrameAssembler();
  readonly #deadlineMs: number;
  #output: Bytes[] = [];
  #state: HandshakeState = "waitHello";
  #suite: Suite | undefined;
  #sendKey: TrafficKey | undefined;
  #receiveKey: TrafficKey | undefined;
  #clientSecret: Bytes | undefined;
  #master: Bytes | undefined;
  #receivedSizeBytes = 0;
  #isReceiving = false;
  /** What ended the handshake. */
  #failure: unknown;

  constructor(options: ServerOptions, nowMs: number) {
    this.#options = options;
    this.#deadlineMs = nowMs + HANDSHAKE_TIMEOUT_MS;
  }

  /** Where the handshake stands. */
  get state(): HandshakeState {
    return this.#state;
  }

  /**
   * Takes bytes as they arrived. Any failure closes the machine for good: this and every later call throws it,
   * and what {@link takeOutput} then gives is the alert for the client. Calls must not overlap, nor come after
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
      this.#receivedSizeBytes += bytes.length;
      if (this.#receivedSizeBytes > 3 * EARLY_SIZE_MAX) {
        throw new StxError(
          "malformed",
          "Cannot go on with the handshake: the client sent too much before READY",
        );
      }
      this.#frames.push(bytes);
      while (this.#state !== "open") {
        const frame = this.#frames.next();
        if (frame === undefined) break;
        const next = stateAfter("server", this.#state, frame.type);
        const event = await this.#handle(frame, nowMs);
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

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send(bytes: Bytes): void {
    // Nothing leaves once the time is up, whatever was under way then.
    this.#throwFailure();
    this.#output.push(bytes);
  }

  async #handle(frame: Frame, nowMs: number): Promise<HandshakeEvent | undefined> {
    switch (frame.type) {
      case "hello":
        return await this.#handleHello(frame, nowMs);
      case "verify":
        return await this.#handleVerify(frame);
      case "sealedAlert": {
        const body = await this.#receiveKey!.open(0, frame.header, frame.body);
        if (body === undefined) throw new StxError("handshake_failed", "Cannot open the client's alert");
        this.#state = "closed";
        throw alertError(decodeAlert(body), true);
      }
      default:
        this.#state = "closed";
        throw alertError(decodeAlert(frame.body), false);
    }
  }

  async #handleHello(frame: Frame, nowMs: number): Promise<undefined> {
    const hello = decodeHello(frame.body);
    const { identity, random, suites } = this.#options;
    const suite = suites
      .filter((each) => hello.suites.includes(SUITE_NUMBERS[each]))
      .sort((a, b) => hello.suites.indexOf(SUITE_NUMBERS[a]) - hello.suites.indexOf(SUITE_NUMBERS[b]))[0];
    if (suite === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot accept HELLO: it offers no cipher suite that this end has",
      );
    }
    if (!hello.authModes.includes(AUTH_MODE_NUMBERS.identity)) {
      throw new StxError("handshake_failed", "Cannot accept HELLO: it does not offer the mode identity");
    }
    this.#suite = suite;
    const share = await answerClientShare(hello.clientShare, random);
    const clear = encodeWelcome({
      serverTimeS: Math.floor(nowMs / 1000),
      serverNonce: random.bytes(HANDSHAKE_NONCE_SIZE),
      serverShare: share.publicShare,
      suite: SUITE_NUMBERS[suite],
      authMode: AUTH_MODE_NUMBERS.identity,
      extensions: [],
    });
    const header = frameHeader("welcome", clear.length + SERVER_AUTHENTICATION_SIZE + TAG_SIZE);
    const transcript = this.#transcript;
    transcript.update(concat(frame.header, frame.body));
    transcript.update(concat(header, clear));
    const secrets = deriveHandshakeSecrets(share.secret, transcript.value());
    share.secret.fill(0);
    this.#master = secrets.master;
    this.#clientSecret = secrets.client;
    this.#receiveKey = await importTrafficKey(suite, secrets.client);
    this.#sendKey = await importTrafficKey(suite, secrets.server);
    transcript.update(identity.publicKey);
    const signature = await identity.sign(signedContent("server", transcript.value()));
    transcript.update(signature);
    const finished = finishedMac(secrets.server, transcript.value());
    secrets.server.fill(0);
    transcript.update(finished);
    const plaintext = encodeServerAuthentication({ serverId: identity.publicKey, signature, finished });
    this.#send(concat(header, clear, await this.#sendKey.seal(0, header, plaintext)));
    return undefined;
  }

  async #handleVerify(frame: Frame): Promise<HandshakeEvent> {
    const plaintext = await this.#receiveKey!.open(0, frame.header, frame.body);
    if (plaintext === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot open VERIFY: it, or something before it, was changed on the way",
      );
    }
    const verify = decodeVerify(plaintext);
    assertValidPublicKey(verify.clientId);
    const transcript = this.#transcript;
    transcript.update(concat(frame.header, verify.clientId, Uint8Array.of(verify.intent)));
    const signed = signedContent("client", transcript.value());
    transcript.update(verify.signature);
    if (!equal(verify.proof, finishedMac(this.#clientSecret!, transcript.value()))) {
      throw new StxError("bad_proof", "Cannot accept VERIFY: the client's proof does not fit");
    }
    if (!await verifySignature(verify.clientId, signed, verify.signature)) {
      throw new StxError("bad_signature", "Cannot accept VERIFY: the client's signature is not valid");
    }
    transcript.update(verify.proof);
    if (verify.intent !== INTENT_NUMBERS.send) {
      throw new StxError("handshake_failed", `Cannot accept VERIFY: intent ${verify.intent} does not exist`);
    }
    this.#options.authorize(verify.clientId, "send");
    return await this.#sendReady(verify.clientId);
  }

  async #sendReady(peerIdentity: Bytes): Promise<HandshakeEvent> {
    const { limits } = this.#options;
    const transcript = this.#transcript;
    const secrets = deriveSessionSecrets(this.#master!, transcript.value());
    const header = frameHeader("ready", READY_SIZE + TAG_SIZE);
    transcript.update(concat(header, secrets.sessionId, encodeLimits(limits)));
    const proof = finishedMac(secrets.ready, transcript.value());
    transcript.update(proof);
    const plaintext = encodeReady({ sessionId: secrets.sessionId, limits, proof });
    this.#send(concat(header, await this.#sendKey!.seal(1, header, plaintext)));
    const exporter = deriveExporter(this.#master!, transcript.value());
    const suite = this.#suite!;
    this.#forget();
    secrets.ready.fill(0);
    return {
      kind: "open",
      keys: {
        suite,
        sendSecret: secrets.server,
        receiveSecret: secrets.client,
        sessionId: secrets.sessionId,
        peerIdentity,
        intent: "send",
      },
      limits,
      exporter,
      rest: this.#frames.takeRest(),
    };
  }

  /** Bytes for the client. */
  takeOutput(): readonly Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    return this.#state === "open" || this.#state === "closed" ? undefined : this.#deadlineMs;
  }

  /** Throws `connection_lost` where the client takes too long. */
  handleTimeout(nowMs: number): void {
    const deadline = this.nextTimeoutMs();
    if (deadline === undefined || nowMs < deadline) return;
    this.#state = "closed";
    this.#output = [];
    this.#failure = new StxError(
      "connection_lost",
      `The client did not finish the handshake within ${HANDSHAKE_TIMEOUT_MS / 1000} seconds`,
    );
    this.#forget();
    throw this.#failure;
  }

  async #fail(error: unknown): Promise<void> {
    const wasClosed = this.#state === "closed";
    const hasSentWelcome = this.#state === "waitVerify";
    this.#failure ??= error;
    this.#state = "closed";
    this.#output = [];
    if (!wasClosed) {
      if (!hasSentWelcome || this.#sendKey === undefined) {
        this.#output.push(encodeFrame("alert", encodeAlert(handshakeAlertFor(error, false))));
      } else {
        const alert = encodeAlert(handshakeAlertFor(error, true));
        // WELCOME took number 0 of this key, and READY, which would take 1, will not be sent.
        const header = frameHeader("sealedAlert", alert.length + TAG_SIZE);
        this.#output.push(concat(header, await this.#sendKey.seal(1, header, alert)));
      }
    }
    this.#forget();
  }

  #forget(): void {
    this.#sendKey = undefined;
    this.#receiveKey = undefined;
    this.#clientSecret?.fill(0);
    this.#master?.fill(0);
  }
}
