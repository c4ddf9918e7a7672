/**
 * Senders and receivers with some of their defences switched off: the same code, but for the methods that are the
 * defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { TransferChannel } from "../../transfer/channel.ts";
import { IncomingStream } from "../../transfer/incoming_stream.ts";
import { Receiver } from "../../transfer/receiver.ts";
import type { ReceiverOptions } from "../../transfer/receiver_options.ts";
import { Sender, type SenderOptions } from "../../transfer/sender.ts";
import type { Offer } from "../../wire/message.ts";
import type { Off } from "../defences.ts";

/** A receiver without some defences. */
export function makeWeakReceiver(off: Off, channel: TransferChannel, options: ReceiverOptions): Receiver {
  class WeakStream extends IncomingStream {
    protected override checkChecksum(sent: number, received: number): void {
      if (!off.has("stream checksum")) super.checkChecksum(sent, received);
    }
  }
  class WeakReceiver extends Receiver {
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
export function makeWeakSender(_off: Off, channel: TransferChannel, options: SenderOptions): Sender {
  return new Sender(channel, options);
}
