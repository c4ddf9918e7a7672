/**
 * Receivers that are who they say they are, with the key that the sender means, and mean harm: they answer what no stx
 * would answer.
 * @module
 */
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { signSshsigBlob } from "../../lib/identity/sshsig.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Channel } from "../../lib/net/channel.ts";
import type { Identity } from "../../lib/ports.ts";
import { RECEIPT_NAMESPACE, type ReceiptFacts, receiptMessage } from "../../lib/transfer/receipt.ts";
import type { ReceivedTransfer, ReceiverOptions } from "../../lib/transfer/receiver_options.ts";
import { decodeManifest } from "../../lib/wire/manifest.ts";
import {
  decodeOffer,
  type Done,
  encodeAccept,
  encodeDone,
  type Message,
  type MessageType,
  type Offer,
} from "../../lib/wire/message.ts";

/** A receiver whose every message is chosen by an attack. It keeps nothing. Made by {@link RogueReceiver.meet}. */
export class RogueReceiver {
  readonly #channel: Channel;
  readonly #options: ReceiverOptions;
  readonly #offer: Offer;
  readonly #manifest: Bytes;

  private constructor(channel: Channel, options: ReceiverOptions, offer: Offer, manifest: Bytes) {
    this.#channel = channel;
    this.#options = options;
    this.#offer = offer;
    this.#manifest = manifest;
  }

  /** Hears what is offered, which here is a manifest of one message. */
  static async meet(channel: Channel, options: ReceiverOptions): Promise<RogueReceiver> {
    const offer = decodeOffer((await channel.receive()).body);
    return new RogueReceiver(channel, options, offer, (await channel.receive()).body);
  }

  /** Bytes that were offered. */
  get sizeBytes(): number {
    return this.#offer.sizeBytes ?? 0;
  }

  /** Takes the transfer, from its beginning. */
  accept(): void {
    this.#channel.send("accept", encodeAccept({ offsetBytes: 0, sha256: sha256() }));
  }

  /** Waits for a message of this type, and forgets all before it. */
  async expect(type: MessageType): Promise<Message> {
    for (;;) {
      const message = await this.#channel.receive();
      if (message.type === type) return message;
    }
  }

  /** Takes everything, and forgets it. */
  async takeAll(): Promise<void> {
    this.accept();
    await this.expect("end");
  }

  /** The body of DONE that an honest receiver would send, but for what is changed. */
  async receipt(
    changes: Partial<ReceiptFacts> = {},
    signer: Identity = this.#options.identity,
    namespace: string = RECEIPT_NAMESPACE,
    done: Partial<Done> = {},
  ): Promise<Bytes> {
    const { transferId, manifestDigest } = this.#offer;
    const facts: ReceiptFacts = {
      sender: this.#channel.peerIdentity,
      receiver: this.#options.identity.publicKey,
      transferId,
      manifestDigest,
      sessionId: this.#channel.sessionId,
      sizeBytes: this.sizeBytes,
      entries: decodeManifest(this.#manifest),
      finishedMs: this.#options.clock.nowMs(),
      digests: undefined,
      ...changes,
    };
    return encodeDone({
      finishedMs: facts.finishedMs,
      sizeBytes: facts.sizeBytes,
      sessionId: facts.sessionId,
      withDigests: facts.digests !== undefined,
      signature: await signSshsigBlob(signer, namespace, receiptMessage(facts)),
      ...done,
    });
  }

  /** What it says to its own side: nothing has come. */
  get nothing(): ReceivedTransfer {
    const { transferId } = this.#offer;
    return { transferId, entries: [], topNames: {}, sizeBytes: 0, receivedBytes: 0 };
  }
}
