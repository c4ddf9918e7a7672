/**
 * Senders and receivers with some of their defences switched off: the same code, but for the methods that are the
 * defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Entry, StoredTransfer } from "../../ports.ts";
import type { TransferChannel } from "../../transfer/channel.ts";
import { IncomingManifest } from "../../transfer/incoming_manifest.ts";
import { IncomingStream } from "../../transfer/incoming_stream.ts";
import { type OfferPolicy, OfferRules } from "../../transfer/offer_policy.ts";
import type { ReceiptFacts } from "../../transfer/receipt.ts";
import { ReceiptChecks } from "../../transfer/receipt_checks.ts";
import { Receiver } from "../../transfer/receiver.ts";
import { ReceiverMessages } from "../../transfer/receiver_messages.ts";
import type { ReceiverOptions } from "../../transfer/receiver_options.ts";
import { Sender, type SenderOptions } from "../../transfer/sender.ts";
import { type Done, encodeEnd, type End, type Message, type Offer } from "../../wire/message.ts";
import type { Off } from "../defences.ts";

/** Nobody's key, where a transfer is not bound to its sender. */
const NOBODY = new Uint8Array(32);

/** A receiver without some defences. */
export function makeWeakReceiver(off: Off, channel: TransferChannel, options: ReceiverOptions): Receiver {
  class WeakRules extends OfferRules {
    protected override checkTransferId(offer: Offer, sender: Bytes, receiver: Bytes): void {
      if (!off.has("transfer id")) super.checkTransferId(offer, sender, receiver);
    }

    override checkSize(sizeBytes: number, isAll: boolean): void {
      if (!off.has("size limit")) super.checkSize(sizeBytes, isAll);
    }

    protected override async checkNames(entries: readonly Entry[]): Promise<void> {
      if (!off.has("names checked")) await super.checkNames(entries);
    }

    protected override checkTotal(entries: readonly Entry[], offer: Offer): void {
      if (!off.has("manifest sizes")) super.checkTotal(entries, offer);
    }
  }
  class WeakManifest extends IncomingManifest {
    protected override checkDigest(manifest: Bytes): void {
      if (!off.has("manifest digest")) super.checkDigest(manifest);
    }
  }
  class WeakStream extends IncomingStream {
    protected override checkPlace(index: number, blockBytes: number): void {
      if (!off.has("block index")) super.checkPlace(index, blockBytes);
    }

    protected override checkTotals(end: End, total: number): void {
      if (!off.has("stream totals")) super.checkTotals(end, total);
    }

    protected override checkChecksum(sent: number, received: number): void {
      if (!off.has("stream checksum")) super.checkChecksum(sent, received);
    }

    protected override checkReadBack(
      onDisk: readonly Bytes[],
      sent: readonly Bytes[],
      files: readonly Entry[],
    ): void {
      if (!off.has("read back")) super.checkReadBack(onDisk, sent, files);
    }
  }
  class WeakMessages extends ReceiverMessages {
    protected override afterLast(error: unknown): Message {
      if (!off.has("the stream needs END")) return super.afterLast(error);
      // It takes the connection's end for the stream's, if it was a proper one: this throws where the session has failed.
      channel.send("ack");
      return { type: "end", body: encodeEnd({ sizeBytes: 0, blockCount: 0, crc32: 0 }) };
    }
  }
  class WeakReceiver extends Receiver {
    protected override makeMessages(channel: TransferChannel): ReceiverMessages {
      return new WeakMessages(channel);
    }

    protected override keptBytes(stored: StoredTransfer): number {
      return off.has("resume where it was") ? 0 : super.keptBytes(stored);
    }

    protected override makeRules(policy: OfferPolicy): OfferRules {
      return new WeakRules(policy);
    }

    protected override makeManifest(offer: Offer): IncomingManifest {
      return new WeakManifest(offer);
    }

    protected override localId(sender: Bytes, transferId: Bytes, folderPath: string): Bytes {
      return super.localId(off.has("transfers by sender") ? NOBODY : sender, transferId, folderPath);
    }

    protected override makeStream(
      offer: Offer,
      startBytes: number,
      crc: number,
      write: (bytes: Bytes) => void | Promise<void>,
    ): IncomingStream {
      return new WeakStream(offer, startBytes, crc, write);
    }
  }
  return new WeakReceiver(channel, options);
}

/** A sender without some defences. */
export function makeWeakSender(off: Off, channel: TransferChannel, options: SenderOptions): Sender {
  class WeakChecks extends ReceiptChecks {
    override checkSent(wasSent: boolean): void {
      if (!off.has("done after the end")) super.checkSent(wasSent);
    }

    override checkSize(done: Done, sentBytes: number): void {
      if (!off.has("receipt size")) super.checkSize(done, sentBytes);
    }

    override checkDigests(done: Done, withDigests: boolean, hasEnded: boolean): void {
      if (!off.has("receipt digests")) super.checkDigests(done, withDigests, hasEnded);
    }

    override async checkSignature(signature: Bytes, facts: ReceiptFacts): Promise<void> {
      if (!off.has("receipt signature")) await super.checkSignature(signature, facts);
    }
  }
  class WeakSender extends Sender {
    protected override makeReceiptChecks(): ReceiptChecks {
      return new WeakChecks();
    }

    protected override isSame(sent: Bytes, received: Bytes): boolean {
      return off.has("prefix digest") || super.isSame(sent, received);
    }

    protected override checkDurable(durableBytes: number, sentBytes: number): void {
      if (!off.has("durable mark")) super.checkDurable(durableBytes, sentBytes);
    }
  }
  return new WeakSender(channel, options);
}
