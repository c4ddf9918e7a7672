/**
 * What a receiver hears and says: the transfer's messages in the order in which they may come.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { deferred } from "../bytes/deferred.ts";
import { StxError } from "../errors.ts";
import { OFFER_TIMEOUT_MS, PROGRESS_TIMEOUT_MS, STREAM_TIMEOUT_MS } from "../limits.ts";
import type { Clock } from "../ports.ts";
import { decodeOffset, encodeAccept, type Message, type MessageType } from "../wire/message.ts";
import type { TransferChannel } from "./channel.ts";
import { stateAfter, type TransferState } from "./transitions.ts";

/** Bytes that a sender reads in a millisecond at least, to compare what the receiver has with its source. */
const COMPARED_BYTES_PER_MS = 5_000;

/** See the module's text. One for each session. */
export class ReceiverMessages {
  readonly #channel: TransferChannel;
  #state: TransferState = "waitOffer";
  /** By which every wait is bounded; not before the first. */
  #clock: Clock | undefined;
  #patienceMs = PROGRESS_TIMEOUT_MS;

  constructor(channel: TransferChannel) {
    this.#channel = channel;
  }

  /** The OFFER: whoever has proved who it is must still say what it wants. Throws `connection_lost` if it does not. */
  async first(clock: Clock): Promise<Message> {
    this.#clock = clock;
    return await this.#next(OFFER_TIMEOUT_MS, "The sender did not say what it wants to send");
  }

  /** The content comes from a stream, which may pause for longer than files do. */
  expectStream(): void {
    this.#patienceMs = STREAM_TIMEOUT_MS;
  }

  /**
   * The next message; throws `unexpected_message` for one that may not come now, the channel's failure, and
   * `connection_lost` for a sender that is there and says nothing for too long: it would hold its place for ever.
   */
  async next(): Promise<Message> {
    return await this.#next(this.#patienceMs, "The sender is there, but goes on with nothing");
  }

  async #next(patienceMs: number, tooLateText: string): Promise<Message> {
    let message: Message;
    try {
      message = await this.#within(patienceMs, tooLateText);
    } catch (error) {
      message = this.afterLast(error);
    }
    this.#state = stateAfter("receiver", this.#state, message.type);
    return message;
  }

  async #within(patienceMs: number, tooLateText: string): Promise<Message> {
    const tooLate = deferred<never>();
    const cancel = this.#clock?.after(patienceMs, () => {
      tooLate.reject(new StxError("connection_lost", tooLateText));
    });
    return await Promise.race([this.#channel.receive(), tooLate.promise]).finally(cancel);
  }

  /** What the end of the connection stands for: nothing, since only END ends a transfer. Throws what ended it. */
  protected afterLast(error: unknown): Message {
    throw error;
  }

  /** Says something; throws the channel's failure. */
  say(type: MessageType, body?: Bytes): void {
    this.#channel.send(type, body);
  }

  /** Says something that changes nothing if it is not heard: the next attempt learns it again. */
  tell(type: MessageType, body: Bytes): void {
    try {
      this.say(type, body);
    } catch {
      // The connection is gone.
    }
  }

  /**
   * Says what is here; resolves to where the sender wants to start, there or at 0. Throws `malformed` for any other
   * place.
   */
  async offerPrefix(offsetBytes: number, sha256: Bytes): Promise<number> {
    this.say("accept", encodeAccept({ offsetBytes, sha256 }));
    this.#state = "accepted";
    const comparingMs = Math.min(offsetBytes / COMPARED_BYTES_PER_MS, STREAM_TIMEOUT_MS);
    const next = () =>
      this.#next(this.#patienceMs + comparingMs, "The sender is there, but does not say where it begins");
    let message = await next();
    // What of the manifest was under way already is not needed any more.
    while (message.type === "manifest") message = await next();
    const start = decodeOffset(message);
    if (start !== offsetBytes && start !== 0) {
      throw new StxError("malformed", `Cannot start at ${start}: offered were ${offsetBytes} and 0`);
    }
    return start;
  }
}
