/**
 * Two ends of a session as a transfer sees them, without a network: what one sends waits in a queue for the other.
 * A test may cut the line, or change, drop and add messages on the way.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { deferred } from "../../lib/bytes/deferred.ts";
import { StxError } from "../../lib/errors.ts";
import type { TransferChannel } from "../../lib/transfer/channel.ts";
import type { TransferRole } from "../../lib/transfer/transitions.ts";
import { type Message, MESSAGE_HEADER_SIZE, type MessageType } from "../../lib/wire/message.ts";

/** A message and who sent it. */
export interface Letter extends Message {
  readonly from: TransferRole;
}

/** How the two ends are linked. */
export interface PairOptions {
  /** The public keys that the ends know each other by. */
  readonly sender: Bytes;
  readonly receiver: Bytes;
  readonly sessionId?: Bytes;
  /** Messages that may wait in one direction before there is no room; 4 if not given. */
  readonly windowMessages?: number;
  /** The line is cut when so many messages have gone over it, both directions together. What went still arrives. */
  readonly cutAfter?: number;
  /** Sees each message before it goes, and returns what goes in its place. */
  readonly onLetter?: (letter: Letter, pair: ChannelPair) => readonly Message[];
}

/** See the module's text. */
export class ChannelPair {
  readonly sender: ChannelEnd;
  readonly receiver: ChannelEnd;
  /** Everything that was sent, as its sender gave it. */
  readonly letters: Letter[] = [];
  readonly #options: PairOptions;
  #carried = 0;

  constructor(options: PairOptions) {
    this.#options = options;
    const sessionId = options.sessionId ?? new Uint8Array(16).fill(7);
    const windowMessages = options.windowMessages ?? 4;
    const make = (role: TransferRole, peerIdentity: Bytes) =>
      new ChannelEnd(peerIdentity, sessionId, windowMessages, (message) => this.#carry(role, message));
    this.sender = make("sender", options.receiver);
    this.receiver = make("receiver", options.sender);
    this.sender.connect(this.receiver);
    this.receiver.connect(this.sender);
    if (options.cutAfter === 0) this.cut();
  }

  /** Ends both directions; what was sent before still arrives. */
  cut(): void {
    this.sender.fail();
    this.receiver.fail();
  }

  /** How many messages of a type one side has sent. */
  count(from: TransferRole, type: MessageType): number {
    return this.letters.filter((letter) => letter.from === from && letter.type === type).length;
  }

  #carry(from: TransferRole, message: Message): void {
    const letter = { ...message, from };
    this.letters.push(letter);
    const to = from === "sender" ? this.receiver : this.sender;
    for (const each of this.#options.onLetter?.(letter, this) ?? [message]) to.deliver(each);
    this.#carried += 1;
    if (this.#carried === this.#options.cutAfter) this.cut();
  }
}

/** One end of a {@link ChannelPair}. */
export class ChannelEnd implements TransferChannel {
  readonly peerIdentity: Bytes;
  readonly sessionId: Bytes;
  readonly #windowMessages: number;
  readonly #carry: (message: Message) => void;
  readonly #queue: Message[] = [];
  #peer!: ChannelEnd;
  #failure: StxError | undefined;
  #peerClosed = false;
  #changed = deferred<void>();

  constructor(
    peerIdentity: Bytes,
    sessionId: Bytes,
    windowMessages: number,
    carry: (message: Message) => void,
  ) {
    this.peerIdentity = peerIdentity;
    this.sessionId = sessionId;
    this.#windowMessages = windowMessages;
    this.#carry = carry;
  }

  connect(peer: ChannelEnd): void {
    this.#peer = peer;
  }

  send(type: MessageType, body: Bytes = new Uint8Array(0)): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#carry({ type, body: body.slice() });
  }

  sendInPlace(type: MessageType, plaintext: Bytes): void {
    this.send(type, plaintext.subarray(MESSAGE_HEADER_SIZE));
  }

  hasRoom(): boolean {
    return this.#peer.#queue.length < this.#windowMessages;
  }

  /** Whether a message has come that nobody has taken. */
  get hasWaiting(): boolean {
    return this.#queue.length > 0;
  }

  async room(): Promise<void> {
    while (this.#failure === undefined && !this.hasRoom()) await this.#peer.#changed.promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async receive(): Promise<Message> {
    while (this.#queue.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#peerClosed) throw lost("The peer has closed the connection");
      await this.#changed.promise;
    }
    const message = this.#queue.shift()!;
    this.#change();
    return message;
  }

  /** The next message, which has to be of this type. */
  async expect(type: MessageType): Promise<Bytes> {
    const message = await this.receive();
    if (message.type !== type) throw new Error(`Expected ${type}, ${message.type} came`);
    return message.body;
  }

  /** Puts a message before this end. */
  deliver(message: Message): void {
    this.#queue.push(message);
    this.#change();
  }

  /** Hangs up: the peer reads what has been sent, and then the end. */
  close(): void {
    this.fail();
    this.#peer.#peerClosed = true;
    this.#peer.#change();
  }

  /** The line is dead for this end. */
  fail(): void {
    this.#failure ??= lost("The connection was cut");
    this.#change();
    // Whoever waits for room looks at the other end's queue.
    this.#peer.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }
}

function lost(message: string): StxError {
  return new StxError("connection_lost", message);
}
