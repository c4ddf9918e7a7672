/**
 * A client's session: HELLO out, CHALLENGE in, then a value out and an aggregate in, round by round.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { cbcCiphertextSize } from "../crypto/cbc.ts";
import { ROUNDS_CIPHERTEXT_SIZE_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";
import { LimitError, StateError } from "./errors.ts";
import {
  type Aggregate,
  type CloseReason,
  decodeAggregate,
  decodeChallenge,
  decodeClose,
  encodeClose,
  encodeData,
  ROUNDS_NONCE_SIZE,
} from "./messages.ts";
import { COUNTER_MAX, type Opcode, type Packet, type PacketHeader } from "./packet.ts";
import { RoundsSession } from "./session.ts";

/** What a client needs to know. */
export interface RoundsClientOptions {
  readonly id: string;
  /** The epoch of this session. The next one is in the key file already, so that no epoch is used twice. */
  readonly epoch: number;
  /** The root of this epoch, 32 bytes; overwritten once the session has keys of its own. */
  readonly root: Bytes;
  /** For nonces and IVs. */
  readonly random: Random;
}

/** What a client's session reports. */
export type RoundsClientEvent =
  /** The server has proved that it knows the root; a value may be sent. */
  | { readonly kind: "open"; readonly serverRound: number }
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate }
  | { readonly kind: "closed"; readonly reason: CloseReason };

/** See the module's text. Made by {@link RoundsClient.start}. */
export class RoundsClient extends RoundsSession<RoundsClientEvent> {
  readonly #id: string;
  readonly #root: Bytes;
  #hello: Bytes | undefined;
  /** What the first DATA returns. */
  #challenge: Bytes | undefined;

  protected constructor(options: RoundsClientOptions) {
    super("client", "start", options.random);
    this.#id = options.id;
    this.#root = options.root;
    this.epoch = options.epoch;
  }

  /** Begins a session; HELLO is then ready to be taken. Throws `LimitError` where the epochs are used up. */
  static start(options: RoundsClientOptions): RoundsClient {
    if (options.epoch > COUNTER_MAX) {
      options.root.fill(0);
      throw new LimitError(
        `Cannot begin a session: ${options.id} has used its ${options.epoch} epochs, and has to be enrolled again`,
      );
    }
    const client = new this(options);
    const nonce = options.random.bytes(ROUNDS_NONCE_SIZE);
    client.#hello = client.keySchedule.withHelloChain(options.root, "c2s", (chain) => {
      return client.send(chain, "hello", options.id, nonce);
    });
    return client;
  }

  /**
   * Sends this round's value. Throws `StateError` where the last round has not been answered yet, `LimitError` where
   * the value is too long or the session has no round left; nothing has changed then.
   */
  sendData(text: string): void {
    const { chains } = this;
    if (chains === undefined) throw new StateError(`Cannot send data: the client is in state ${this.state}`);
    if (this.round > COUNTER_MAX) {
      throw new LimitError(`Cannot send a value: the session has had its ${COUNTER_MAX} rounds`);
    }
    const body = encodeData(this.#challenge, text);
    const size = cbcCiphertextSize(body.length);
    if (size > ROUNDS_CIPHERTEXT_SIZE_MAX) {
      throw new LimitError(
        `Cannot send a value: it takes ${size} bytes with what goes with it, ${ROUNDS_CIPHERTEXT_SIZE_MAX} may be`,
      );
    }
    this.send(chains.c2s, "data", this.#id, body);
    this.#challenge = undefined;
  }

  /** Says goodbye, if there is a session yet, and ends it. */
  close(): void {
    const { chains } = this;
    if (chains !== undefined) this.send(chains.c2s, "close", this.#id, encodeClose("done"));
    this.moveTo("closed");
  }

  protected override checkOrigin(header: PacketHeader): void {
    this.checkEpoch(header, this.#id);
  }

  protected override handle(packet: Packet, opcode: Opcode): RoundsClientEvent {
    if (opcode === "challenge") return this.#handleChallenge(packet);
    const body = this.chains!.s2c.open(packet);
    if (opcode === "close") return { kind: "closed", reason: decodeClose(body) };
    const aggregate = decodeAggregate(body);
    this.round += 1;
    return { kind: "aggregate", aggregate };
  }

  #handleChallenge(packet: Packet): RoundsClientEvent {
    const body = this.keySchedule.withHelloChain(this.#root, "s2c", (chain) => chain.open(packet));
    const { challenge, serverRound } = decodeChallenge(body);
    this.chains = this.keySchedule.sessionChains(this.#root, this.#hello!, packet.bytes);
    this.#root.fill(0);
    this.#hello = undefined;
    this.#challenge = challenge;
    this.round = 1;
    return { kind: "open", serverRound };
  }

  protected override moveTo(state: RoundsClient["state"]): void {
    super.moveTo(state);
    if (state === "closed") this.#root.fill(0);
  }
}
