/**
 * A client's handshake of STX/1 that does everything right, but for what it is told to do wrong: for strangers, who
 * have the source text and no key that anybody knows.
 * @module
 */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { RunningSha256, sha256 } from "../../lib/crypto/hkdf.ts";
import { type ClientShare, makeClientShare } from "../../lib/crypto/key_agreement.ts";
import { importTrafficKey, type TrafficKey } from "../../lib/crypto/traffic_key.ts";
import {
  binderFor,
  deriveHandshakeSecrets,
  finishedMac,
  type SharedKey,
} from "../../lib/handshake/key_schedule.ts";
import { signedContent } from "../../lib/handshake/outcome.ts";
import { TAG_SIZE } from "../../lib/limits.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { Identity } from "../../lib/ports.ts";
import { encodeFrame, type Frame, frameHeader } from "../../lib/wire/frame.ts";
import {
  AUTH_MODE_NUMBERS,
  decodeServerAuthentication,
  decodeWelcome,
  encodeHello,
  encodeVerify,
  HANDSHAKE_NONCE_SIZE,
  type Hello,
  INTENT_NUMBERS,
  PROOF_SIZE,
  SUITE_NUMBERS,
  type Verify,
} from "../../lib/wire/handshake_messages.ts";

/** What is done wrong; each is given what would be right. */
export interface Wrongs {
  /** Fields of HELLO. */
  readonly hello?: Partial<Hello>;
  /** Binds HELLO with this key; the mode psk is offered beside the other then. */
  readonly sharedKey?: SharedKey;
  /** VERIFY's fields, after signature and proof were made for them. */
  readonly verify?: (right: Verify) => Verify;
  /** VERIFY before it is sealed. */
  readonly plaintext?: (right: Bytes) => Bytes;
  /** VERIFY as it goes out. */
  readonly frame?: (right: Bytes) => Bytes;
}

/** The number under which a server seals an alert: that of READY, which it does not send any more. */
const ALERT_NUMBER = 1;

/** See the module's text. Made by {@link StrangerHandshake.start}. */
export class StrangerHandshake {
  readonly #identity: Identity;
  readonly #wrongs: Wrongs;
  readonly #share: ClientShare;
  readonly #nowMs: number;
  readonly #transcript = new RunningSha256();
  #clientSecret: Bytes | undefined;
  #sendKey: TrafficKey | undefined;
  #receiveKey: TrafficKey | undefined;

  private constructor(identity: Identity, wrongs: Wrongs, share: ClientShare, nowMs: number) {
    this.#identity = identity;
    this.#wrongs = wrongs;
    this.#share = share;
    this.#nowMs = nowMs;
  }

  /** @param nowMs what HELLO says of the time, unless that is what is wrong */
  static async start(identity: Identity, nowMs: number, wrongs: Wrongs = {}): Promise<StrangerHandshake> {
    return new StrangerHandshake(identity, wrongs, await makeClientShare(systemRandom), nowMs);
  }

  /** HELLO, as a whole frame. */
  hello(): Bytes {
    const { hello, sharedKey } = this.#wrongs;
    const modes = [AUTH_MODE_NUMBERS.identity];
    const body = encodeHello({
      ...helloOf(this.#share.publicShare, this.#nowMs),
      authModes: sharedKey === undefined ? modes : [...modes, AUTH_MODE_NUMBERS.psk],
      binder: sharedKey === undefined ? undefined : new Uint8Array(PROOF_SIZE),
      ...hello,
    });
    const frame = encodeFrame("hello", body);
    if (sharedKey !== undefined) {
      frame.set(binderFor(sharedKey, sha256(frame.subarray(0, -PROOF_SIZE))), frame.length - PROOF_SIZE);
    }
    this.#transcript.update(frame);
    return frame;
  }

  /** Takes WELCOME; the keys are there afterwards. Only a server that is honest gets so far. */
  async welcome({ header, body }: Frame): Promise<void> {
    const { welcome, clear, sealed } = decodeWelcome(body);
    this.#transcript.update(concat(header, clear));
    const secret = await this.#share.finish(welcome.serverShare);
    const secrets = deriveHandshakeSecrets(secret, this.#transcript.value(), undefined);
    this.#clientSecret = secrets.client;
    this.#sendKey = await importTrafficKey("aes-256-gcm", secrets.client);
    this.#receiveKey = await importTrafficKey("aes-256-gcm", secrets.server);
    const plaintext = await this.#receiveKey.open(0, header, sealed);
    const server = decodeServerAuthentication(plaintext!);
    this.#transcript.update(concat(server.serverId, server.signature, server.finished));
  }

  /** VERIFY, as a whole frame. */
  async verify(): Promise<Bytes> {
    const { verify, plaintext, frame } = this.#wrongs;
    const intent = INTENT_NUMBERS.send;
    const clientId = this.#identity.publicKey;
    const fields: Verify = {
      clientId,
      intent,
      signature: new Uint8Array(64),
      proof: new Uint8Array(PROOF_SIZE),
    };
    const size = encodeVerify(fields).length;
    const rightHeader = frameHeader("verify", size + TAG_SIZE);
    const transcript = this.#transcript;
    transcript.update(concat(rightHeader, clientId, Uint8Array.of(intent)));
    const signature = await this.#identity.sign(signedContent("client", transcript.value()));
    transcript.update(signature);
    const proof = finishedMac(this.#clientSecret!, transcript.value());
    const right: Verify = { ...fields, signature, proof };
    const encoded = encodeVerify(verify?.(right) ?? right);
    const sealed = plaintext?.(encoded) ?? encoded;
    const header = frameHeader("verify", sealed.length + TAG_SIZE);
    const whole = concat(header, await this.#sendKey!.seal(0, header, sealed));
    return frame?.(whole) ?? whole;
  }

  /** What a sealed alert says; `undefined` where it does not open. */
  async openAlert({ header, body }: Frame): Promise<Bytes | undefined> {
    return await this.#receiveKey!.open(ALERT_NUMBER, header, body);
  }
}

/** A HELLO with a nonce of its own, in the mode that needs no shared key. */
export function helloOf(publicShare: Bytes, nowMs: number): Hello {
  return {
    clientTimeS: Math.floor(nowMs / 1000),
    clientNonce: systemRandom.bytes(HANDSHAKE_NONCE_SIZE),
    clientShare: publicShare,
    suites: [SUITE_NUMBERS["aes-256-gcm"]],
    authModes: [AUTH_MODE_NUMBERS.identity],
    extensions: [],
    binder: undefined,
  };
}
