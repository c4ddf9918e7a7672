/**
 * The server's handshake: HELLO in, WELCOME out, VERIFY in, READY out. It opens nothing that came behind VERIFY
 * before VERIFY's seal, proof, signature, time and sender were all accepted.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { sha256 } from "../crypto/hkdf.ts";
import { answerClientShare } from "../crypto/key_agreement.ts";
import type { Suite } from "../crypto/suite.ts";
import { StxError } from "../errors.ts";
import { verifySignature } from "../identity/identity.ts";
import { BEFORE_READY_SIZE_MAX, CLOCK_SKEW_MAX_MS, TAG_SIZE } from "../limits.ts";
import type { Identity, NonceStore, Random } from "../ports.ts";
import { type Frame, frameHeader } from "../wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  type AuthMode,
  decodeHello,
  decodeVerify,
  encodeLimits,
  encodeReady,
  encodeServerAuthentication,
  encodeWelcome,
  HANDSHAKE_NONCE_SIZE,
  type Hello,
  type Intent,
  INTENT_NUMBERS,
  PROOF_SIZE,
  READY_SIZE,
  SERVER_AUTHENTICATION_SIZE,
  type SessionLimits,
  SUITE_NUMBERS,
  usesSharedKey,
} from "../wire/handshake_messages.ts";
import { checkClocks } from "./clocks.ts";
import type { HelloGuard } from "./hello_guard.ts";
import {
  binderFor,
  deriveExporter,
  deriveSessionSecrets,
  finishedMac,
  type SharedKey,
} from "./key_schedule.ts";
import { HandshakeMachine, type LastWords } from "./machine.ts";
import { type HandshakeEvent, refuseAnswer, signedContent } from "./outcome.ts";

/** What a server needs to know. */
export interface ServerOptions {
  /** Who we are. */
  readonly identity: Identity;
  /** For nonces and ephemeral keys. */
  readonly random: Random;
  /** The suites that it takes; the client's order decides between them. */
  readonly suites: readonly Suite[];
  /** The ways to authenticate that it takes; the client's order decides between them. */
  readonly authModes: readonly AuthMode[];
  /** For the modes that rest on one: at most 64, all of which are tried. */
  readonly sharedKeys: readonly SharedKey[];
  /** Shared by all handshakes of this server. */
  readonly guard: HelloGuard;
  /** Shared by all handshakes of this server, and by all that it ever had. */
  readonly nonces: NonceStore;
  /** What READY allows. */
  readonly limits: SessionLimits;
  /**
   * Asked once the client has proved to hold this key, and in the modes with a shared key that one too; throws
   * `unauthorized` if it may not do this. It may return nothing: a promise would come too late.
   */
  readonly authorize: (clientIdentity: Bytes, intent: Intent, authMode: AuthMode) => void;
}

/** What HELLO has settled. */
export interface Agreed {
  readonly suite: Suite;
  readonly authMode: AuthMode;
  readonly sharedKey: SharedKey | undefined;
  readonly clientNonce: Bytes;
}

/** What a server brings to one handshake. */
export interface Contribution {
  readonly nonce: Bytes;
  /** For WELCOME. */
  readonly publicShare: Bytes;
  /** What the key agreement comes to; overwritten once used. */
  readonly secret: Bytes;
}

/** See the module's text. */
export class ServerHandshake extends HandshakeMachine {
  readonly #options: ServerOptions;
  #agreed: Agreed | undefined;
  #clientSecret: Bytes | undefined;
  #master: Bytes | undefined;
  #helloNumber = 0;
  #receivedSizeBytes = 0;

  constructor(options: ServerOptions, nowMs: number) {
    super("server", "waitHello", nowMs);
    this.#options = options;
  }

  protected override count(sizeBytes: number): void {
    this.#receivedSizeBytes += sizeBytes;
    if (this.#receivedSizeBytes > BEFORE_READY_SIZE_MAX) {
      throw new StxError(
        "malformed",
        "Cannot go on with the handshake: the client sent too much before READY",
      );
    }
  }

  protected override async handle(frame: Frame, nowMs: number): Promise<HandshakeEvent | undefined> {
    if (frame.type === "verify") return await this.#handleVerify(frame);
    await this.#handleHello(frame, nowMs);
    return undefined;
  }

