/**
 * A rounds server over connections: each session by itself, their values gathered into rounds.
 * @module
 */
import {
  DRAIN_TIMEOUT_MS,
  ROUNDS_CLIENTS_MAX,
  ROUNDS_HANDSHAKE_TIMEOUT_MS,
  ROUNDS_HANDSHAKES_MAX,
  ROUNDS_WRITE_TIMEOUT_MS,
} from "../limits.ts";
import type { Clock, Duplex, Random, RoundsKeyStore } from "../ports.ts";
import { LimitError, ProtocolError } from "../rounds/errors.ts";
import type { CloseReason } from "../rounds/messages.ts";
import { type ClosedRound, Rounds, type RoundsOptions } from "../rounds/rounds.ts";
import { type RoundsServerEvent, type RoundsServerOptions, RoundsServerSession } from "../rounds/server.ts";
import { Admission } from "./admission.ts";
import { type FailureCount, FailureCounts } from "./failure_counts.ts";

/** What a server needs to know. */
export interface RoundsServiceOptions extends RoundsOptions {
  readonly keys: RoundsKeyStore;
  readonly random: Random;
  readonly clock: Clock;
  /**
   * Told of every round as it closes, of clients that come and go, and of packets that were wrong. May stop the service;
   * must not throw.
   */
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
    /** The client that has proved who it is. */
    readonly id: string | undefined;
    /** The name under which it came, proved or not: escape it before printing. */
    readonly claimedId: string | undefined;
    readonly address: string;
    readonly error: unknown;
    /** How often this kind of error has come in the name of this client, this time counted. */
    readonly count: number;
  };

/** One read from the socket. A packet is 128 KiB at most, and one waits for the other. */
const READ_SIZE = 64 * 1024;
/** The same of a stranger: HELLO has 160 bytes at most. */
const HELLO_READ_SIZE = 512;

/** See the module's text. */
export class RoundsService {
  readonly #options: RoundsServiceOptions;
  readonly #rounds: Rounds<Member>;
  readonly #admission: Admission;
  /** Sessions that have returned their challenge: one for each client. */
  readonly #members = new Map<string, Member>();
  readonly #connections = new Set<Member>();
  readonly #failures = new FailureCounts();
  #helloCount = 0;
  #cancelTimer: (() => void) | undefined;
  /** The end of the round that the timer waits for. */
  #armedForMs: number | undefined;
  #isStopping = false;

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

  /** Packets that were wrong, and other failures, so far. */
  get failures(): readonly FailureCount[] {
    return this.#failures.list();
  }

