/**
 * A client of a rounds server over a connection: one value out, one aggregate back, again and again.
 * @module
 */
import { StxError } from "../errors.ts";
import { ROUNDS_HANDSHAKE_TIMEOUT_MS } from "../limits.ts";
import type { Clock, Duplex } from "../ports.ts";
import { RoundsClient, type RoundsClientEvent, type RoundsClientOptions } from "../rounds/client.ts";
import type { Aggregate, CloseReason } from "../rounds/messages.ts";

const READ_SIZE = 64 * 1024;

/** The server has ended the session, and said why. */
export class ClosedByServer extends StxError {
  /** Its reason. */
  readonly reason: CloseReason;

  /** The message says it in words. */
  constructor(reason: CloseReason) {
    super("rejected", REASONS[reason]);
    this.name = "ClosedByServer";
    this.reason = reason;
  }
}

/** A session with a rounds server. Made by {@link joinRounds}. */
export class RoundsMembership {
  readonly #session: RoundsClient;
  readonly #duplex: Duplex;
  readonly #buffer = new Uint8Array(READ_SIZE);
  /** What the bytes come to that were read last. */
  #events: Iterator<RoundsClientEvent, void> = [][Symbol.iterator]();
  /** The event that is waited for, by {@link ended} and {@link round} alike. */
  #coming: Promise<RoundsClientEvent> | undefined;
  /** Why there is no session any more: the server's word, or what went wrong. */
  #end: { readonly error: unknown } | undefined;

  /** Use {@link joinRounds}. */
  constructor(session: RoundsClient, duplex: Duplex) {
    this.#session = session;
    this.#duplex = duplex;
  }

  /**
   * Sends a value for the next round and waits for what became of it. Rejects with `rejected` where the server ends
   * the session with a reason, `connection_lost` where it goes without one, or a `ProtocolError`: `StateError` or
   * `LimitError` with the session as it was where the value cannot be sent, any other where the server's packet was
   * wrong, which has ended the connection.
   */
  async round(text: string): Promise<Aggregate> {
    // It may have come with the last aggregate.
    if (this.#end === undefined && this.#coming === undefined) this.#nextEvent();
    this.#throwIfEnded();
    this.#session.sendData(text);
    await this.flush();
    const event = await this.#event();
    if (event.kind === "aggregate") return event.aggregate;
    this.#throwIfEnded();
    throw new Error(`Cannot happen: ${event.kind} in place of an aggregate`);
  }

  /**
   * Rejects, as {@link round} does, when the server ends the session while no value is on its way; never resolves. May be
   * called between any two rounds, and left alone.
   */
  async ended(): Promise<never> {
    this.#throwIfEnded();
    await this.#event();
    this.#throwIfEnded();
    return await new Promise<never>(() => {});
  }

  /** Says goodbye and hangs up. */
  async close(): Promise<void> {
    try {
      this.#session.close();
      await this.flush();
      await this.#duplex.closeWrite();
    } catch {
      // The server was quicker.
    } finally {
      this.#duplex.close();
    }
  }

  /** Writes what the session has to say. Where the server has gone, its last word may be there to read. */
  async flush(): Promise<void> {
    try {
      for (const bytes of this.#session.takeOutput()) await this.#duplex.write(bytes);
    } catch {
      // Reading tells.
    }
  }

  #throwIfEnded(): void {
    if (this.#end !== undefined) throw this.#end.error;
  }

  #event(): Promise<RoundsClientEvent> {
    this.#coming ??= this.next().finally(() => this.#coming = undefined);
    return this.#coming;
  }

  /** The next event of the session. */
  async next(): Promise<RoundsClientEvent> {
    for (;;) {
      const event = this.#nextEvent();
      if (event !== undefined) return event;
      // A line that is lost is one that ends.
      const size = await this.#duplex.read(this.#buffer).catch(() => null);
      if (size === null) {
        const error = this.endWithoutClose();
        this.#end = { error };
        throw error;
      }
      this.#events = this.#session.receive(this.#buffer.subarray(0, size));
    }
  }

  /** What an end of the stream is that no CLOSE came before: a cut, and never the server's word. */
  protected endWithoutClose(): StxError {
    return new StxError("connection_lost", GONE, {
      hint: "it was stopped, or the line was cut: the same command joins again",
    });
  }

  #nextEvent(): RoundsClientEvent | undefined {
    try {
      const event = this.#events.next().value ?? undefined;
      if (event?.kind === "closed") {
        this.#end = { error: new ClosedByServer(event.reason) };
      }
      return event;
    } catch (error) {
      this.#end = { error };
      this.#duplex.close();
      throw error;
    }
  }
}

const GONE = "The server ended the connection without a word";

const REASONS = {
  done: "The server has ended the session: it holds no more rounds",
  late: "The value did not come before the round's deadline",
  superseded: "A newer session of this client has begun",
  full: "The server has no room",
} as const;

/** What a membership is made of; the simulator's controls have others. */
export interface RoundsParts {
  /** Begins a session. */
  readonly startSession: (options: RoundsClientOptions) => RoundsClient;
  /** Makes the membership around it. */
  readonly makeMembership: (session: RoundsClient, duplex: Duplex) => RoundsMembership;
}

/** The ones that every client has. */
export const OWN_ROUNDS_PARTS: RoundsParts = {
  startSession: (options) => RoundsClient.start(options),
  makeMembership: (session, duplex) => new RoundsMembership(session, duplex),
};

/**
 * Opens a session over `duplex`, which is closed if that fails. Rejects with a `ProtocolError`, or `connection_lost`
 * where the server goes, or does not answer within 10 s.
 */
export async function joinRounds(
  duplex: Duplex,
  options: RoundsClientOptions,
  clock: Clock,
  parts = OWN_ROUNDS_PARTS,
): Promise<RoundsMembership> {
  let isLate = false;
  const cancel = clock.after(ROUNDS_HANDSHAKE_TIMEOUT_MS, () => {
    isLate = true;
    duplex.close();
  });
  try {
    const membership = parts.makeMembership(parts.startSession(options), duplex);
    await membership.flush();
    await membership.next();
    return membership;
  } catch (error) {
    duplex.close();
    // A server has no word for those whom it does not know.
    if (!isLate && error instanceof StxError && error.message === GONE) {
      throw new StxError("connection_lost", GONE, {
        hint:
          `if it was not stopped just now, it does not take this key: where the key file is an old copy, or ` +
          `${options.id} was revoked or enrolled anew, ${options.id} has to be enrolled again`,
      });
    }
    if (!isLate) throw error;
    const seconds = ROUNDS_HANDSHAKE_TIMEOUT_MS / 1000;
    throw new StxError("connection_lost", `The server did not answer within ${seconds} seconds`);
  } finally {
    cancel();
  }
}
