/**
 * How a case about one end of a rounds session is made: a conversation that is written down.
 * @module
 */
import { type Bytes, hex, join, pseudorandom, text } from "./primitives.ts";
import {
  aggregateBody,
  C2S,
  challengeBody,
  firstRoot,
  helloKey,
  laterRoot,
  ROUNDS_OPCODES,
  type RoundsAggregate,
  type RoundsHeader,
  type RoundsPacket,
  S2C,
  sealRounds,
  sessionKey,
  sessionSecret,
} from "./rounds.ts";

/** The end that a case is about. */
export type RoundsEnd = "client" | "server";

/** What an end reports. */
export type RoundsEvent =
  | { readonly hello: string }
  | { readonly open: number }
  | { readonly data: string; readonly is_first: boolean }
  | { readonly aggregate: RoundsAggregate }
  | { readonly close: number };

/** What the owner of an end has to say. */
export type RoundsWord =
  | { readonly data: string }
  | { readonly aggregate: RoundsAggregate }
  | { readonly close: number };

/** One thing after the other that happens to an end. */
export type RoundsStep =
  | { readonly in: string; readonly gives: readonly RoundsEvent[] }
  | { readonly out: string }
  | { readonly say: RoundsWord };

/** Where the group's keys come from. */
export const BASE_KEY: Bytes = pseudorandom("rounds base key", 32);
export const CLIENT_ID = "sensor-1";
export const ENROLMENT_SALT: Bytes = pseudorandom("rounds salt", 16);
export const ROOT_0: Bytes = firstRoot(BASE_KEY, CLIENT_ID, ENROLMENT_SALT);

/** What a session is. */
export interface RoundsShape {
  readonly id: string;
  /** The client's, and the one that the server has. */
  readonly epoch: number;
  readonly serverEpoch: number;
  /** The last round that the server has closed. */
  readonly serverRound: number;
}

/** A session while it is written down, with the keys of both ends. */
export class RoundsTalk {
  readonly shape: RoundsShape;
  readonly end: RoundsEnd;
  readonly root: Bytes;
  readonly steps: RoundsStep[] = [];
  readonly packets:
    (RoundsPacket & { readonly iv: Bytes; readonly body: Bytes; readonly what: RoundsHeader })[] = [];
  readonly nonce = pseudorandom("rounds nonce", 16);
  readonly challenge = pseudorandom("rounds challenge", 16);
  /** Chain keys by direction. */
  readonly chains: [Bytes, Bytes];
  round = 0;
  readonly #serverRoot: Bytes;