  /**
   * Serves one connection to its end; never rejects.
   * @param address the peer's IP address
   */
  async serve(duplex: Duplex, address: string): Promise<void> {
    if (this.#isStopping) return duplex.close();
    const { keys, random, clock } = this.#options;
    const session = this.makeSession({ keys, random, serverRound: () => this.#rounds.lastNumber });
    const member = new Member(session, duplex, address, clock);
    this.#connections.add(member);
    const leavePlace = this.#admission.enter(address, () => duplex.close());
    const cancelDeadline = clock.after(ROUNDS_HANDSHAKE_TIMEOUT_MS, () => duplex.close());
    const endHandshake = () => {
      leavePlace();
      cancelDeadline();
    };
    let hasFailed = false;
    const buffer = new Uint8Array(READ_SIZE);
    try {
      while (session.state !== "closed") {
        // A line that is lost is one that ends.
        const size = await duplex.read(
          session.state === "waitHello" ? buffer.subarray(0, HELLO_READ_SIZE) : buffer,
        ).catch(() => null);
        if (size === null) break;
        for (const event of session.receive(buffer.subarray(0, size))) {
          if (event.kind === "data" && event.isFirst) endHandshake();
          this.#handle(member, event);
        }
        await member.flush();
      }
    } catch (error) {
      hasFailed = true;
      this.#report(member, error);
    }
    endHandshake();
    this.#leave(member, "cut");
    await member.finish();
    // What the peer still sends would reset the line, and our last word might be lost with that.
    while (!hasFailed && await duplex.read(buffer).catch(() => null) !== null);
    member.hangUp();
    this.#connections.delete(member);
  }

  /** Ends every session with a word, and every connection in a moment. A round that is open is given up. */
  async stop(reason: CloseReason = "done"): Promise<void> {
    this.#isStopping = true;
    this.#cancelTimer?.();
    const members = [...this.#connections];
    for (const member of members) this.#end(member, reason);
    await Promise.all(members.map((member) => member.finish()));
  }

  #handle(member: Member, event: RoundsServerEvent): void {
    if (event.kind === "hello") member.number = ++this.#helloCount;
    if (event.kind === "closed") this.#leave(member, event.reason);
    if (event.kind !== "data") return;
    if (event.isFirst && !this.#join(member)) return;
    this.#finish(this.#rounds.take(member, event.text, this.#options.clock.nowMs()));
  }

  /** Makes a session its client's one; says whether it has become that. */
  #join(member: Member): boolean {
    const id = member.id!;
    const other = this.#members.get(id);
    // Sessions return their challenges in any order; the newer one is the one whose HELLO was taken later.
    if (other !== undefined && other.number > member.number) {
      member.session.close("superseded");
      return false;
    }
    if (other !== undefined) {
      this.supersede(id);
    } else if (this.#members.size >= ROUNDS_CLIENTS_MAX) {
      // The session of a client that was revoked goes on, so that there may be more of them than are enrolled.
      member.session.close("full");
      throw new LimitError(`Cannot take ${id}: ${ROUNDS_CLIENTS_MAX} clients are there`);
    }
    this.#members.set(id, member);
    this.#options.onEvent({ kind: "joined", id, address: member.address });
    return true;
  }

  /** Ends the older session of a client, so that each client is there once. */
  protected supersede(id: string): void {
    const older = this.#members.get(id)!;
    this.#end(older, "superseded");
    void older.finish();
  }

  /** Makes a connection's session; the simulator's controls have others. */
  protected makeSession(options: RoundsServerOptions): RoundsServerSession {
    return new RoundsServerSession(options);
  }

  /** Ends a session with a word that is still to be written. */
  #end(member: Member, reason: CloseReason): void {
    member.session.close(reason);
    this.#leave(member, reason);
  }

  /** A member has gone; nothing happens the second time. */
  #leave(member: Member, reason: CloseReason | "cut"): void {
    if (member.id === undefined || this.#members.get(member.id) !== member) return;
    this.#members.delete(member.id);
    this.#options.onEvent({ kind: "left", id: member.id, reason });
    if (!this.#isStopping) this.#finish(this.#rounds.leave(member, this.#options.clock.nowMs()));
  }

  #finish(rounds: readonly ClosedRound<Member>[]): void {
    for (const round of rounds) {
      if (this.#isStopping) return;
      const { number, product, sums, late } = round;
      // Sealed before the round is told of, since whoever hears of it may stop everything; written behind it, since
      // whoever reads its answer may send the next value at once.
      for (const { member, sum } of sums) {
        member.session.answer({ serverRound: number, sum, product, clients: sums.length });
      }
      this.#options.onEvent({
        kind: "round",
        number,
        product,
        sums: Object.fromEntries(sums.map(({ member, sum }) => [member.id!, sum])),
        late: late.map((member) => member.id!),
      });
      for (const { member } of sums) void member.flush();
      for (const member of late) {
        this.#end(member, "late");
        void member.finish();
      }
    }
    if (!this.#isStopping) this.#armTimer();
  }

  #armTimer(): void {
    const atMs = this.#rounds.nextTimeoutMs();
    // A timer that is armed stays: armed anew, a clock that was set meanwhile would move the round's end.
    if (this.#cancelTimer !== undefined && atMs === this.#armedForMs) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#armedForMs = atMs;
    if (atMs === undefined) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(Math.max(0, atMs - clock.nowMs()), () => {
      this.#cancelTimer = undefined;
      const nowMs = clock.nowMs();
      // Timers may be a moment early, and a clock may have been set back: this round is over all the same, and the next
      // one has its time by the clock as it is now.
      this.#finish(this.#rounds.handleTimeout(nowMs, Math.max(atMs, nowMs)));
    });
  }

  #report(member: Member, error: unknown): void {
    const { id, address, session: { claimedId } } = member;
    const name = id ?? (this.#isEnrolled(claimedId) ? claimedId : undefined);
    const count = this.#failures.add(name, error instanceof ProtocolError ? error.kind : "other");
    this.#options.onEvent({ kind: "failed", id, claimedId, address, error, count });
  }

  #isEnrolled(id: string | undefined): boolean {
    if (id === undefined) return false;
    try {
      const known = this.#options.keys.find(id);
      known?.root.fill(0);
      return known !== undefined;
    } catch {
      // A memory that cannot be read has been the error itself.
      return false;
    }
  }
}

/** One connection, and the session on it. */
class Member {
  readonly address: string;
  readonly session: RoundsServerSession;
  /** Counts the HELLOs that were taken: a larger one is of a newer session. */
  number = 0;
  readonly #duplex: Duplex;
  readonly #clock: Clock;
  #writing: Promise<void> = Promise.resolve();
  #cancelEnd: (() => void) | undefined;

  constructor(session: RoundsServerSession, duplex: Duplex, address: string, clock: Clock) {
    this.session = session;
    this.#duplex = duplex;
    this.address = address;
    this.#clock = clock;
  }

  /** The client, once it has proved who it is. */
  get id(): string | undefined {
    return this.session.id;
  }

  /** Writes what the session has to say; a peer that does not take it in time is cut. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      for (const bytes of this.session.takeOutput()) {
        const cancel = this.#clock.after(ROUNDS_WRITE_TIMEOUT_MS, () => this.#duplex.close());
        await this.#duplex.write(bytes).finally(cancel);
      }
    }).catch(() => this.#duplex.close());
    return this.#writing;
  }

  /** Says what is left to say; the connection ends when the peer hangs up, or in a moment. */
  async finish(): Promise<void> {
    this.#cancelEnd ??= this.#clock.after(DRAIN_TIMEOUT_MS, () => this.#duplex.close());
    await this.flush();
    try {
      await this.#duplex.closeWrite();
    } catch {
      // The peer has gone already.
    }
  }

  /** Ends the connection. */
  hangUp(): void {
    this.#cancelEnd?.();
    this.#duplex.close();
  }
}
