/**
 * A client's session: HELLO out, CHALLENGE in, then a value out and an aggregate in, round by round.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Random } from "../ports.ts";
import { helloChain, sessionChains } from "./chain.ts";
import { RoundError, StateError } from "./errors.ts";
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
import type { Opcode, Packet, PacketHeader } from "./packet.ts";
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
  #root: Bytes;
  #hello: Bytes | undefined;
  /** What the first DATA returns. */
  #challenge: Bytes | undefined;

  private constructor(options: RoundsClientOptions) {
    super("client", "waitChallenge", options.random);
    this.#id = options.id;
    this.#root = options.root;
    this.epoch = options.epoch;
  }

  /** Begins a session; HELLO is then ready to be taken. */
  static async start(options: RoundsClientOptions): Promise<RoundsClient> {
    const client = new RoundsClient(options);
    const chain = helloChain(options.root, "c2s");
    client.#hello = await client.send(chain, "hello", options.id, options.random.bytes(ROUNDS_NONCE_SIZE));
    chain.erase();
    return client;
  }

  /** Sends this round's value. Throws `StateError` where the last round has not been answered yet. */
  async sendData(text: string): Promise<void> {
    if (this.state !== "ready") {
      throw new StateError(`Cannot send a value: the client is in state ${this.state}`);
    }
    this.moveTo("waitAggregate");
    const body = encodeData(this.#challenge, text);
    this.#challenge = undefined;
    await this.send(this.chains!.c2s, "data", this.#id, body);
  }

  /** Says goodbye and ends the session. */
  async close(): Promise<void> {
    const { chains } = this;
    if (chains !== undefined) await this.send(chains.c2s, "close", this.#id, encodeClose("done"));
    this.moveTo("closed");
  }

  protected override checkEpoch(header: PacketHeader): void {
    if (header.id === this.#id && header.epoch === this.epoch) return;
    throw new RoundError(
      `Cannot accept a packet: it is of epoch ${header.epoch}, expected ${this.epoch}, or of another client`,
    );
  }

  protected override async handle(packet: Packet, opcode: Opcode): Promise<RoundsClientEvent> {
    if (opcode === "challenge") return await this.#handleChallenge(packet);
    const body = await this.chains!.s2c.open(packet);
    if (opcode === "close") return { kind: "closed", reason: decodeClose(body) };
    const aggregate = decodeAggregate(body);
    this.round += 1;
    return { kind: "aggregate", aggregate };
  }

  async #handleChallenge(packet: Packet): Promise<RoundsClientEvent> {
    const chain = helloChain(this.#root, "s2c");
    const { challenge, serverRound } = decodeChallenge(await chain.open(packet));
    chain.erase();
    this.chains = sessionChains(this.#root, this.#hello!, packet.bytes);
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
