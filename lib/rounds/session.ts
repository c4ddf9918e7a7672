/**
 * What both ends of a rounds session have in common: packets in, packets out, the checks in their order, and one
 * failure that ends it without a word.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { ROUNDS_CIPHERTEXT_SIZE_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";
import type { Chain } from "./chain.ts";
import { DirectionError, RoundError, StateError } from "./errors.ts";
import { KeySchedule } from "./key_schedule.ts";
import { HELLO_CIPHERTEXT_SIZE } from "./messages.ts";
import {
  type Direction,
  DIRECTIONS,
  type Opcode,
  OPCODES,
  type Packet,
  PacketAssembler,
  type PacketHeader,
  ROUNDS_VERSION,
} from "./packet.ts";
import {
  type RoundsRole,
  type RoundsState,
  roundsStateAfter,
  roundsStateAfterSending,
} from "./transitions.ts";

const SENDS: Readonly<Record<RoundsRole, Direction>> = { client: "c2s", server: "s2c" };
const RECEIVES: Readonly<Record<RoundsRole, Direction>> = { client: "s2c", server: "c2s" };
const OPCODE_NAMES = new Map<number, Opcode>(
  Object.entries(OPCODES).map(([name, number]) => [number, name as Opcode] as const),
);

/** One end of a session. */
export abstract class RoundsSession<Event> {
  /** The chains of the session, once there are any. */
  protected chains: Readonly<Record<Direction, Chain>> | undefined;
  /** The session's round: 0 in the handshake, then the one that DATA and AGGREGATE carry. */
  protected round = 0;
  protected epoch = 0;
  protected readonly random: Random;
  protected readonly keySchedule = this.makeKeySchedule();
  readonly #role: RoundsRole;
  readonly #packets = this.makeAssembler();
  #state: RoundsState;
  #output: Bytes[] = [];
  #failure: unknown;

  protected constructor(role: RoundsRole, state: RoundsState, random: Random) {
    this.#role = role;
    this.#state = state;
    this.random = random;
  }

  /** Where the session stands. */
  get state(): RoundsState {
    return this.#state;
  }

  /**
   * Takes bytes as they arrived, and gives what comes of them as it is asked for: what came before a wrong packet
   * counts, however the bytes were cut. A packet that is wrong closes the session for good, without a word to the
   * peer: this and every later call then throws the same `ProtocolError`.
   */
  *receive(bytes: Bytes): Generator<Event, void, void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#packets.push(bytes);
    while (this.#state !== "closed") {
      const event = this.#next();
      if (event === undefined) return;
      yield event;
    }
  }

  /** Takes the next packet, if it is whole. */
  #next(): Event | undefined {
    try {
      const packet = this.#packets.next(
        this.#state === "waitHello" ? HELLO_CIPHERTEXT_SIZE : ROUNDS_CIPHERTEXT_SIZE_MAX,
      );
      if (packet === undefined) return undefined;
      const next = this.#check(packet.header);
      const event = this.handle(packet, OPCODE_NAMES.get(packet.header.opcode)!);
      this.moveTo(next);
      return event;
    } catch (error) {
      this.#failure = error;
      this.#output = [];
      this.moveTo("closed");
      throw error;
    }
  }

  /** Bytes for the peer. */
  takeOutput(): readonly Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** Everything that a header alone can be wrong in, before a MAC is computed; changes nothing. */
  #check(header: PacketHeader): RoundsState {
    if (header.version !== ROUNDS_VERSION) {
      throw new StateError(
        `Cannot accept a packet: its version is ${header.version}, expected ${ROUNDS_VERSION}`,
      );
    }
    this.checkDirection(header);
    this.checkOrigin(header);
    this.checkRound(header);
    return this.stateAfter(OPCODE_NAMES.get(header.opcode));
  }

  /** Throws `DirectionError` for a packet that was made for the other direction. */
  protected checkDirection(header: PacketHeader): void {
    const expected = DIRECTIONS[RECEIVES[this.#role]];
    if (header.direction === expected) return;
    throw new DirectionError(
      `Cannot accept a packet: its direction is ${header.direction}, expected ${expected}`,
    );
  }

  /** Calls {@link checkEpoch} with the session's client, once there is one. */
  protected abstract checkOrigin(header: PacketHeader): void;

  /** Throws `RoundError` for another epoch or another client than the session's. */
  protected checkEpoch(header: PacketHeader, id: string): void {
    if (header.id === id && header.epoch === this.epoch) return;
    throw new RoundError(
      `Cannot accept a packet: it is of epoch ${header.epoch}, expected ${this.epoch}, or of another client`,
    );
  }

  /** Throws `RoundError` for another round than the session's. */
  protected checkRound(header: PacketHeader): void {
    if (this.isRound(header)) return;
    throw new RoundError(`Cannot accept a packet: its round is ${header.round}, expected ${this.round}`);
  }

  /** The state after a packet of the peer's. Throws `StateError` for one that may not come now. */
  protected stateAfter(opcode: Opcode | undefined): RoundsState {
    return roundsStateAfter(this.#role, this.#state, opcode);
  }

  /** Says whether a packet's round is the one that it must have. */
  protected isRound(header: PacketHeader): boolean {
    return header.round === this.round;
  }

  /** Takes a packet whose header is right. */
  protected abstract handle(packet: Packet, opcode: Opcode): Event;

  /** Puts packets together; the simulator's controls have others. */
  protected makeAssembler(): PacketAssembler {
    return new PacketAssembler();
  }

  /** Makes keys; the simulator's controls have others. */
  protected makeKeySchedule(): KeySchedule {
    return new KeySchedule();
  }

  /** Goes to a state; secrets do not outlive the session. */
  protected moveTo(state: RoundsState): void {
    this.#state = state;
    if (state !== "closed") return;
    this.chains?.c2s.erase();
    this.chains?.s2c.erase();
    this.chains = undefined;
  }

  /**
   * Seals a packet of this end under a chain, puts it out, and goes to the state after it; returns its bytes. Throws
   * `StateError`, having done nothing, where this end may not send it now.
   */
  protected send(chain: Chain, opcode: Opcode, id: string, body: Bytes): Bytes {
    const next = roundsStateAfterSending(this.#role, this.#state, opcode);
    const header = {
      version: ROUNDS_VERSION,
      opcode: OPCODES[opcode],
      direction: DIRECTIONS[SENDS[this.#role]],
      id,
      epoch: this.epoch,
      round: this.round,
    };
    const packet = chain.seal(header, body, this.random);
    this.#output.push(packet);
    this.moveTo(next);
    return packet;
  }
}
