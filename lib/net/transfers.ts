/**
 * A whole transfer over a channel, from the offer to the goodbye, for programs that need no more than that.
 * @module
 */
import { BLOCK_SIZE_MAX } from "../limits.ts";
import type { ActiveTransfers } from "../transfer/active_transfers.ts";
import { receiveTransfer } from "../transfer/receiver.ts";
import type { ReceivedTransfer, ReceiverOptions } from "../transfer/receiver_options.ts";
import { type SenderOptions, sendTransfer, type SentReceipt } from "../transfer/sender.ts";
import type { Channel } from "./channel.ts";
import { systemClock, systemRandom } from "./tcp.ts";

/**
 * What {@link send} needs to know, and what it may choose: by itself it sends blocks of 1 MiB and no digests of single
 * files, and reports nothing.
 */
export type SendOptions = Pick<SenderOptions, "identity" | "manifest" | "source"> & Partial<SenderOptions>;

/**
 * What {@link receive} needs to know, and what it may choose: by itself it takes transfers of every size, refuses names
 * that are taken or begin with a dot, and reports nothing.
 */
export type ReceiveOptions =
  & Pick<ReceiverOptions, "identity" | "store" | "folder" | "folderPath">
  & Partial<Omit<ReceiverOptions, "claim">>
  & {
    /** One for all connections of a server, so that two never work on the same transfer. */
    readonly active: ActiveTransfers;
  };

/**
 * Sends one transfer over an open channel and closes it. Resolves to the receiver's signed receipt; rejects as
 * {@link sendTransfer} does, having told the peer. After `connection_lost` the same call over a new channel continues
 * where the receiver has got to.
 */
export async function send(channel: Channel, options: SendOptions): Promise<SentReceipt> {
  try {
    const receipt = await sendTransfer(channel, {
      blockSizeBytes: BLOCK_SIZE_MAX,
      withDigests: false,
      random: systemRandom,
      clock: systemClock,
      onEvent: () => {},
      ...options,
    });
    await channel.close();
    return receipt;
  } catch (error) {
    await channel.closeFor(error);
    throw error;
  }
}

/**
 * Receives one transfer over an open channel and closes it. Resolves when everything is in place; rejects as
 * {@link receiveTransfer} does, having told the peer.
 */
export async function receive(channel: Channel, options: ReceiveOptions): Promise<ReceivedTransfer> {
  const { active, ...given } = options;
  try {
    const received = await receiveTransfer(channel, {
      clock: systemClock,
      conflict: "refuse",
      maxSizeBytes: Infinity,
      allowDotfiles: false,
      onEvent: () => {},
      ...given,
      claim: (id) => active.claim(channel.peerIdentity, id, () => void channel.abort("superseded")),
    });
    await channel.peerClosed();
    await channel.close();
    return received;
  } catch (error) {
    await channel.closeFor(error);
    throw error;
  }
}