  constructor(end: RoundsEnd, shape: Partial<RoundsShape> = {}) {
    this.end = end;
    this.shape = { id: CLIENT_ID, epoch: 0, serverEpoch: 0, serverRound: 0, ...shape };
    const { epoch, serverEpoch } = this.shape;
    // Nobody can compute four billion roots: where the epochs are that large the server's root is any root.
    const isLarge = serverEpoch > 100_000;
    this.#serverRoot = isLarge
      ? pseudorandom("rounds root of a late epoch", 32)
      : laterRoot(ROOT_0, serverEpoch);
    this.root = isLarge ? laterRoot(this.#serverRoot, epoch - serverEpoch) : laterRoot(ROOT_0, epoch);
    this.chains = [helloKey(this.root, C2S), helloKey(this.root, S2C)];
  }

  /** What the end is made of: its randomness is drawn in this order, 16 bytes each time. */
  get setup(): unknown {
    const { id, epoch, serverEpoch, serverRound } = this.shape;
    const own = this.packets.filter(({ what }) => what.direction === (this.end === "client" ? C2S : S2C));
    const ivs = own.map(({ iv }) => hex(iv));
    return this.end === "client" ? { id, epoch, root: hex(this.root), nonce: hex(this.nonce), ivs } : {
      clients: [{ id, epoch: serverEpoch, root: hex(this.#serverRoot) }],
      server_round: serverRound,
      challenge: hex(this.challenge),
      ivs,
    };
  }

  /** A header of the packet that is next. */
  header(
    direction: number,
    opcode: keyof typeof ROUNDS_OPCODES,
    other: Partial<RoundsHeader> = {},
  ): RoundsHeader {
    const { id, epoch } = this.shape;
    return { opcode: ROUNDS_OPCODES[opcode], direction, id, epoch, round: this.round, ...other };
  }

  /** Seals the next packet of a direction; whether it is ever sent is another matter. */
  seal(header: RoundsHeader, body: Uint8Array, behind?: Uint8Array): RoundsPacket {
    const iv = pseudorandom(`rounds IV ${this.packets.length}`, 16);
    return { ...sealRounds(this.chains[header.direction]!, header, iv, body, behind) };
  }

  /** A packet goes from one end to the other, and is taken. */
  pass(header: RoundsHeader, body: Bytes, ...gives: readonly RoundsEvent[]): RoundsPacket {
    const packet = this.seal(header, body);
    const iv = pseudorandom(`rounds IV ${this.packets.length}`, 16);
    this.packets.push({ ...packet, iv, body, what: header });
    this.chains[header.direction] = packet.nextChain;
    const isOut = (header.direction === C2S) === (this.end === "client");
    this.steps.push(isOut ? { out: hex(packet.packet) } : { in: hex(packet.packet), gives });
    return packet;
  }

  /** Bytes come that nobody answers. */
  comes(bytes: Uint8Array, ...gives: readonly RoundsEvent[]): void {
    this.steps.push({ in: hex(bytes), gives });
  }

  /** HELLO. */
  hello(): RoundsPacket {
    return this.pass(this.header(C2S, "hello"), this.nonce, { hello: this.shape.id });
  }

  /** HELLO and CHALLENGE. */
  open(): void {
    const hello = this.hello();
    const { serverRound } = this.shape;
    const body = challengeBody(this.challenge, serverRound);
    const { packet } = this.pass(this.header(S2C, "challenge"), body, { open: serverRound });
    const secret = sessionSecret(this.root, hello.packet, packet);
    for (const direction of [C2S, S2C] as const) this.chains[direction] = sessionKey(secret, direction);
    this.round = 1;
  }

  /** DATA's body in this round. */
  dataBody(value: string): Bytes {
    return this.round === 1 ? join(this.challenge, text(value)) : text(value);
  }

  /** DATA. */
  data(value: string): RoundsPacket {
    if (this.end === "client") this.steps.push({ say: { data: value } });
    return this.pass(this.header(C2S, "data"), this.dataBody(value), {
      data: value,
      is_first: this.round === 1,
    });
  }

  /** AGGREGATE; the session's next round begins. */
  aggregate(aggregate: RoundsAggregate): RoundsPacket {
    if (this.end === "server") this.steps.push({ say: { aggregate } });
    const packet = this.pass(this.header(S2C, "aggregate"), aggregateBody(aggregate), { aggregate });
    this.round += 1;
    return packet;
  }

  /** CLOSE. */
  close(direction: number, reason: number, other: Partial<RoundsHeader> = {}): RoundsPacket {
    if ((direction === C2S) === (this.end === "client")) this.steps.push({ say: { close: reason } });
    return this.pass(this.header(direction, "close", other), Uint8Array.of(reason), { close: reason });
  }
}

/** A case of rounds_negative.json. */
export interface RoundsCase {
  readonly name: string;
  readonly end: RoundsEnd;
  readonly setup: unknown;
  readonly steps: readonly RoundsStep[];
  /** The code that the end must have in the end; `null` where the fault does no harm. */
  readonly error: string | null;
  /** The epoch that a server must have for the client then. */
  readonly epoch_after?: number;
}

/** Some answer. */
export const ANSWER: RoundsAggregate = { server_round: 1, clients: 2, sum: "1.5", product: "-3" };

/** Writes a case down. */
export function roundsCase(
  end: RoundsEnd,
  name: string,
  error: string | null,
  body: (talk: RoundsTalk) => void,
  shape: Partial<RoundsShape> = {},
): RoundsCase {
  const talk = new RoundsTalk(end, shape);
  body(talk);
  const { serverEpoch, epoch } = talk.shape;
  const isAnswered = talk.packets.some(({ what }) => what.opcode === ROUNDS_OPCODES.challenge);
  const after = end === "server" ? { epoch_after: isAnswered ? epoch + 1 : serverEpoch } : {};
  return { name, end, setup: talk.setup, steps: talk.steps, error, ...after };
}
