/**
 * How a case about an open session is made: a conversation that is written down.
 * @module
 */
import { type Case, comes, goes, inSession, printed, type PrintedAlert, type Step } from "./cases.ts";
import { CLIENT_SEED } from "./handshake_cases.ts";
import * as m from "./messages.ts";
import { type Bytes, ed25519Public, hex, number, pseudorandom, type SuiteNumber } from "./primitives.ts";

const OURS = pseudorandom("traffic secret of the end that a case is about", 32);
/** Traffic secret of the peer's records. */
export const THEIRS = pseudorandom("traffic secret of its peer", 32);

/** What a session is, beside its two secrets. */
export interface SessionShape {
  readonly suite: SuiteNumber;
  /** Of both directions. */
  readonly first: number;
  readonly windowRecords: number;
  readonly windowBytes: number;
}

/** A conversation with a session while it is written down. */
export class Talk {
  readonly #shape: SessionShape;
  /** The peer's records and the session's own. */
  readonly peer: m.Direction;
  readonly own: m.Direction;
  readonly steps: Step[] = [];

  constructor(shape: Partial<SessionShape>) {
    this.#shape = { suite: 1, first: 0, windowRecords: 256, windowBytes: 16_777_216, ...shape };
    const { suite, first } = this.#shape;
    this.peer = new m.Direction(suite, THEIRS, first);
    this.own = new m.Direction(suite, OURS, first);
  }

  get setup(): unknown {
    const { suite, first, windowRecords, windowBytes } = this.#shape;
    return {
      suite,
      send_secret_0: hex(OURS),
      receive_secret_0: hex(THEIRS),
      first_sequence: first,
      window_records: windowRecords,
      window_bytes: windowBytes,
      peer: hex(ed25519Public(CLIENT_SEED)),
    };
  }

  /** A record comes as it should, and its message is handed on if it is not the session's own. */
  hears(each: m.Message, ack: number): Bytes {
    const record = this.peer.record(each, ack);
    this.comes(record, ...(each.type < 16 && each.type !== m.MESSAGES.rotation ? [] : [each]));
    return record;
  }

  comes(bytes: Bytes, ...gives: readonly m.Message[]): void {
    this.steps.push(comes(bytes, ...gives));
  }

  /** The session sends a record by itself. */
  answers(each: m.Message, ack: number): Bytes {
    const record = this.own.record(each, ack);
    this.steps.push(goes(record));
    return record;
  }

  /** Its user has something to send. */
  says(each: m.Message, ack: number): Bytes {
    this.steps.push({ say: printed(each) });
    return this.answers(each, ack);
  }

  at(ms: number): void {
    this.steps.push({ at: ms });
  }
}

/** Some message that is handed on. */
export const OFFER = m.message("data", m.data(0, pseudorandom("block", 20)));

/** A case whose last word, if there is one, is an alert that acknowledges `ack`. */
export function session(
  name: string,
  error: string | null,
  alert: { readonly number: number; readonly ack: number } | null,
  body: (talk: Talk) => void,
  shape: Partial<SessionShape> = {},
): Case {
  const talk = new Talk(shape);
  body(talk);
  if (alert !== null) talk.answers(m.message("alert", number(alert.number, 1)), alert.ack);
  const told: PrintedAlert | null = alert === null ? null : inSession(alert.number);
  return { name, end: "session", setup: talk.setup, steps: talk.steps, error, alert: told };
}

/** How a record that an attacker has changed ends a session. */
export function badRecord(ack = 0) {
  return ["bad_record", { number: 6, ack }] as const;
}

/** How a record in the wrong place ends a session. */
export function badSequence(ack: number) {
  return ["bad_sequence", { number: 6, ack }] as const;
}

/** How something that cannot be read ends a session. */
export function malformed(ack: number) {
  return ["malformed", { number: 5, ack }] as const;
}

/** How noise, silence and cuts end a session. */
export const LOST = ["connection_lost", null] as const;
/** The session goes on. */
export const FINE = [null, null] as const;
