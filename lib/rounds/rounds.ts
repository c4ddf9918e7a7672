/**
 * The server's rounds: who is in one, when it opens, when it closes, and what it comes to.
 *
 * A round opens with the first value, once as many clients are there as the server waits for; its members are fixed
 * then. It closes when each of them has sent a value, or at its deadline. A value that comes while its sender is no
 * member of the open round waits for the next.
 * @module
 */
import { ROUND_DEADLINE_MS } from "../limits.ts";
import { productOf, sumOf } from "./aggregation.ts";
import { type Decimal, formatDecimal } from "./decimal.ts";

/** A round that has closed. */
export interface ClosedRound<Member> {
  /** The server's number of it: 1 for the first. */
  readonly number: number;
  /** Who has sent a value, with what it came to: those first whose value had to wait for the round. */
  readonly sums: readonly { readonly member: Member; readonly sum: string }[];
  readonly product: string;
  /** Members whose value did not come in time. */
  readonly late: readonly Member[];
}

/** How rounds are held. */
export interface RoundsOptions {
  /** A round opens with so many clients at least. */
  readonly minClients: number;
  /** From a round's opening to its end at the latest. */
  readonly deadlineMs?: number;
}

/** See the module's text. `Member` is a session, told apart by identity. */
export class Rounds<Member> {
  readonly #minClients: number;
  readonly #deadlineMs: number;
  /** Everybody who has returned a challenge, with the value that waits for a round. */
  readonly #clients = new Map<Member, Decimal | undefined>();
  /** Members of the open round that have not sent a value yet. */
  #missing = new Set<Member>();
  /** Values of the open round; they count whether their sender stays or not. */
  readonly #values = new Map<Member, Decimal>();
  #closesAtMs: number | undefined;
  #lastNumber = 0;

  constructor(options: RoundsOptions) {
    this.#minClients = options.minClients;
    this.#deadlineMs = options.deadlineMs ?? ROUND_DEADLINE_MS;
  }

  /** The number of the last round that has closed; 0 before the first. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Clients that are there. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Takes a value. One client sends the next one only when the last was answered. Returns the rounds that it closes. */
  take(member: Member, text: string, nowMs: number): readonly ClosedRound<Member>[] {
    const sum = sumOf(text);
    if (this.#missing.delete(member)) this.#values.set(member, sum);
    else this.#clients.set(member, sum);
    return this.#advance(nowMs);
  }

  /** A client has gone. A value of it that is in the open round still counts; one that waits does not. */
  leave(member: Member, nowMs: number): readonly ClosedRound<Member>[] {
    this.#clients.delete(member);
    this.#missing.delete(member);
    return this.#advance(nowMs);
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    return this.#closesAtMs;
  }

  /**
   * Closes the open round if its time is over at `timerMs`; the next one begins at `nowMs`, which is another time where
   * the clock was set back since the timer was set.
   */
  handleTimeout(nowMs: number, timerMs: number = nowMs): readonly ClosedRound<Member>[] {
    if (this.#closesAtMs === undefined || timerMs < this.#closesAtMs) return [];
    return [this.#close(), ...this.#advance(nowMs)];
  }

  /** Closes a round that is complete, and opens one that can begin, for as long as there are such. */
  #advance(nowMs: number): readonly ClosedRound<Member>[] {
    const closed: ClosedRound<Member>[] = [];
    for (;;) {
      if (this.#closesAtMs === undefined) this.#open(nowMs);
      if (this.#closesAtMs === undefined || this.#missing.size > 0) return closed;
      closed.push(this.#close());
    }
  }

  #open(nowMs: number): void {
    const waiting = [...this.#clients].filter(([, value]) => value !== undefined);
    if (waiting.length === 0 || this.#clients.size < this.#minClients) return;
    this.#closesAtMs = nowMs + this.#deadlineMs;
    this.#missing = new Set(this.#clients.keys());
    for (const [member, value] of waiting) {
      this.#missing.delete(member);
      this.#values.set(member, value!);
      this.#clients.set(member, undefined);
    }
  }

  #close(): ClosedRound<Member> {
    const late = [...this.#missing];
    const sums = [...this.#values];
    this.#missing.clear();
    this.#values.clear();
    this.#closesAtMs = undefined;
    for (const member of late) this.#clients.delete(member);
    this.#lastNumber += 1;
    return {
      number: this.#lastNumber,
      sums: sums.map(([member, sum]) => ({ member, sum: formatDecimal(sum) })),
      product: formatDecimal(productOf(sums.map(([, sum]) => sum))),
      late,
    };
  }
}
