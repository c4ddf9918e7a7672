/**
 * The sending half of an open session: seals messages into records several at a time, gives them out in order,
 * keeps each record's bytes until they are acknowledged and repeats those very bytes when asked.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { release } from "../bytes/memory.ts";
import { StxError } from "../errors.ts";
import {
  EARLY_RECORDS,
  EARLY_SIZE_MAX,
  NAK_SAME_MAX,
  NAK_SESSION_MAX,
  SEQUENCE_END,
  TAG_SIZE,
  WINDOW_CONTROL_RECORDS,
} from "../limits.ts";
import type { SessionLimits } from "../wire/handshake_messages.ts";
import { isControl, MESSAGE_HEADER_SIZE, type MessageType, writeMessageHeader } from "../wire/message.ts";
import { RECORD_OVERHEAD, recordHeader, recordParts } from "../wire/record.ts";
import type { TrafficKeys } from "./traffic_keys.ts";

/** A record from the moment its number is claimed until it is acknowledged. */
export interface OutgoingRecord {
  /** Its number. */
  readonly sequence: number;
  /** Bytes of the whole of it. */
  readonly sizeBytes: number;
  /** The wire bytes; absent while the seal is under way. */
  parts: readonly Bytes[] | undefined;
  /** Whether it was given out more than once, so that somebody may still be writing it when it is acknowledged. */
  isRepeated: boolean;
}

/** What a client may have in flight before READY allows more. */
export const EARLY_LIMITS: SessionLimits = {
  windowRecords: EARLY_RECORDS,
  windowSizeBytes: EARLY_SIZE_MAX,
};

/** See the module's text. */
export class RecordSender {
  readonly #keys: TrafficKeys;
  readonly #onOutput: () => void;
  #limits: SessionLimits;
  #nextSequence: number;
  /** Not acknowledged, in order; those not given out yet are at the end. */
  readonly #inFlight: OutgoingRecord[] = [];
  #inFlightSizeBytes = 0;
  /** How many of `#inFlight`, from its start, were given out. */
  #givenOut = 0;
  /** Where to start again after a NAK; `undefined` if nothing is to be repeated. */
  #repeatFrom: number | undefined;
  #closed = false;
  #failure: unknown;
  #nakSequence = -1;
  #nakSame = 0;
  #nakCount = 0;

  /**
   * @param onOutput called when {@link takeOutput} has something new to give
   * @param firstSequence 0, save in tests of a session's later part
   */
  constructor(keys: TrafficKeys, limits: SessionLimits, onOutput: () => void, firstSequence = 0) {
    this.#keys = keys;
    this.#limits = limits;
    this.#onOutput = onOutput;
    this.#nextSequence = firstSequence;
  }

  /** The next record's sequence number: so many were claimed. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Records whose seal is under way or which nobody has taken yet. */
  get waitingCount(): number {
    return this.#inFlight.length - this.#givenOut;
  }

  /** Bytes of the records that are not acknowledged. */
  get inFlightSizeBytes(): number {
    return this.#inFlightSizeBytes;
  }

  /** READY raises what may be in flight. */
  raiseLimits(limits: SessionLimits): void {
    this.#limits = limits;
  }

  /** Says whether a record of `plaintextSizeBytes` fits into the window. One always fits into an empty window. */
  hasRoom(plaintextSizeBytes: number): boolean {
    if (this.#closed || this.#inFlight.length === 0) return true;
    return this.#inFlight.length < this.#limits.windowRecords &&
      this.#inFlightSizeBytes + plaintextSizeBytes + RECORD_OVERHEAD <= this.#limits.windowSizeBytes;
  }

  /** Whether the sequence numbers are nearly used up: time to close, connect again and resume. */
  get isNearlyUsedUp(): boolean {
    return this.#nextSequence >= SEQUENCE_END - 2 * WINDOW_CONTROL_RECORDS;
  }

  /**
   * Claims the next sequence number and starts to seal. The plaintext's first five bytes are written here; its
   * buffer may be used again as soon as the call returns. Throws `connection_lost` where no number is left, and
   * `unexpected_message` after CLOSE.
   */
  send(type: MessageType, plaintext: Bytes, acknowledged: number): void {
    if (this.#closed) {
      // What keeps a session going has no purpose any more; only a message would be lost.
      if (isControl(type)) return;
      throw new StxError("unexpected_message", `Cannot send ${type}: this direction is closed`);
    }
    if (this.#nextSequence >= SEQUENCE_END) {
      throw new StxError("connection_lost", "Cannot send: the session's sequence numbers are used up");
    }
    if (isControl(type) && this.#inFlight.length >= this.#limits.windowRecords + WINDOW_CONTROL_RECORDS) {
      // Without an acknowledgement for so long, the peer does not listen; an ack or a ping is no loss.
      if (type === "ack" || type === "ping") return;
    }
    // Throws where the keys are erased; no number may be claimed then.
    const key = this.#keys.at(this.#nextSequence);
    const sequence = this.#nextSequence++;
    if (type === "close") this.#closed = true;
    writeMessageHeader(plaintext, type, acknowledged);
    const record: OutgoingRecord = {
      sequence,
      sizeBytes: plaintext.length + RECORD_OVERHEAD,
      parts: undefined,
      isRepeated: false,
    };
    this.#inFlight.push(record);
    this.#inFlightSizeBytes += record.sizeBytes;
    const header = recordHeader(sequence, plaintext.length);
    if (key instanceof Promise) {
      const copy = plaintext.slice();
      this.#finish(record, header, key.then((ready) => ready.seal(sequence, header, copy)));
    } else {
      this.#finish(record, header, key.seal(sequence, header, plaintext));
    }
  }

  async #finish(record: OutgoingRecord, header: Bytes, sealing: Promise<Bytes>): Promise<void> {
    try {
      const sealed = await sealing;
      if (sealed.length !== record.sizeBytes - RECORD_OVERHEAD + TAG_SIZE) {
        throw new Error("The cipher gave another size than it must");
      }
      record.parts = recordParts(header, sealed);
    } catch (cause) {
      this.#failure = cause;
    }
    this.#onOutput();
  }

