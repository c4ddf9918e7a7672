/**
 * The receiving half of an open session: takes records in order, asks once for those that line noise damaged,
 * opens several at a time and gives them out in order. Its checks come in this order, and the first that fails
 * decides: size, whole record, CRC, sequence, tag, content.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import {
  NAK_SESSION_MAX,
  RECORD_STALL_MS,
  RECORD_TIMEOUT_MS,
  RESYNC_TIMEOUT_MS,
  SEQUENCE_END,
  WINDOW_SIZE_BYTES,
} from "../limits.ts";
import { decodeMessage, type Message } from "../wire/message.ts";
import { type AssembledRecord, RecordAssembler } from "../wire/record.ts";
import type { TrafficKeys } from "./traffic_keys.ts";

/** A message that is authentic and next in order. */
export interface ReceivedMessage extends Message {
  readonly sequence: number;
  /** The peer's next expected sequence number. */
  readonly acknowledged: number;
}

/** What came of some bytes. */
export interface Received {
  /** Opening, in order; each resolves to its message or rejects with `bad_record`, `malformed`. */
  readonly messages: readonly Promise<ReceivedMessage>[];
  /** Sequence numbers to ask for again, one NAK each; at most one, since its answer brings all that is missing. */
  readonly naks: readonly number[];
  /**
   * What ended the session behind those messages, or `undefined`: `bad_sequence` for an intact record that is
   * not the next one, `connection_lost` where the line gives no usable records any more.
   */
  readonly failure: unknown;
}

/** As much is passed over at most before the line counts as useless: what both windows may have under way. */
const DISCARDED_SIZE_MAX = 2 * WINDOW_SIZE_BYTES;

/** See the module's text. */
export class RecordReceiver {
  readonly #keys: TrafficKeys;
  readonly #assembler = new RecordAssembler();
  #expected: number;
  /** When the search for an intact record began; `undefined` outside it. */
  #resyncSinceMs: number | undefined;
  /** Bytes passed over since the last record that was taken. */
  #discardedBytes = 0;
  #nakCount = 0;
  /** The number that was asked for last. */
  #lastAsked: number | undefined;
  /** The first number that was asked for more than once, so that records from there on may come again. */
  #askedAgainFrom: number | undefined;
  /** When the first byte of a record that is not whole yet arrived. */
  #partialSinceMs: number | undefined;
  /** When the last byte arrived. */
  #lastBytesMs = 0;

  /** @param firstSequence 0, save in tests of a session's later part */
  constructor(keys: TrafficKeys, firstSequence = 0) {
    this.#keys = keys;
    this.#expected = firstSequence;
  }

  /** The number that the next record must have. */
  get expectedSequence(): number {
    return this.#expected;
  }

  /** Takes bytes as they arrived. After a failure it must not be called again. */
  receive(bytes: Bytes, nowMs: number): Received {
    this.#assembler.push(bytes);
    const messages: Promise<ReceivedMessage>[] = [];
    const naks: number[] = [];
    let failure: unknown;
    try {
      this.#takeRecords(messages, naks, nowMs);
    } catch (error) {
      // What is opening already came before it and stays valid.
      failure = error;
    }
    this.#lastBytesMs = nowMs;
    if (this.#assembler.pendingSizeBytes === 0) this.#partialSinceMs = undefined;
    else if (messages.length > 0 || this.#partialSinceMs === undefined) this.#partialSinceMs = nowMs;
    return { messages, naks, failure };
  }

  #takeRecords(messages: Promise<ReceivedMessage>[], naks: number[], nowMs: number): void {
    for (;;) {
      const record = this.#resyncSinceMs === undefined
        ? this.#assembler.next()
        : this.#search(this.#resyncSinceMs, nowMs, naks);
      if (record === undefined) return;
      if (record.kind === "badSize") {
        throw new StxError(
          "connection_lost",
          `A record of ${record.sizeBytes} bytes was announced: the line is damaged`,
        );
      }
      if (record.kind === "damaged") {
        this.#resyncSinceMs = nowMs;
        this.askAgain(naks);
      } else if (this.#isRepetition(record.sequence)) {
        this.#discard(record.header.length + record.sealed.length);
      } else {
        messages.push(this.#open(record));
        this.#discardedBytes = 0;
      }
    }
  }

  #search(sinceMs: number, nowMs: number, naks: number[]): AssembledRecord | undefined {
    const found = this.#assembler.findIntact(this.#expected);
    this.#discard(found.discardedBytes);
    // A damaged record with the awaited number is the repetition, hit again.
    if (found.damaged > 0) this.askAgain(naks);
    if (found.record !== undefined) this.#resyncSinceMs = undefined;
    else if (nowMs - sinceMs >= RESYNC_TIMEOUT_MS) this.#failResync();
    return found.record;
  }

  /** Asks for the record that was damaged. Throws `connection_lost` where too many were. */
  protected askAgain(naks: number[]): void {
    // All that is here was sent before the peer can have heard of it.
    if (naks.length > 0) return;
    this.#nakCount += 1;
    // The peer would give up as well; a peer that damages on purpose would have us keep NAKs without end.
    if (this.#nakCount > NAK_SESSION_MAX) {
      throw new StxError("connection_lost", `The line is too noisy: ${NAK_SESSION_MAX} records were damaged`);
    }
    if (this.#lastAsked === this.#expected) this.#askedAgainFrom ??= this.#expected;
    this.#lastAsked = this.#expected;
    naks.push(this.#expected);
  }

  /**
   * Damage can make another record look like the awaited one. It is then asked for once too often, and records
   * that are here already come again, intact. They are passed over unopened.
   */
  #isRepetition(sequence: number): boolean {
    return this.#askedAgainFrom !== undefined && sequence >= this.#askedAgainFrom &&
      sequence < this.#expected;
  }

  #discard(sizeBytes: number): void {
    this.#discardedBytes += sizeBytes;
    if (this.#discardedBytes > DISCARDED_SIZE_MAX) {
      throw new StxError("connection_lost", "The line is too noisy: a whole window held no intact record");
    }
  }

  #failResync(): never {
    throw new StxError("connection_lost", "The line is too noisy: no intact record came in time");
  }

