/**
 * A rounds server over connections: each session by itself, their values gathered into rounds.
 * @module
 */
import { ProtocolError } from "../rounds/errors.ts";
import { codeOf } from "../errors.ts";
import { ROUNDS_HANDSHAKE_TIMEOUT_MS, ROUNDS_HANDSHAKES_MAX, ROUNDS_WRITE_TIMEOUT_MS } from "../limits.ts";
import type { Clock, Duplex, Random, RoundsKeyStore } from "../ports.ts";
import type { CloseReason } from "../rounds/messages.ts";
import { type ClosedRound, Rounds, type RoundsOptions } from "../rounds/rounds.ts";
import { type RoundsServerEvent, RoundsServerSession } from "../rounds/server.ts";
import { Admission } from "./admission.ts";

/** What a server needs to know. */
export interface RoundsServiceOptions extends RoundsOptions {
  readonly keys: RoundsKeyStore;
  readonly random: Random;
  readonly clock: Clock;
  /** Told of every round as it closes, of clients that come and go, and of packets that were wrong. */
  readonly onEvent: (event: RoundsServiceEvent) => void;
}

/** What a server reports. */
export type RoundsServiceEvent =
  | {
    readonly kind: "round";
    readonly number: number;
    readonly product: string;
    /** The clients' numbers by their ids. */
    readonly sums: Readonly<Record<string, string>>;
    /** The ids of those who were late. */
    readonly late: readonly string[];
  }
  | { readonly kind: "joined"; readonly id: string; readonly address: string }
  | { readonly kind: "left"; readonly id: string; readonly reason: CloseReason | "cut" }
  | {
    readonly kind: "failed";
    readonly id: string | undefined;
    readonly address: string;
    readonly error: unknown;
  };

/** One read from the socket. A packet is 128 KiB at most, and one waits for the other. */
const READ_SIZE = 64 * 1024;

