/**
 * What the clients of a group have sent, what their server has counted, and what they have heard of it: held against each
 * other they show whether anybody was deceived.
 * @module
 */
import type { Seeded } from "../../lib/attacks/seeded.ts";
import type { RoundsServiceEvent } from "../../lib/net/rounds_server.ts";
import { sumOf } from "../../lib/rounds/aggregation.ts";
import { formatDecimal } from "../../lib/rounds/decimal.ts";
import type { Aggregate } from "../../lib/rounds/messages.ts";

/** A round that the server has closed. */
export type CountedRound = Extract<RoundsServiceEvent, { readonly kind: "round" }>;

/** Digits of a value, and what each is made of: a digit of which the lowest bit is flipped is none of these. */
const DIGIT_COUNT = 6;
const DIGITS = "2468";

/** See the module's text. */
export class RoundsBooks {
  readonly #seeded: Seeded;
  readonly #values = new Set<string>();
  /** What each client has sent, as the number that it comes to, by id and number; with whether it was answered. */
  readonly #sent = new Map<string, { isAnswered: boolean }>();
  readonly #rounds: CountedRound[] = [];
  readonly #heard: { readonly id: string; readonly aggregate: Aggregate }[] = [];

  constructor(seeded: Seeded) {
    this.#seeded = seeded;
  }

  /** A value that nobody has been given before: a number of six digits. */
  value(): string {
    for (;;) {
      const value = Array.from({ length: DIGIT_COUNT }, () => DIGITS[this.#seeded.below(DIGITS.length)]).join(
        "",
      );
      if (this.#values.has(value)) continue;
      this.#values.add(value);
      return value;
    }
  }

  /** A client sends a value; what it hears of it is given to what this returns. */
  send(id: string, text: string): (aggregate: Aggregate) => void {
    const name = `${id} ${formatDecimal(sumOf(text))}`;
    const entry = this.#sent.get(name) ?? { isAnswered: false };
    this.#sent.set(name, entry);
    return (aggregate) => {
      entry.isAnswered = true;
      this.#heard.push({ id, aggregate });
    };
  }

  /** The server closes a round. */
  count(round: CountedRound): void {
    this.#rounds.push(round);
  }

  /** How often a value of a client has counted. */
  timesCounted(id: string, text: string): number {
    const number = formatDecimal(sumOf(text));
    return this.#rounds.filter(({ sums }) => sums[id] === number).length;
  }

  /** What was counted or heard that is wrong, in one sentence; `undefined` where everything is right. */
  get wrong(): string | undefined {
    const counted = new Set<string>();
    for (const { number, product, sums } of this.#rounds) {
      for (const [id, sum] of Object.entries(sums)) {
        const name = `${id} ${sum}`;
        if (!this.#sent.has(name)) return `round ${number} counted ${sum} for ${id}, who never sent that`;
        if (counted.has(name)) return `${sum} of ${id} was counted twice`;
        counted.add(name);
      }
      if (product !== productOf(sums)) {
        return `round ${number} came to ${product}, which is not the product of its clients' values`;
      }
    }
    for (const { id, aggregate } of this.#heard) {
      if (!this.#rounds.some((round) => isOf(round, id, aggregate))) {
        return `${id} believes a result that the server has never sent: ${aggregate.sum} of ${aggregate.product}`;
      }
    }
    return undefined;
  }

  /** Whether something was sent, and all of it was counted once and answered, and nothing else was. */
  get isIntact(): boolean {
    const countedCount = this.#rounds.reduce((sum, { sums }) => sum + Object.keys(sums).length, 0);
    return this.wrong === undefined && countedCount > 0 && countedCount === this.#sent.size &&
      [...this.#sent.values()].every(({ isAnswered }) => isAnswered);
  }
}

function productOf(sums: CountedRound["sums"]): string {
  return Object.values(sums).reduce((product, sum) => product * BigInt(sum), 1n).toString();
}

function isOf({ number, product, sums }: CountedRound, id: string, aggregate: Aggregate): boolean {
  return aggregate.serverRound === number && aggregate.product === product && aggregate.sum === sums[id] &&
    aggregate.clients === Object.keys(sums).length;
}