  /** The wire bytes that are ready, in order. Throws if a seal failed. */
  takeOutput(): readonly Bytes[] {
    if (this.#failure !== undefined) throw this.#failure;
    const output: Bytes[] = [];
    if (this.#repeatFrom !== undefined) {
      for (const record of this.#inFlight.slice(0, this.#givenOut)) {
        if (record.sequence < this.#repeatFrom) continue;
        record.isRepeated = true;
        output.push(...this.repetitionOf(record));
      }
      this.#repeatFrom = undefined;
    }
    while (this.#givenOut < this.#inFlight.length) {
      const record = this.#inFlight[this.#givenOut]!;
      if (record.parts === undefined) break;
      output.push(...record.parts);
      this.#givenOut += 1;
    }
    return output;
  }

  /** What goes out when a record is asked for again: the very bytes that went out before, sealed once and for all. */
  protected repetitionOf(record: OutgoingRecord): readonly Bytes[] {
    return record.parts!;
  }

  /** Throws `malformed` for an acknowledgement of records that nobody can have seen yet. */
  protected checkAcknowledged(upTo: number): void {
    if (upTo <= this.#nextSequence - this.waitingCount) return;
    throw new StxError(
      "malformed",
      `Cannot accept an acknowledgement up to ${upTo}: only ${this.#nextSequence} were sent`,
    );
  }

  /** Lets go of what the peer has. A lower number than known is ignored; one never sent is `malformed`. */
  acknowledge(upTo: number): void {
    this.checkAcknowledged(upTo);
    let count = 0;
    while (count < this.#inFlight.length && this.#inFlight[count]!.sequence < upTo) {
      const record = this.#inFlight[count]!;
      this.#inFlightSizeBytes -= record.sizeBytes;
      if (!record.isRepeated) { for (const part of record.parts ?? []) release(part); }
      count += 1;
    }
    this.#inFlight.splice(0, count);
    this.#givenOut -= count;
  }

  /**
   * The peer asks for everything from `sequence` on again. Throws `malformed` if it was acknowledged before or
   * never sent, `connection_lost` if the line is too bad to go on.
   */
  repeatFrom(sequence: number): void {
    const oldest = this.#inFlight[0]?.sequence ?? this.#nextSequence;
    if (sequence < oldest) {
      throw new StxError("malformed", `Cannot repeat record ${sequence}: the oldest kept is ${oldest}`);
    }
    this.acknowledge(sequence);
    this.#nakSame = sequence === this.#nakSequence ? this.#nakSame + 1 : 1;
    this.#nakSequence = sequence;
    this.#nakCount += 1;
    if (this.#nakSame > NAK_SAME_MAX || this.#nakCount > NAK_SESSION_MAX) {
      throw new StxError(
        "connection_lost",
        `The line is too noisy: record ${sequence} was asked for ${this.#nakSame} times, ${this.#nakCount} repetitions in all`,
      );
    }
    this.#repeatFrom = sequence;
    this.#onOutput();
  }
}

/** A plaintext with room for its header before `body`. */
export function plaintextOf(body: Bytes): Bytes {
  const plaintext = new Uint8Array(MESSAGE_HEADER_SIZE + body.length);
  plaintext.set(body, MESSAGE_HEADER_SIZE);
  return plaintext;
}
