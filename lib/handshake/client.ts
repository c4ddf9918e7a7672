/**
 * The client's handshake: HELLO out, WELCOME in, VERIFY out, READY in. It checks WELCOME's seal, identity,
 * proof, signature and pin in this order and shows its own identity only once all of them hold.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { sha256 } from "../crypto/hkdf.ts";
import { type ClientShare, makeClientShare } from "../crypto/key_agreement.ts";
import type { Suite } from "../crypto/suite.ts";
import { StxError } from "../errors.ts";
import { verifySignature } from "../identity/identity.ts";
import { EARLY_RECORDS, EARLY_SIZE_MAX, TAG_SIZE, WINDOW_RECORDS } from "../limits.ts";
import type { Identity, Random } from "../ports.ts";
import { encodeFrame, type Frame, frameHeader } from "../wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  type AuthMode,
  decodeReady,
  decodeServerAuthentication,
  decodeWelcome,
  encodeHello,
  encodeLimits,
  encodeVerify,
  HANDSHAKE_NONCE_SIZE,
  type Hello,
  type Intent,
  INTENT_NUMBERS,
  PROOF_SIZE,
  SUITE_NUMBERS,
  usesSharedKey,
  VERIFY_SIZE,
  type Welcome,
} from "../wire/handshake_messages.ts";
import { checkClocks } from "./clocks.ts";
import {
  binderFor,
  deriveExporter,
  deriveSessionSecrets,
  finishedMac,
  type SessionSecrets,
  type SharedKey,
} from "./key_schedule.ts";
import { HandshakeMachine, type LastWords } from "./machine.ts";
import { type HandshakeEvent, refuseAnswer, type SessionKeys, signedContent } from "./outcome.ts";

/** What a client needs to know. */
export interface ClientOptions {
  /** Who we are. */
  readonly identity: Identity;
  /** For nonces and ephemeral keys. */
  readonly random: Random;
  /** The suites that it offers, its favourite first. */
  readonly suites: readonly Suite[];
  /** The ways to authenticate that it offers, its favourite first. */
  readonly authModes: readonly AuthMode[];
  /** For the modes that rest on one. */
  readonly sharedKey: SharedKey | undefined;
  /** What we want to do. */
  readonly intent: Intent;
  /**
   * Asked once the server has proved to hold this key, and in the modes with a shared key that one too; throws
   * `unknown_receiver` or `receiver_changed` if it is not the one that the user means. It may return nothing: a promise
   * would come too late.
   */
  readonly checkServer: (serverIdentity: Bytes, authMode: AuthMode) => void;
}

/** See the module's text. Made by {@link ClientHandshake.start}. */
export class ClientHandshake extends HandshakeMachine {
  readonly #options: ClientOptions;
  readonly #timeS: number;
  /** Gone once used: a session must not outlive the secrecy of the keys that it began with. */
  #share: ClientShare | undefined;
  #master: Bytes | undefined;
  #secrets: SessionSecrets | undefined;
  #keys: SessionKeys | undefined;

  protected constructor(options: ClientOptions, share: ClientShare, nowMs: number) {
    super("client", "waitWelcome", nowMs);
    this.#options = options;
    this.#share = share;
    this.#timeS = Math.floor(nowMs / 1000);
    const hello = encodeFrame("hello", this.#hello(share));
    this.absorbHello(hello);
    this.send(hello);
  }

  /**
   * Makes the ephemeral keys; HELLO is then ready to be taken. Throws an ordinary `Error` where a mode needs a
   * shared key and none is given.
   */
  static async start(options: ClientOptions, nowMs: number): Promise<ClientHandshake> {
    return new this(options, await makeClientShare(options.random), nowMs);
  }

  #hello(share: ClientShare): Bytes {
    const { random, suites, authModes, sharedKey } = this.#options;
    const modes = authModes.map((mode) => AUTH_MODE_NUMBERS[mode]);
    const hello: Hello = {
      clientTimeS: this.#timeS,
      clientNonce: random.bytes(HANDSHAKE_NONCE_SIZE),
      clientShare: share.publicShare,
      suites: suites.map((suite) => SUITE_NUMBERS[suite]),
      authModes: modes,
      extensions: [],
      binder: undefined,
    };
    const body = encodeHello(hello);
    if (!usesSharedKey(modes)) return body;
    if (sharedKey === undefined) throw new Error("Cannot offer a mode with a shared key: there is none");
    // The frame's size already counts the binder that it does not contain yet.
    const th0 = sha256(frameHeader("hello", body.length + PROOF_SIZE), body);
    return concat(body, binderFor(sharedKey, th0));
  }

  protected override async handle(frame: Frame): Promise<HandshakeEvent> {
    return frame.type === "welcome" ? await this.#handleWelcome(frame) : await this.#handleReady(frame);
  }