  #open(record: AssembledRecord & { kind: "whole" }): Promise<ReceivedMessage> {
    const sequence = record.sequence;
    this.checkSequence(sequence, this.#expected);
    // Claimed here, before anything is awaited.
    this.#expected += 1;
    const key = this.#keys.at(sequence);
    if (key instanceof Promise) {
      const header = record.header.slice();
      const sealed = record.sealed.slice();
      return this.#decode(sequence, key.then((ready) => ready.open(sequence, header, sealed)));
    }
    return this.#decode(sequence, key.open(sequence, record.header, record.sealed));
  }

  async #decode(sequence: number, opening: Promise<Bytes | undefined>): Promise<ReceivedMessage> {
    const plaintext = await opening;
    if (plaintext === undefined) {
      throw new StxError(
        "bad_record",
        `Cannot open record ${sequence}: its authentication tag is wrong, so somebody changed it on the way`,
      );
    }
    return { sequence, ...decodeMessage(plaintext) };
  }

  /** Throws `bad_sequence` for a record that is not the next one. */
  protected checkSequence(sequence: number, expected: number): void {
    if (sequence === expected && sequence < SEQUENCE_END) return;
    throw new StxError("bad_sequence", `Cannot accept record ${sequence}: expected record ${expected}`);
  }

  /** The time up to now does not count: nobody was listening. */
  excuseSilence(nowMs: number): void {
    if (this.#resyncSinceMs !== undefined) this.#resyncSinceMs = nowMs;
    if (this.#partialSinceMs !== undefined) this.#partialSinceMs = nowMs;
    this.#lastBytesMs = nowMs;
  }

  /** When a record that has begun must be whole or go on, whichever comes first. */
  #partialUntilMs(): number {
    if (this.#partialSinceMs === undefined) return Infinity;
    return Math.min(this.#partialSinceMs + RECORD_TIMEOUT_MS, this.#lastBytesMs + RECORD_STALL_MS);
  }

  /** When {@link handleTimeout} must be called. */
  nextTimeoutMs(): number | undefined {
    const resync = this.#resyncSinceMs === undefined ? Infinity : this.#resyncSinceMs + RESYNC_TIMEOUT_MS;
    const next = Math.min(resync, this.#partialUntilMs());
    return next === Infinity ? undefined : next;
  }

  /** Throws `connection_lost` where a record or the search for one takes too long. */
  handleTimeout(nowMs: number): void {
    if (this.#resyncSinceMs !== undefined && nowMs >= this.#resyncSinceMs + RESYNC_TIMEOUT_MS) {
      this.#failResync();
    }
    if (nowMs >= this.#partialUntilMs()) {
      throw new StxError(
        "connection_lost",
        "A record that had begun did not go on, or took too long to be whole",
      );
    }
  }
}
