/**
 * What both ends of a rounds session have in common: packets in, packets out, the checks in their order, and one
 * failure that ends it without a word.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Random } from "../ports.ts";
import type { Chain } from "./chain.ts";
import { DirectionError, RoundError, StateError } from "./errors.ts";
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
import { type RoundsRole, type RoundsState, roundsStateAfter } from "./transitions.ts";

const SENDS: Readonly<Record<RoundsRole, Direction>> = { client: "c2s", server: "s2c" };
const RECEIVES: Readonly<Record<RoundsRole, Direction>> = { client: "s2c", server: "c2s" };
const OPCODE_NAMES = new Map<number, Opcode>(
  Object.entries(OPCODES).map(([name, number]) => [number, name as Opcode] as const),
);

/** One end of a session. Calls of `receive` must not overlap. */
export abstract class RoundsSession<Event> {
  /** The chains of the session, once there are any. */
  protected chains: Readonly<Record<Direction, Chain>> | undefined;
  /** The session's round: 0 in the handshake, then the one that DATA and AGGREGATE carry. */
  protected round = 0;
  protected epoch = 0;
  protected readonly random: Random;
  readonly #role: RoundsRole;
  readonly #packets = new PacketAssembler();
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
   * Takes bytes as they arrived. A packet that is wrong closes the session for good, without a word to the peer: this
   * and every later call throws the same `ProtocolError`.
   */
  async receive(bytes: Bytes): Promise<readonly Event[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const events: Event[] = [];
    try {
      this.#packets.push(bytes);
      while (this.#state !== "closed") {
        const packet = this.#packets.next();
        if (packet === undefined) break;
        const next = this.#check(packet.header);
        const event = await this.handle(packet, OPCODE_NAMES.get(packet.header.opcode)!);
        // The other way out of a session is a call of its owner's, which may have come meanwhile.
        if (this.#isClosed()) break;
        this.moveTo(next);
        events.push(event);
      }
      return events;
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

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Everything that a header alone can be wrong in, before a MAC is computed; changes nothing. */
  #check(header: PacketHeader): RoundsState {
    if (header.version !== ROUNDS_VERSION) {
      throw new StateError(
        `Cannot accept a packet: its version is ${header.version}, expected ${ROUNDS_VERSION}`,
      );
    }
    const direction = RECEIVES[this.#role];
    if (header.direction !== DIRECTIONS[direction]) {
      throw new DirectionError(
        `Cannot accept a packet: its direction is ${header.direction}, expected ${DIRECTIONS[direction]}`,
      );
    }
    this.checkEpoch(header);
    if (header.round !== this.round) {
      throw new RoundError(`Cannot accept a packet: its round is ${header.round}, expected ${this.round}`);
    }
    return roundsStateAfter(this.#role, this.#state, OPCODE_NAMES.get(header.opcode));
  }

  /** Throws `RoundError` for another epoch or another client than the session's. */
  protected abstract checkEpoch(header: PacketHeader): void;

  /** Takes a packet whose header is right. */
  protected abstract handle(packet: Packet, opcode: Opcode): Promise<Event>;

  /** Goes to a state; secrets do not outlive the session. */
  protected moveTo(state: RoundsState): void {
    this.#state = state;
    if (state !== "closed") return;
    this.chains?.c2s.erase();
    this.chains?.s2c.erase();
    this.chains = undefined;
  }

  /** Seals a packet of this end under a chain and puts it out; returns its bytes. */
  protected async send(chain: Chain, opcode: Opcode, id: string, body: Bytes): Promise<Bytes> {
    const header = {
      version: ROUNDS_VERSION,
      opcode: OPCODES[opcode],
      direction: DIRECTIONS[SENDS[this.#role]],
      id,
      epoch: this.epoch,
      round: this.round,
    };
    const packet = await chain.seal(header, body, this.random);
    this.#output.push(packet);
    return packet;
  }
}