  async #handleWelcome(frame: Frame): Promise<HandshakeEvent> {
    const { welcome, clear, sealed } = decodeWelcome(frame.body);
    this.checkOffered(welcome);
    const suite = nameOf(welcome.suite, SUITE_NUMBERS);
    const authMode = nameOf(welcome.authMode, AUTH_MODE_NUMBERS);
    const usedKey = usesSharedKey([welcome.authMode]) ? this.#options.sharedKey : undefined;
    const transcript = this.transcript;
    transcript.update(concat(frame.header, clear));
    const sharedSecret = await this.#share!.finish(welcome.serverShare);
    this.#share = undefined;
    const secrets = this.deriveSecrets(sharedSecret, transcript.value(), usedKey);
    sharedSecret.fill(0);
    this.#master = secrets.master;
    const receiveKey = await this.importKey(suite, secrets.server);
    const plaintext = await receiveKey.open(0, frame.header, sealed);
    if (plaintext === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot open WELCOME: it, or the HELLO that it answers, was changed on the way",
      );
    }
    // From here on the server shares keys with us; who it is, is checked next.
    this.receiveKey = receiveKey;
    this.sendKey = await this.importKey(suite, secrets.client);
    this.times = { clientS: this.#timeS, serverS: welcome.serverTimeS };
    const server = decodeServerAuthentication(plaintext);
    this.checkIdentity(server.serverId);
    this.absorbIdentity(server.serverId);
    const signed = signedContent("server", transcript.value());
    this.absorbIdentity(server.signature);
    const finished = finishedMac(secrets.server, transcript.value());
    secrets.server.fill(0);
    this.checkServerProof(server.finished, finished);
    await this.checkServerSignature(server.serverId, signed, server.signature);
    transcript.update(server.finished);
    if (usedKey !== undefined) this.checkNotOwn(server.serverId, this.#options.identity);
    refuseAnswer("checkServer", this.#options.checkServer(server.serverId, authMode));
    checkClocks(this.times);
    return await this.#sendVerify({ suite, authMode, peerIdentity: server.serverId }, secrets.client);
  }

  /** Throws `handshake_failed` for a suite or a mode that was not offered. */
  protected checkOffered(welcome: Welcome): void {
    const { suites, authModes } = this.#options;
    const isSuiteOffered = suites.some((each) => SUITE_NUMBERS[each] === welcome.suite);
    if (isSuiteOffered && authModes.some((each) => AUTH_MODE_NUMBERS[each] === welcome.authMode)) return;
    throw new StxError(
      "handshake_failed",
      `Cannot accept WELCOME: suite ${welcome.suite} or mode ${welcome.authMode} was not offered`,
    );
  }

  /** Throws `bad_proof` where the server's proof is not the one that the keys make of the transcript. */
  protected checkServerProof(shown: Bytes, expected: Bytes): void {
    if (equal(shown, expected)) return;
    throw new StxError("bad_proof", "Cannot accept WELCOME: the server's proof does not fit");
  }

  /** Throws `bad_signature` where the owner of the server's identity has not signed the transcript. */
  protected async checkServerSignature(serverId: Bytes, signed: Bytes, signature: Bytes): Promise<void> {
    if (await verifySignature(serverId, signed, signature)) return;
    throw new StxError("bad_signature", "Cannot accept WELCOME: the server's signature is not valid");
  }

  async #sendVerify(
    agreed: Pick<SessionKeys, "suite" | "authMode" | "peerIdentity">,
    clientSecret: Bytes,
  ): Promise<HandshakeEvent> {
    const transcript = this.transcript;
    const { identity, intent } = this.#options;
    const header = frameHeader("verify", VERIFY_SIZE + TAG_SIZE);
    transcript.update(header);
    this.absorbIdentity(identity.publicKey);
    transcript.update(Uint8Array.of(INTENT_NUMBERS[intent]));
    const signature = await identity.sign(signedContent("client", transcript.value()));
    this.absorbIdentity(signature);
    const proof = finishedMac(clientSecret, transcript.value());
    clientSecret.fill(0);
    transcript.update(proof);
    const plaintext = encodeVerify({
      clientId: identity.publicKey,
      intent: INTENT_NUMBERS[intent],
      signature,
      proof,
    });
    this.send(concat(header, await this.sendKey!.seal(0, header, plaintext)));
    const secrets = deriveSessionSecrets(this.#master!, transcript.value());
    this.#secrets = secrets;
    this.#keys = {
      ...agreed,
      sendSecret: secrets.client,
      receiveSecret: secrets.server,
      sessionId: secrets.sessionId,
      intent,
      helloNumber: 0,
    };
    return { kind: "verified", keys: this.#keys };
  }

  async #handleReady(frame: Frame): Promise<HandshakeEvent> {
    const plaintext = await this.receiveKey!.open(1, frame.header, frame.body);
    if (plaintext === undefined) {
      throw new StxError("handshake_failed", "Cannot open READY: it was changed on the way");
    }
    const ready = decodeReady(plaintext);
    const transcript = this.transcript;
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
    this.forget();
    return { kind: "open", keys: this.#keys!, limits: ready.limits, exporter, rest: this.takeRest() };
  }

  protected override lastWords(): LastWords {
    // After VERIFY the session's own alert is the one that the server can read.
    if (this.#keys !== undefined) return "none";
    return this.sendKey === undefined ? "clear" : "sealed";
  }

  protected override forget(): void {
    this.#share = undefined;
    this.sendKey = undefined;
    this.receiveKey = undefined;
    this.#master?.fill(0);
    this.#secrets?.ready.fill(0);
  }
}

/** The name of a number that was offered, and so has one. */
function nameOf<Name extends string>(number: number, numbers: Readonly<Record<Name, number>>): Name {
  return (Object.keys(numbers) as Name[]).find((name) => numbers[name] === number)!;
}
