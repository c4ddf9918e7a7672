/**
 * Every value of a run, no two alike, and what became of it: what the server counts and what the clients hear is held
 * against it.
 * @module
 */
import type { RoundsServiceEvent } from "../../../lib/net/rounds_server.ts";
import type { Aggregate } from "../../../lib/rounds/messages.ts";
import type { Dice } from "../dice.ts";
import type { SentAggregate } from "./wire.ts";

/** A value of a client. */
export interface Value {
  /** What it comes to, which tells it from all others. */
  readonly sum: string;
  readonly text: string;
  readonly id: string;
  /** The connection that it goes over, and the number of the server's process there. */
  connection: number | undefined;
  server: number | undefined;
  /** Whether its sender says it in a way that the server has to refuse. */
  readonly mayCount: boolean;
  isCounted: boolean;
  isAnswered: boolean;
}

type Round = Extract<RoundsServiceEvent, { readonly kind: "round" }>;

/** See the module's text. */
export class Ledger {
  readonly #values = new Map<string, Value>();
  /** The last value that was given to each connection. */
  readonly #sending = new Map<number, Value>();
  /** The rounds of each process of the server's. */
  readonly #rounds = new Map<number, Round[]>();
  readonly #fail: (text: string) => void;
  answeredCount = 0;
  sentCount = 0;

  constructor(fail: (text: string) => void) {
    this.#fail = fail;
  }

  /** A new value for a client. */
  issue(id: string, dice: Dice, mayCount = true): Value {
    const number = this.#values.size + 2;
    const [sum, text] = textOf(number, dice);
    const value = {
      sum,
      text,
      id,
      connection: undefined,
      server: undefined,
      mayCount,
      isCounted: false,
      isAnswered: false,
    };
    this.#values.set(sum, value);
    return value;
  }

  /** A client is about to send it. */
  sending(value: Value, connection: number, server: number): void {
    if (value.connection !== undefined) this.#fail(`the value ${value.sum} was sent twice`);
    value.connection = connection;
    this.#sending.set(connection, value);
    value.server = server;
    this.sentCount += 1;
  }

  /** It goes out. */
  onWire(connection: number, text: string): void {
    if (this.#sending.get(connection)?.text !== text) {
      this.#fail(`a client sends what it was not given on connection ${connection}: ${text.slice(0, 40)}`);
    }
  }

  /** The server tells of a round. */
  reported(server: number, round: Round): void {
    const { number, product, sums, late } = round;
    const rounds = this.#rounds.get(server) ?? [];
    rounds.push(round);
    this.#rounds.set(server, rounds);
    if (number !== rounds.length) this.#fail(`round ${number} came as the ${rounds.length}th of its server`);
    let expected = 1n;
    for (const [id, sum] of Object.entries(sums)) {
      expected *= BigInt(sum);
      const value = this.#values.get(sum);
      if (value === undefined || value.id !== id) {
        this.#fail(`round ${number} has ${sum} for ${id}, who never had such a value`);
        continue;
      }
      if (value.server !== server) {
        this.#fail(`round ${number} has ${sum}, which was not sent to this server`);
      }
      if (!value.mayCount) {
        this.#fail(`round ${number} has ${sum}, which was said in a way that is to be refused`);
      }
      if (value.isCounted) this.#fail(`the value ${sum} has counted twice, now in round ${number}`);
      value.isCounted = true;
    }
    if (product !== String(expected)) {
      this.#fail(`round ${number} has the product ${product}, not ${expected}`);
    }
    for (const id of late) if (id in sums) this.#fail(`${id} was late in round ${number}, and counted`);
  }

  /** An aggregate goes out. */
  onAggregate(server: number, id: string, aggregate: SentAggregate): void {
    this.#compare(server, id, aggregate);
  }

  /** A client has heard what became of its value. */
  answered(value: Value, aggregate: Aggregate): void {
    this.#compare(value.server!, value.id, aggregate);
    if (aggregate.sum !== value.sum) {
      this.#fail(`${value.id} hears of ${aggregate.sum}, having sent ${value.sum}`);
    }
    if (!value.isCounted) this.#fail(`${value.id} hears of ${value.sum}, which has not counted`);
    value.isAnswered = true;
    this.answeredCount += 1;
  }

  #compare(server: number, id: string, { serverRound, sum, product, clients }: SentAggregate): void {
    const round = this.#rounds.get(server)?.[serverRound - 1];
    if (round === undefined) {
      return this.#fail(`${id} gets an aggregate of round ${serverRound}, which never was`);
    }
    const isSame = round.sums[id] === sum && round.product === product &&
      Object.keys(round.sums).length === clients;
    if (!isSame) {
      this.#fail(`${id} gets ${sum} of ${product} by ${clients} for round ${serverRound}, which had others`);
    }
  }
}

/** Larger than every number of a run: a value of such a length. */
const LARGE = 3_000;

/** A text that comes to the number, or to one of its own that is larger. */
function textOf(number: number, dice: Dice): [sum: string, text: string] {
  const whole = String(number);
  if (dice.chance(0.02)) return [String(LARGE + number), "y".repeat(LARGE + number)];
  switch (dice.int(0, 5)) {
    case 0:
      return [whole, `+${number}.0`];
    case 1:
      return [whole, ` ${number - 1}, 1`];
    case 2:
      return [whole, `0.5 ${number}.25,-0.75`];
    case 3:
      return [whole, number % 2 === 0 ? "é".repeat(number / 2) : "x".repeat(number)];
    default:
      return [whole, whole];
  }
}