/** See the module's text. */
export class RoundsService {
  readonly #options: RoundsServiceOptions;
  readonly #rounds: Rounds<Member>;
  readonly #admission: Admission;
  /** Sessions that have returned their challenge: one for each client. */
  readonly #members = new Map<string, Member>();
  readonly #connections = new Set<Member>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: RoundsServiceOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options);
    this.#admission = new Admission(options.random, {
      places: ROUNDS_HANDSHAKES_MAX,
      perNetwork: ROUNDS_HANDSHAKES_MAX,
    });
  }

  /** The number of the last round that has closed. */
  get lastRound(): number {
    return this.#rounds.lastNumber;
  }

  /** Serves one connection to its end; never rejects. */
  async serve(duplex: Duplex, address: string): Promise<void> {
    const { keys, random, clock } = this.#options;
    const session = new RoundsServerSession({ keys, random, serverRound: () => this.#rounds.lastNumber });
    const member = new Member(session, duplex, address, clock);
    this.#connections.add(member);
    const leavePlace = this.#admission.enter(address, () => duplex.close());
    const cancelDeadline = clock.after(ROUNDS_HANDSHAKE_TIMEOUT_MS, () => duplex.close());
    let reason: CloseReason | "cut" = "cut";
    let failure: unknown;
    const endHandshake = () => {
      leavePlace();
      cancelDeadline();
    };
    try {
      const buffer = new Uint8Array(READ_SIZE);
      for (let size; session.state !== "closed" && (size = await duplex.read(buffer)) !== null;) {
        for (const event of await session.receive(buffer.subarray(0, size))) {
          if (event.kind === "data" && event.isFirst) endHandshake();
          if (event.kind === "closed") reason = event.reason;
          this.#handle(member, event);
        }
        await member.flush();
      }
    } catch (error) {
      failure = error;
    }
    endHandshake();
    this.#leave(member, member.closeReason ?? reason);
    // A protocol error is told here alone; a lost line is everyday, save where nobody had come yet.
    if (failure instanceof ProtocolError || codeOf(failure) !== undefined) this.#report(member, failure);
    await member.finish();
    this.#connections.delete(member);
  }

  /** Ends every session with a word, and every connection. */
  async stop(reason: CloseReason = "done"): Promise<void> {
    await Promise.all([...this.#connections].map((member) => member.close(reason)));
    this.#cancelTimer?.();
  }

  #handle(member: Member, event: RoundsServerEvent): void {
    if (event.kind !== "data") return;
    if (event.isFirst) this.#join(member);
    this.#finish(this.#rounds.take(member, event.text, this.#options.clock.nowMs()));
  }

  #join(member: Member): void {
    const older = this.#members.get(member.id!);
    if (older !== undefined) {
      this.#leave(older, "superseded");
      void older.close("superseded");
    }
    this.#members.set(member.id!, member);
    this.#options.onEvent({ kind: "joined", id: member.id!, address: member.address });
  }

  #leave(member: Member, reason: CloseReason | "cut"): void {
    if (member.id === undefined || this.#members.get(member.id) !== member) return;
    this.#members.delete(member.id);
    this.#options.onEvent({ kind: "left", id: member.id, reason });
    this.#finish(this.#rounds.leave(member, this.#options.clock.nowMs()));
  }

  #finish(rounds: readonly ClosedRound<Member>[]): void {
    for (const round of rounds) {
      // Before anybody is answered: who reads of a round may send the next value at once.
      this.#options.onEvent({
        kind: "round",
        number: round.number,
        product: round.product,
        sums: Object.fromEntries(round.sums.map(({ member, sum }) => [member.id!, sum])),
        late: round.late.map((member) => member.id!),
      });
      for (const { member, sum } of round.sums) {
        void member.answer({
          serverRound: round.number,
          sum,
          product: round.product,
          clients: round.sums.length,
        });
      }
      for (const member of round.late) {
        this.#leave(member, "late");
        void member.close("late");
      }
    }
    this.#armTimer();
  }

  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const atMs = this.#rounds.nextTimeoutMs();
    if (atMs === undefined) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(Math.max(0, atMs - clock.nowMs()), () => {
      this.#finish(this.#rounds.handleTimeout(clock.nowMs()));
    });
  }

  #report(member: Member, error: unknown): void {
    this.#options.onEvent({ kind: "failed", id: member.id, address: member.address, error });
  }
}

/** One connection, and the session on it. */
class Member {
  readonly address: string;
  closeReason: CloseReason | undefined;
  readonly #session: RoundsServerSession;
  readonly #duplex: Duplex;
  readonly #clock: Clock;
  #writing: Promise<void> = Promise.resolve();

  constructor(session: RoundsServerSession, duplex: Duplex, address: string, clock: Clock) {
    this.#session = session;
    this.#duplex = duplex;
    this.address = address;
    this.#clock = clock;
  }

  /** The client, once it has proved who it is. */
  get id(): string | undefined {
    return this.#session.id;
  }

  /** Writes what the session has to say; a peer that does not take it in time is cut. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      for (const bytes of this.#session.takeOutput()) {
        const cancel = this.#clock.after(ROUNDS_WRITE_TIMEOUT_MS, () => this.#duplex.close());
        await this.#duplex.write(bytes).finally(cancel);
      }
    }).catch(() => this.#duplex.close());
    return this.#writing;
  }

  async answer(aggregate: Parameters<RoundsServerSession["answer"]>[0]): Promise<void> {
    await this.#session.answer(aggregate);
    await this.flush();
  }

  async close(reason: CloseReason): Promise<void> {
    this.closeReason ??= reason;
    await this.#session.close(reason);
    await this.finish();
  }

  /** Ends the connection once everything is said. */
  async finish(): Promise<void> {
    await this.flush();
    try {
      await this.#duplex.closeWrite();
    } catch {
      // The peer has gone already.
    }
    this.#duplex.close();
  }
}
