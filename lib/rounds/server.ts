/**
 * A server's end of one session: HELLO in, CHALLENGE out, then a value in and an aggregate out, round by round. What
 * the values come to is decided in `rounds.ts`.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { EPOCHS_AHEAD_MAX } from "../limits.ts";
import type { Random, RoundsKeyStore } from "../ports.ts";
import { helloChain, sessionChains } from "./chain.ts";
import { MacError, RoundError } from "./errors.ts";
import {
  type Aggregate,
  type CloseReason,
  decodeClose,
  decodeData,
  decodeHelloNonce,
  encodeAggregate,
  encodeChallenge,
  encodeClose,
  ROUNDS_NONCE_SIZE,
} from "./messages.ts";
import type { Opcode, Packet, PacketHeader } from "./packet.ts";
import { nextRoot, rootAfter } from "./root.ts";
import { RoundsSession } from "./session.ts";

/** What a server's session needs to know. */
export interface RoundsServerOptions {
  /** The clients' roots. */
  readonly keys: RoundsKeyStore;
  /** For challenges and IVs. */
  readonly random: Random;
  /** The last round that was closed, for CHALLENGE. */
  readonly serverRound: () => number;
}

/** What a server's session reports. */
export type RoundsServerEvent =
  /** The client has proved that it knows its root; CHALLENGE is ready to be taken. */
  | { readonly kind: "hello"; readonly id: string }
  /** A value; the first one has returned the challenge, so nobody has recorded this session before. */
  | { readonly kind: "data"; readonly text: string; readonly isFirst: boolean }
  | { readonly kind: "closed"; readonly reason: CloseReason };

/** See the module's text. */
export class RoundsServerSession extends RoundsSession<RoundsServerEvent> {
  readonly #options: RoundsServerOptions;
  #id: string | undefined;
  /** What the first DATA has to return. */
  #challenge: Bytes | undefined;

  constructor(options: RoundsServerOptions) {
    super("server", "waitHello", options.random);
    this.#options = options;
  }

  /** The client that HELLO has proved. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Answers the value of this round, and goes on to the next. */
  async answer(aggregate: Aggregate): Promise<void> {
    const { chains } = this;
    if (chains === undefined || this.state !== "inRound") return;
    const sending = this.send(chains.s2c, "aggregate", this.#id!, encodeAggregate(aggregate));
    this.round += 1;
    this.moveTo("waitData");
    await sending;
  }

  /** Says why the session ends, and ends it. */
  async close(reason: CloseReason): Promise<void> {
    const { chains } = this;
    if (chains !== undefined) await this.send(chains.s2c, "close", this.#id!, encodeClose(reason));
    this.moveTo("closed");
  }

  protected override checkEpoch(header: PacketHeader): void {
    // HELLO brings its epoch with it, which is held against the store with its MAC.
    if (this.#id === undefined) return;
    if (header.id === this.#id && header.epoch === this.epoch) return;
    throw new RoundError(
      `Cannot accept a packet: it is of epoch ${header.epoch}, expected ${this.epoch}, or of another client`,
    );
  }

  protected override async handle(packet: Packet, opcode: Opcode): Promise<RoundsServerEvent> {
    if (opcode === "hello") return await this.#handleHello(packet);
    const body = await this.chains!.c2s.open(packet);
    if (opcode === "close") return { kind: "closed", reason: decodeClose(body) };
    const isFirst = this.#challenge !== undefined;
    const { challenge, text } = decodeData(body, isFirst);
    if (isFirst && !equal(challenge!, this.#challenge!)) {
      throw new MacError("Cannot accept DATA: it does not return the challenge");
    }
    this.#challenge = undefined;
    return { kind: "data", text, isFirst };
  }

  async #handleHello(packet: Packet): Promise<RoundsServerEvent> {
    const { id, epoch } = packet.header;
    const { keys, random } = this.#options;
    const known = keys.find(id);
    // Who is enrolled is in the clear anyway; a stranger gets the same silence as a wrong key.
    if (known === undefined) throw new MacError("Cannot accept HELLO: nobody of that name is enrolled");
    if (epoch < known.epoch || epoch > known.epoch + EPOCHS_AHEAD_MAX) {
      known.root.fill(0);
      throw new RoundError(
        `Cannot accept HELLO of epoch ${epoch}: ${known.epoch} to ${known.epoch + EPOCHS_AHEAD_MAX} may come`,
        "a client whose key file was restored from a copy has to be enrolled again",
      );
    }
    const root = rootAfter(known.root, epoch - known.epoch);
    known.root.fill(0);
    const chain = helloChain(root, "c2s");
    decodeHelloNonce(await chain.open(packet));
    chain.erase();
    const next = nextRoot(root);
    // Another session of the client may have been quicker: an epoch is never used twice.
    const isCommitted = keys.advance(id, known.epoch, epoch + 1, next);
    next.fill(0);
    if (!isCommitted) throw new RoundError(`Cannot accept HELLO of epoch ${epoch}: another one was quicker`);
    this.#id = id;
    this.epoch = epoch;
    const challenge = random.bytes(ROUNDS_NONCE_SIZE);
    const reply = helloChain(root, "s2c");
    const body = encodeChallenge({ challenge, serverRound: this.#options.serverRound() });
    const sent = await this.send(reply, "challenge", id, body);
    reply.erase();
    this.chains = sessionChains(root, packet.bytes, sent);
    root.fill(0);
    this.#challenge = challenge;
    this.round = 1;
    return { kind: "hello", id };
  }
}
