/**
 * A server's end of one session: HELLO in, CHALLENGE out, then a value in and an aggregate out, round by round. What
 * the values come to is decided in `rounds.ts`.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { EPOCHS_AHEAD_MAX } from "../limits.ts";
import type { Random, RoundsKeyStore } from "../ports.ts";
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
import { type Opcode, OPCODES, type Packet, type PacketHeader } from "./packet.ts";
import { rootAfter } from "./root.ts";
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
  #claimedId: string | undefined;
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

  /** The client that the first packet says it is from, as it came: nothing is proved by it. Escape it before printing. */
  get claimedId(): string | undefined {
    return this.#claimedId;
  }

  /** Answers the value of this round, and goes on to the next. Nothing happens where no value waits for its answer. */
  answer(aggregate: Aggregate): void {
    const { chains } = this;
    if (chains === undefined || this.state !== "inRound") return;
    this.send(chains.s2c, "aggregate", this.#id!, encodeAggregate(aggregate));
    this.round += 1;
  }

  /** Says why the session ends, if there is one yet, and ends it. */
  close(reason: CloseReason): void {
    const { chains } = this;
    if (chains !== undefined) this.send(chains.s2c, "close", this.#id!, encodeClose(reason));
    this.moveTo("closed");
  }

  protected override checkOrigin(header: PacketHeader): void {
    // HELLO brings its epoch with it, which is held against the store with its MAC.
    if (this.#id === undefined) this.#claimedId = header.id;
    else this.checkEpoch(header, this.#id);
  }

  /** A client that takes its leave has perhaps not seen yet that its round was answered. */
  protected override isRound(header: PacketHeader): boolean {
    const isCrossing = header.opcode === OPCODES.close && this.state === "waitData" &&
      header.round > 0 && header.round === this.round - 1;
    return isCrossing || super.isRound(header);
  }

  protected override handle(packet: Packet, opcode: Opcode): RoundsServerEvent {
    if (opcode === "hello") return this.#handleHello(packet);
    const body = this.chains!.c2s.open(packet);
    if (opcode === "close") return { kind: "closed", reason: decodeClose(body) };
    const isFirst = this.#challenge !== undefined;
    const { challenge, text } = decodeData(body, isFirst);
    if (isFirst) this.checkChallenge(challenge!, this.#challenge!);
    this.#challenge = undefined;
    return { kind: "data", text, isFirst };
  }

  #handleHello(packet: Packet): RoundsServerEvent {
    const { id, epoch } = packet.header;
    const known = this.#options.keys.find(id);
    // Who is enrolled is in the clear anyway; a stranger gets the same silence as a wrong key.
    if (known === undefined) throw new MacError("Cannot accept HELLO: nobody of that name is enrolled");
    try {
      this.checkHelloEpoch(epoch, known.epoch);
      const root = this.rootAfter(known.root, epoch - known.epoch);
      try {
        this.#begin(packet, known.root, root);
      } finally {
        root.fill(0);
      }
    } finally {
      known.root.fill(0);
    }
    return { kind: "hello", id };
  }

  /** Holds HELLO against its root, puts its epoch behind the client for good, and answers. */
  #begin(hello: Packet, knownRoot: Bytes, root: Bytes): void {
    const { random, serverRound } = this.#options;
    const { id, epoch } = hello.header;
    decodeHelloNonce(this.keySchedule.withHelloChain(root, "c2s", (chain) => chain.open(hello)));
    const next = this.rootAfter(root, 1);
    try {
      this.commitEpoch(id, knownRoot, epoch, next);
    } finally {
      next.fill(0);
    }
    this.#id = id;
    this.epoch = epoch;
    const challenge = random.bytes(ROUNDS_NONCE_SIZE);
    const body = encodeChallenge({ challenge, serverRound: serverRound() });
    const sent = this.keySchedule.withHelloChain(
      root,
      "s2c",
      (chain) => this.send(chain, "challenge", id, body),
    );
    this.chains = this.keySchedule.sessionChains(root, hello.bytes, sent);
    this.#challenge = challenge;
    this.round = 1;
  }
  /** Throws `RoundError` for an epoch that is used up, or out of reach. */
  protected checkHelloEpoch(epoch: number, knownEpoch: number): void {
    if (epoch >= knownEpoch && epoch <= knownEpoch + EPOCHS_AHEAD_MAX) return;
    throw new RoundError(
      `Cannot accept HELLO of epoch ${epoch}: ${knownEpoch} to ${knownEpoch + EPOCHS_AHEAD_MAX} may come`,
      "a client whose key file was restored from a copy has to be enrolled again",
    );
  }

  /** The root so many epochs further on. */
  protected rootAfter(root: Bytes, epochs: number): Bytes {
    return rootAfter(root, epochs);
  }

  /** Puts an epoch behind the client for good; throws `RoundError` where that has happened meanwhile. */
  protected commitEpoch(id: string, knownRoot: Bytes, epoch: number, next: Bytes): void {
    // Another process may have been quicker: with another session, or with another enrolment.
    if (this.#options.keys.advance(id, knownRoot, epoch + 1, next)) return;
    throw new RoundError(`Cannot accept HELLO of epoch ${epoch}: another one was quicker`);
  }

  /** Throws `MacError` unless the first DATA returns what was sent with CHALLENGE. */
  protected checkChallenge(returned: Bytes, sent: Bytes): void {
    if (!equal(returned, sent)) throw new MacError("Cannot accept DATA: it does not return the challenge");
  }
}
