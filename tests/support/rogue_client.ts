/** A client for tests that follows the specification step by step, except where it is told not to. */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { RunningSha256, sha256 } from "../../lib/crypto/hkdf.ts";
import { type ClientShare, makeClientShare } from "../../lib/crypto/key_agreement.ts";
import { importTrafficKey, type TrafficKey } from "../../lib/crypto/traffic_key.ts";
import {
  binderFor,
  deriveExporter,
  deriveHandshakeSecrets,
  deriveSessionSecrets,
  finishedMac,
  type SharedKey,
} from "../../lib/handshake/key_schedule.ts";
import type { Identity } from "../../lib/ports.ts";
import { encodeFrame, FRAME_HEADER_SIZE, frameHeader, type FrameType } from "../../lib/wire/frame.ts";
import {
  decodeReady,
  decodeServerAuthentication,
  decodeWelcome,
  encodeHello,
  encodeLimits,
  encodeVerify,
  type Hello,
  type ServerAuthentication,
} from "../../lib/wire/handshake_messages.ts";
import { CLIENT_IDENTITY } from "./handshake_ends.ts";
import { contentToSign } from "./rogue_server.ts";
import { seededRandom } from "./seeded_random.ts";

/** Where it departs from the specification; each is given what would be right. */
export interface RogueClientHooks {
  readonly hello?: Partial<Hello>;
  /** What it binds HELLO with, offering the mode psk alone unless `hello` says otherwise. */
  readonly sharedKey?: SharedKey;
  /** The binder, of what would be right. */
  readonly binder?: (binder: Bytes) => Bytes;
  readonly identity?: Identity;
  readonly clientId?: Bytes;
  readonly intent?: number;
  /** What is signed, of TH5 and TH6. */
  readonly signed?: (th5: Bytes, th6: Bytes) => Bytes;
  readonly signature?: (signature: Bytes) => Bytes;
  readonly proof?: (proof: Bytes) => Bytes;
  readonly plaintext?: (plaintext: Bytes) => Bytes;
}

/** See the module's text. Messages go in and out as whole frames. */
export class RogueClient {
  readonly #hooks: RogueClientHooks;
  readonly #share: ClientShare;
  readonly #transcript = new RunningSha256();
  #sendKey: TrafficKey | undefined;
  #receiveKey: TrafficKey | undefined;
  #clientSecret: Bytes | undefined;
  #master: Bytes | undefined;

  private constructor(hooks: RogueClientHooks, share: ClientShare) {
    this.#hooks = hooks;
    this.#share = share;
  }

  static async start(hooks: RogueClientHooks = {}): Promise<RogueClient> {
    return new RogueClient(hooks, await makeClientShare(seededRandom("rogue client")));
  }

  /** A HELLO frame. */
  hello(): Bytes {
    const { sharedKey, binder, hello } = this.#hooks;
    const body = encodeHello({
      clientTimeS: 1_800_000_000,
      clientNonce: seededRandom("rogue nonce").bytes(32),
      clientShare: this.#share.publicShare,
      suites: [1],
      authModes: [sharedKey === undefined ? 1 : 2],
      extensions: [],
      binder: sharedKey === undefined ? undefined : new Uint8Array(32),
      ...hello,
    });
    const frame = encodeFrame("hello", body);
    if (sharedKey !== undefined) {
      const right = binderFor(sharedKey, sha256(frame.subarray(0, -32)));
      frame.set(binder?.(right) ?? right, frame.length - 32);
    }
    this.#transcript.update(frame);
    return frame;
  }

  /** Opens a WELCOME frame; the keys are there afterwards. */
  async welcome(frame: Bytes): Promise<ServerAuthentication> {
    const header = frame.slice(0, FRAME_HEADER_SIZE);
    const { welcome, clear, sealed } = decodeWelcome(frame.slice(FRAME_HEADER_SIZE));
    const suite = welcome.suite === 1 ? "aes-256-gcm" : "chacha20-poly1305";
    this.#transcript.update(concat(header, clear));
    const secrets = deriveHandshakeSecrets(
      await this.#share.finish(welcome.serverShare),
      this.#transcript.value(),
      this.#hooks.sharedKey,
    );
    this.#master = secrets.master;
    this.#clientSecret = secrets.client;
    this.#sendKey = await importTrafficKey(suite, secrets.client);
    this.#receiveKey = await importTrafficKey(suite, secrets.server);
    const opened = await this.#receiveKey.open(0, header, sealed);
    const server = decodeServerAuthentication(opened!);
    this.#transcript.update(concat(server.serverId, server.signature, server.finished));
    return server;
  }

  /** A VERIFY frame. */
  async verify(): Promise<Bytes> {
    const hooks = this.#hooks;
    const { identity = CLIENT_IDENTITY, intent = 1 } = hooks;
    const clientId = hooks.clientId ?? identity.publicKey;
    const size = hooks.plaintext?.(new Uint8Array(129)).length ?? 129;
    const header = frameHeader("verify", size + 16);
    const th5 = this.#transcript.value();
    this.#transcript.update(concat(header, clientId, Uint8Array.of(intent)));
    const th6 = this.#transcript.value();
    const made = await identity.sign(hooks.signed?.(th5, th6) ?? contentToSign("client", th6));
    const signature = hooks.signature?.(made) ?? made;
    this.#transcript.update(signature);
    const mac = finishedMac(this.#clientSecret!, this.#transcript.value());
    const proof = hooks.proof?.(mac) ?? mac;
    this.#transcript.update(proof);
    const right = encodeVerify({ clientId, intent, signature, proof });
    const plaintext = hooks.plaintext?.(right) ?? right;
    return concat(header, await this.#sendKey!.seal(0, header, plaintext));
  }

  /** Opens a READY frame, checks its proof and returns the exporter. */
  async ready(frame: Bytes): Promise<{ exporter: Bytes; isProved: boolean; sessionId: Bytes }> {
    const header = frame.slice(0, FRAME_HEADER_SIZE);
    const opened = await this.#receiveKey!.open(1, header, frame.slice(FRAME_HEADER_SIZE));
    const ready = decodeReady(opened!);
    const secrets = deriveSessionSecrets(this.#master!, this.#transcript.value());
    this.#transcript.update(concat(header, ready.sessionId, encodeLimits(ready.limits)));
    const proof = finishedMac(secrets.ready, this.#transcript.value());
    this.#transcript.update(ready.proof);
    return {
      exporter: deriveExporter(this.#master!, this.#transcript.value()),
      isProved: ready.proof.every((byte, i) => byte === proof[i]),
      sessionId: ready.sessionId,
    };
  }

  /** A frame of any type, sealed under the client's key. */
  async sealed(type: FrameType, body: Bytes, number: number): Promise<Bytes> {
    const header = frameHeader(type, body.length + 16);
    return concat(header, await this.#sendKey!.seal(number, header, body));
  }

  /** Opens what the server sealed, or gives `undefined`. */
  async open(frame: Bytes, number: number): Promise<Bytes | undefined> {
    const header = frame.slice(0, FRAME_HEADER_SIZE);
    return await this.#receiveKey!.open(number, header, frame.slice(FRAME_HEADER_SIZE));
  }
}
