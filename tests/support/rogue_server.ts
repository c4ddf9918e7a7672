/**
 * A server for tests that follows the specification step by step, except where it is told not to. It keeps its
 * own transcript, so an honest run of it against the real client also checks the client's.
 */
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { RunningSha256 } from "../../lib/crypto/hkdf.ts";
import { answerClientShare } from "../../lib/crypto/key_agreement.ts";
import type { Suite } from "../../lib/crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../../lib/crypto/traffic_key.ts";
import {
  deriveExporter,
  deriveHandshakeSecrets,
  deriveSessionSecrets,
  finishedMac,
  type SharedKey,
} from "../../lib/handshake/key_schedule.ts";
import type { Identity } from "../../lib/ports.ts";
import { encodeFrame, FRAME_HEADER_SIZE, frameHeader, type FrameType } from "../../lib/wire/frame.ts";
import {
  decodeHello,
  decodeVerify,
  encodeLimits,
  encodeReady,
  encodeServerAuthentication,
  encodeWelcome,
  type Extension,
  type SessionLimits,
  SUITE_NUMBERS,
  type Verify,
} from "../../lib/wire/handshake_messages.ts";
import { SERVER_IDENTITY } from "./handshake_ends.ts";
import { seededRandom } from "./seeded_random.ts";

/** `0x20^64 | "STX/1 <role> handshake" | 0 | hash`, written out once more. */
export function contentToSign(role: string, hash: Bytes): Bytes {
  return concat(new Uint8Array(64).fill(0x20), utf8(`STX/1 ${role} handshake`), Uint8Array.of(0), hash);
}

/** Where it departs from the specification; each is given what would be right. */
export interface RogueHooks {
  /** What it uses in place of nothing. */
  readonly sharedKey?: SharedKey;
  /** WELCOME's time. */
  readonly serverTimeS?: number;
  /** The suite and mode that WELCOME names. */
  readonly suite?: number;
  readonly authMode?: number;
  readonly extensions?: readonly Extension[];
  readonly share?: (share: Bytes) => Bytes;
  readonly identity?: Identity;
  readonly serverId?: Bytes;
  /** What is signed, of TH2 and TH3. */
  readonly signed?: (th2: Bytes, th3: Bytes) => Bytes;
  readonly signature?: (signature: Bytes) => Bytes;
  readonly finished?: (finished: Bytes) => Bytes;
  /** WELCOME's sealed part before it is sealed. */
  readonly plaintext?: (plaintext: Bytes) => Bytes;
  readonly sessionId?: (sessionId: Bytes) => Bytes;
  readonly limits?: SessionLimits;
  readonly proof?: (proof: Bytes) => Bytes;
  readonly readyPlaintext?: (plaintext: Bytes) => Bytes;
}

/** See the module's text. Messages go in and out as whole frames. */
export class RogueServer {
  readonly #hooks: RogueHooks;
  readonly #transcript = new RunningSha256();
  #suite: Suite = "aes-256-gcm";
  #sendKey: TrafficKey | undefined;
  #receiveKey: TrafficKey | undefined;
  #master: Bytes | undefined;
  #verify: Verify | undefined;
  #exporter: Bytes | undefined;

  constructor(hooks: RogueHooks = {}) {
    this.#hooks = hooks;
  }

  /** VERIFY as the client sent it. */
  get verify(): Verify {
    return this.#verify!;
  }

  get exporter(): Bytes {
    return this.#exporter!;
  }

