/**
 * A client of a rounds server over a connection: one value out, one aggregate back, again and again.
 * @module
 */
import { StxError } from "../errors.ts";
import { ROUNDS_HANDSHAKE_TIMEOUT_MS } from "../limits.ts";
import type { Clock, Duplex } from "../ports.ts";
import { RoundsClient, type RoundsClientEvent, type RoundsClientOptions } from "../rounds/client.ts";
import type { Aggregate } from "../rounds/messages.ts";

const READ_SIZE = 64 * 1024;

/** A session with a rounds server. Made by {@link joinRounds}. */
export class RoundsMembership {
  readonly #session: RoundsClient;
  readonly #duplex: Duplex;
  readonly #buffer = new Uint8Array(READ_SIZE);

  /** Use {@link joinRounds}. */
  constructor(session: RoundsClient, duplex: Duplex) {
    this.#session = session;
    this.#duplex = duplex;
  }

  /**
   * Sends a value for the next round and waits for what became of it. Rejects with `rejected` where the server ends
   * the session with a reason, `connection_lost` where it goes without one, or a `ProtocolError`.
   */
  async round(text: string): Promise<Aggregate> {
    await this.#session.sendData(text);
    await this.flush();
    const event = await this.next();
    if (event.kind !== "aggregate") throw closedBy(event);
    return event.aggregate;
  }

  /** Says goodbye and hangs up. */
  async close(): Promise<void> {
    try {
      await this.#session.close();
      await this.flush();
      await this.#duplex.closeWrite();
    } catch {
      // The server was quicker.
    } finally {
      this.#duplex.close();
    }
  }

  /** Writes what the session has to say. */
  async flush(): Promise<void> {
    for (const bytes of this.#session.takeOutput()) await this.#duplex.write(bytes);
  }

  /** The next event of the session. */
  async next(): Promise<RoundsClientEvent> {
    for (;;) {
      const size = await this.#duplex.read(this.#buffer);
      if (size === null) {
        throw new StxError("connection_lost", "The server ended the connection without a word", {
          hint:
            "its own log says why: a client that it does not know, or whose key file is an old copy, perhaps",
        });
      }
      // One packet is answered before the next is sent, so there is one event at most.
      const [event] = await this.#session.receive(this.#buffer.slice(0, size));
      if (event !== undefined) return event;
    }
  }
}

const REASONS = {
  done: "The server has ended the session: it holds no more rounds",
  late: "The value did not come before the round's deadline",
  superseded: "A newer session of this client has begun",
  full: "The server has no room",
} as const;

function closedBy(event: RoundsClientEvent): StxError {
  if (event.kind !== "closed") throw new Error(`Cannot happen: ${event.kind} in place of an aggregate`);
  return new StxError("rejected", REASONS[event.reason]);
}

/**
 * Opens a session over `duplex`, which is closed if that fails. Rejects with a `ProtocolError`, or `connection_lost`
 * where the server goes, or does not answer within 10 s.
 */
export async function joinRounds(
  duplex: Duplex,
  options: RoundsClientOptions,
  clock: Clock,
): Promise<RoundsMembership> {
  let isLate = false;
  const cancel = clock.after(ROUNDS_HANDSHAKE_TIMEOUT_MS, () => {
    isLate = true;
    duplex.close();
  });
  try {
    const membership = new RoundsMembership(await RoundsClient.start(options), duplex);
    await membership.flush();
    await membership.next();
    return membership;
  } catch (error) {
    duplex.close();
    if (!isLate) throw error;
    const seconds = ROUNDS_HANDSHAKE_TIMEOUT_MS / 1000;
    throw new StxError("connection_lost", `The server did not answer within ${seconds} seconds`);
  } finally {
    cancel();
  }
}