  async #handleHello(frame: Frame, nowMs: number): Promise<void> {
    const hello = decodeHello(frame.body);
    const agreed = this.agree(hello, frame);
    this.#agreed = agreed;
    const { guard, identity, random } = this.#options;
    this.#helloNumber = guard.admit(hello.clientNonce, nowMs);
    const share = await this.contribute(hello.clientShare, random);
    this.times = { clientS: hello.clientTimeS, serverS: Math.floor(nowMs / 1000) };
    const clear = encodeWelcome({
      serverTimeS: this.times.serverS,
      serverNonce: share.nonce,
      serverShare: share.publicShare,
      suite: SUITE_NUMBERS[agreed.suite],
      authMode: AUTH_MODE_NUMBERS[agreed.authMode],
      extensions: [],
    });
    const header = frameHeader("welcome", clear.length + SERVER_AUTHENTICATION_SIZE + TAG_SIZE);
    const transcript = this.transcript;
    this.absorbHello(concat(frame.header, frame.body));
    transcript.update(concat(header, clear));
    const secrets = this.deriveSecrets(share.secret, transcript.value(), agreed.sharedKey);
    share.secret.fill(0);
    this.#master = secrets.master;
    this.#clientSecret = secrets.client;
    this.receiveKey = await this.importKey(agreed.suite, secrets.client);
    this.sendKey = await this.importKey(agreed.suite, secrets.server);
    this.absorbIdentity(identity.publicKey);
    const signature = await identity.sign(signedContent("server", transcript.value()));
    this.absorbIdentity(signature);
    const finished = finishedMac(secrets.server, transcript.value());
    secrets.server.fill(0);
    transcript.update(finished);
    const plaintext = encodeServerAuthentication({ serverId: identity.publicKey, signature, finished });
    this.send(concat(header, clear, await this.sendKey.seal(0, header, plaintext)));
  }

  /** Keys and a nonce that no handshake before this one had, so that nothing of an earlier one fits it. */
  protected async contribute(clientShare: Bytes, random: Random): Promise<Contribution> {
    const share = await answerClientShare(clientShare, random);
    return { ...share, nonce: random.bytes(HANDSHAKE_NONCE_SIZE) };
  }

  /** Settles suite and mode before any public-key work; throws `handshake_failed` where there is no common ground. */
  protected agree(hello: Hello, frame: Frame): Agreed {
    const { suites, authModes } = this.#options;
    const suite = firstCommon(hello.suites, suites, SUITE_NUMBERS);
    if (suite === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot accept HELLO: it offers no cipher suite that this end has",
      );
    }
    const sharedKey = this.#sharedKeyOf(hello, frame);
    const possible = authModes.filter((mode) =>
      sharedKey !== undefined || !usesSharedKey([AUTH_MODE_NUMBERS[mode]])
    );
    const authMode = firstCommon(hello.authModes, possible, AUTH_MODE_NUMBERS);
    if (authMode === undefined) {
      throw new StxError(
        "handshake_failed",
        `Cannot accept HELLO: it offers no way to authenticate that this end takes${this.#loneKey(hello)}`,
        { hint: "compare --psk-file and --auth at both ends" },
      );
    }
    const isUsed = usesSharedKey([AUTH_MODE_NUMBERS[authMode]]);
    return { suite, authMode, sharedKey: isUsed ? sharedKey : undefined, clientNonce: hello.clientNonce };
  }

  /** Says, for the local log, where one of the two has a shared key and the other has none. */
  #loneKey(hello: Hello): string {
    const hasKey = this.#options.sharedKeys.length > 0;
    if (hasKey === (hello.binder !== undefined)) return "";
    return hasKey ? "; it comes without a shared key" : "; it comes with a shared key, and this end has none";
  }

  /**
   * Tries every shared key, whichever fits, so that the time tells nothing about the keys. Throws
   * `handshake_failed` if none fits.
   */
  #sharedKeyOf(hello: Hello, frame: Frame): SharedKey | undefined {
    const { sharedKeys } = this.#options;
    if (hello.binder === undefined || sharedKeys.length === 0) return undefined;
    const th0 = sha256(frame.header, frame.body.subarray(0, frame.body.length - PROOF_SIZE));
    let found: SharedKey | undefined;
    for (const key of sharedKeys) {
      if (this.fitsBinder(key, th0, hello.binder)) found = key;
    }
    if (found === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot accept HELLO: its binder fits no shared key of this end",
        {
          hint: "compare the two files of --psk-file",
        },
      );
    }
    return found;
  }

  /** Says whether HELLO's binder was made with this shared key. */
  protected fitsBinder(key: SharedKey, th0: Bytes, binder: Bytes): boolean {
    return equal(binderFor(key, th0), binder);
  }

  async #handleVerify(frame: Frame): Promise<HandshakeEvent> {
    const plaintext = await this.receiveKey!.open(0, frame.header, frame.body);
    if (plaintext === undefined) {
      throw new StxError(
        "handshake_failed",
        "Cannot open VERIFY: it, or something before it, was changed on the way",
      );
    }
    const verify = decodeVerify(plaintext);
    this.checkIdentity(verify.clientId);
    const transcript = this.transcript;
    transcript.update(frame.header);
    this.absorbIdentity(verify.clientId);
    transcript.update(Uint8Array.of(verify.intent));
    const signed = signedContent("client", transcript.value());
    this.absorbIdentity(verify.signature);
    this.checkClientProof(verify.proof, finishedMac(this.#clientSecret!, transcript.value()));
    await this.checkClientSignature(verify.clientId, signed, verify.signature);
    transcript.update(verify.proof);
    if (verify.intent !== INTENT_NUMBERS.send) {
      throw new StxError("handshake_failed", `Cannot accept VERIFY: intent ${verify.intent} does not exist`);
    }
    this.#accept(verify.clientId, "send");
    return await this.#sendReady(verify.clientId);
  }

  /** Throws `bad_proof` where the client's proof is not the one that the keys make of the transcript. */
  protected checkClientProof(shown: Bytes, expected: Bytes): void {
    if (equal(shown, expected)) return;
    throw new StxError("bad_proof", "Cannot accept VERIFY: the client's proof does not fit");
  }

  /** Throws `bad_signature` where the owner of the client's identity has not signed the transcript. */
  protected async checkClientSignature(clientId: Bytes, signed: Bytes, signature: Bytes): Promise<void> {
    if (await verifySignature(clientId, signed, signature)) return;
    throw new StxError("bad_signature", "Cannot accept VERIFY: the client's signature is not valid");
  }

  /** Throws `handshake_failed` for the nonce of a HELLO that has opened a session before. */
  protected claimNonce(clientNonce: Bytes, expiresMs: number, nowMs: number): void {
    if (this.#options.nonces.claim(clientNonce, expiresMs, nowMs)) return;
    throw new StxError("handshake_failed", "Cannot accept VERIFY: its HELLO has opened a session before");
  }

  /** Decides about a client that has proved who it is. */
  #accept(clientId: Bytes, intent: Intent): void {
    const { identity, authorize } = this.#options;
    const { authMode, sharedKey, clientNonce } = this.#agreed!;
    if (sharedKey !== undefined) this.checkNotOwn(clientId, identity);
    const times = this.times!;
    checkClocks(times);
    refuseAnswer("authorize", authorize(clientId, intent, authMode));
    const nowMs = times.serverS * 1000;
    // Until then a HELLO with this time could be in its window: it may be as far ahead of this clock as allowed.
    this.claimNonce(clientNonce, nowMs + 2 * CLOCK_SKEW_MAX_MS, nowMs);
  }

  async #sendReady(peerIdentity: Bytes): Promise<HandshakeEvent> {
    const { limits } = this.#options;
    const { suite, authMode } = this.#agreed!;
    const transcript = this.transcript;
    const secrets = deriveSessionSecrets(this.#master!, transcript.value());
    const header = frameHeader("ready", READY_SIZE + TAG_SIZE);
    transcript.update(concat(header, secrets.sessionId, encodeLimits(limits)));
    const proof = finishedMac(secrets.ready, transcript.value());
    transcript.update(proof);
    const plaintext = encodeReady({ sessionId: secrets.sessionId, limits, proof });
    this.send(concat(header, await this.sendKey!.seal(1, header, plaintext)));
    const exporter = deriveExporter(this.#master!, transcript.value());
    this.forget();
    secrets.ready.fill(0);
    return {
      kind: "open",
      keys: {
        suite,
        authMode,
        sendSecret: secrets.server,
        receiveSecret: secrets.client,
        sessionId: secrets.sessionId,
        peerIdentity,
        intent: "send",
        helloNumber: this.#helloNumber,
      },
      limits,
      exporter,
      rest: this.takeRest(),
    };
  }

  protected override lastWords(): LastWords {
    return this.state === "waitVerify" && this.sendKey !== undefined ? "sealed" : "clear";
  }

  protected override forget(): void {
    this.sendKey = undefined;
    this.receiveKey = undefined;
    this.#clientSecret?.fill(0);
    this.#master?.fill(0);
  }
}

/** The first of the offered numbers whose name is among `accepted`. */
function firstCommon<Name extends string>(
  offered: readonly number[],
  accepted: readonly Name[],
  numbers: Readonly<Record<Name, number>>,
): Name | undefined {
  for (const number of offered) {
    const name = accepted.find((each) => numbers[each] === number);
    if (name !== undefined) return name;
  }
  return undefined;
}
