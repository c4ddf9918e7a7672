/** An open session as a transfer sees it, whose peer is a vector. */
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import type { TransferChannel } from "../../../lib/transfer/channel.ts";
import { type Message, MESSAGE_HEADER_SIZE, type MessageType } from "../../../lib/wire/message.ts";

/** See the module's text. There is always room. */
export class ScriptedChannel implements TransferChannel {
  readonly peerIdentity: Bytes;
  readonly sessionId: Bytes;
  /** What has come and was not received. */
  readonly #incoming: Message[] = [];
  /** What was sent and not looked at. */
  readonly #sent: Message[] = [];
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();

  constructor(peerIdentity: Bytes, sessionId: Bytes) {
    this.peerIdentity = peerIdentity;
    this.sessionId = sessionId;
  }

  send(type: MessageType, body: Bytes = new Uint8Array(0)): void {
    this.#sent.push({ type, body: body.slice() });
    this.#change();
  }

  sendInPlace(type: MessageType, plaintext: Bytes): void {
    this.send(type, plaintext.subarray(MESSAGE_HEADER_SIZE));
  }

  hasRoom(): boolean {
    return true;
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  async receive(): Promise<Message> {
    for (;;) {
      const message = this.#incoming.shift();
      if (message !== undefined) return message;
      if (this.#hasEnded) throw new StxError("connection_lost", "The connection was cut");
      await this.#changed.promise;
    }
  }

  /** A message comes. */
  deliver(message: Message): void {
    this.#incoming.push(message);
    this.#change();
  }

  /** The peer's stream ends. */
  end(): void {
    this.#hasEnded = true;
    this.#change();
  }

  /** The next message that was sent; `undefined` if `isOver` resolves before there is one. */
  async nextSent(isOver: Promise<unknown>): Promise<Message | undefined> {
    let over = false;
    isOver.then(() => {
      over = true;
      this.#change();
    });
    while (this.#sent.length === 0 && !over) await this.#changed.promise;
    return this.#sent.shift();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