  /** Answers a HELLO frame with a WELCOME frame. */
  async welcome(hello: Bytes): Promise<Bytes> {
    const hooks = this.#hooks;
    const { clientShare, suites } = decodeHello(hello.slice(FRAME_HEADER_SIZE));
    if (suites[0] === SUITE_NUMBERS["chacha20-poly1305"]) this.#suite = "chacha20-poly1305";
    const random = seededRandom("rogue");
    const share = await answerClientShare(clientShare, random);
    const clear = encodeWelcome({
      serverTimeS: hooks.serverTimeS ?? 1_800_000_000,
      serverNonce: random.bytes(32),
      serverShare: hooks.share?.(share.publicShare) ?? share.publicShare,
      suite: hooks.suite ?? SUITE_NUMBERS[this.#suite],
      authMode: hooks.authMode ?? 1,
      extensions: hooks.extensions ?? [],
    });
    const { identity = SERVER_IDENTITY } = hooks;
    const serverId = hooks.serverId ?? identity.publicKey;
    const size = hooks.plaintext?.(new Uint8Array(128)).length ?? 128;
    const header = frameHeader("welcome", clear.length + size + 16);
    this.#transcript.update(hello);
    this.#transcript.update(concat(header, clear));
    const th2 = this.#transcript.value();
    const secrets = deriveHandshakeSecrets(share.secret, th2, hooks.sharedKey);
    this.#master = secrets.master;
    this.#sendKey = await importTrafficKey(this.#suite, secrets.server);
    this.#receiveKey = await importTrafficKey(this.#suite, secrets.client);
    this.#transcript.update(serverId);
    const th3 = this.#transcript.value();
    const made = await identity.sign(hooks.signed?.(th2, th3) ?? contentToSign("server", th3));
    const signature = hooks.signature?.(made) ?? made;
    this.#transcript.update(signature);
    const mac = finishedMac(secrets.server, this.#transcript.value());
    const finished = hooks.finished?.(mac) ?? mac;
    this.#transcript.update(finished);
    const right = encodeServerAuthentication({ serverId, signature, finished });
    const plaintext = hooks.plaintext?.(right) ?? right;
    return concat(header, clear, await this.#sendKey.seal(0, header, plaintext));
  }

  /** Answers a VERIFY frame, which must open, with a READY frame. */
  async ready(frame: Bytes): Promise<Bytes> {
    const hooks = this.#hooks;
    const header = frame.slice(0, FRAME_HEADER_SIZE);
    const opened = await this.#receiveKey!.open(0, header, frame.slice(FRAME_HEADER_SIZE));
    const verify = decodeVerify(opened!);
    this.#verify = verify;
    this.#transcript.update(concat(header, verify.clientId, Uint8Array.of(verify.intent)));
    this.#transcript.update(concat(verify.signature, verify.proof));
    const secrets = deriveSessionSecrets(this.#master!, this.#transcript.value());
    const sessionId = hooks.sessionId?.(secrets.sessionId) ?? secrets.sessionId;
    const limits = hooks.limits ?? { windowRecords: 256, windowSizeBytes: 2 ** 24 };
    const size = hooks.readyPlaintext?.(new Uint8Array(54)).length ?? 54;
    const readyHeader = frameHeader("ready", size + 16);
    this.#transcript.update(concat(readyHeader, sessionId, encodeLimits(limits)));
    const mac = finishedMac(secrets.ready, this.#transcript.value());
    const proof = hooks.proof?.(mac) ?? mac;
    this.#transcript.update(proof);
    this.#exporter = deriveExporter(this.#master!, this.#transcript.value());
    const right = encodeReady({ sessionId, limits, proof });
    const plaintext = hooks.readyPlaintext?.(right) ?? right;
    return concat(readyHeader, await this.#sendKey!.seal(1, readyHeader, plaintext));
  }

  /** An alert frame, in clear or sealed under any number. */
  async alert(body: Bytes, number?: number): Promise<Bytes> {
    if (number === undefined) return encodeFrame("alert", body);
    return await this.sealed("sealedAlert", body, number);
  }

  /** A frame of any type, sealed under the server's key. */
  async sealed(type: FrameType, body: Bytes, number: number): Promise<Bytes> {
    const header = frameHeader(type, body.length + 16);
    return concat(header, await this.#sendKey!.seal(number, header, body));
  }

  /** Opens what the client sealed, or gives `undefined`. */
  async open(frame: Bytes, number: number): Promise<Bytes | undefined> {
    const header = frame.slice(0, FRAME_HEADER_SIZE);
    return await this.#receiveKey!.open(number, header, frame.slice(FRAME_HEADER_SIZE));
  }
}
