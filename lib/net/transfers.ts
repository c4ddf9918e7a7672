/**
 * A whole transfer over a channel, from the offer to the goodbye, for programs that need no more than that.
 * @module
 */
import { BLOCK_SIZE } from "../limits.ts";
import type { ActiveTransfers } from "../transfer/active_transfers.ts";
import { receiveTransfer } from "../transfer/receiver.ts";
import type { ReceivedTransfer, ReceiverOptions } from "../transfer/receiver_options.ts";
import { type SenderOptions, sendTransfer, type SentReceipt } from "../transfer/sender.ts";
import type { Channel } from "./channel.ts";
import { systemClock, systemRandom } from "./tcp.ts";

/**
 * What {@link send} needs to know, and what it may choose: by itself it sends blocks of 256 KiB and no digests of single
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
 *
 * @example A file over TCP, and the receipt for it
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   accept,
 *   ActiveTransfers,
 *   armorSshsig,
 *   connDuplex,
 *   connect,
 *   dial,
 *   fingerprint,
 *   generateSeed,
 *   HelloGuard,
 *   identityFromSeed,
 *   listen,
 *   makeManifest,
 *   MemoryNonceStore,
 *   MemoryTransferStore,
 *   openReceivingFolder,
 *   openSource,
 *   receive,
 *   RECEIPT_NAMESPACE,
 *   receiptText,
 *   send,
 *   StxError,
 *   systemRandom,
 *   verifySshsig,
 * } from "@stx/stx";
 *
 * const [alice, bob] = [
 *   await identityFromSeed(generateSeed(systemRandom)),
 *   await identityFromSeed(generateSeed(systemRandom)),
 * ];
 * const folder = Deno.realPathSync(Deno.makeTempDirSync());
 * Deno.mkdirSync(`${folder}/inbox`);
 * Deno.writeTextFileSync(`${folder}/letter.txt`, "Dear Bob");
 *
 * const listener = listen("127.0.0.1", 0);
 * const receiving = listener.accept().then(async (conn) => {
 *   const channel = await accept(connDuplex(conn), {
 *     identity: bob,
 *     guard: new HelloGuard(),
 *     nonces: new MemoryNonceStore(),
 *     authorize(key) {
 *       if (fingerprint(key) !== fingerprint(alice.publicKey)) throw new StxError("unauthorized", "Not Alice");
 *     },
 *   });
 *   return await receive(channel, {
 *     identity: bob,
 *     store: new MemoryTransferStore(),
 *     active: new ActiveTransfers(),
 *     folder: openReceivingFolder(`${folder}/inbox`),
 *     folderPath: `${folder}/inbox`,
 *     conflict: "rename",
 *   });
 * });
 *
 * const source = openSource([`${folder}/letter.txt`], { followLinks: false, onWarning: () => {} });
 * const channel = await connect(await dial("127.0.0.1", listener.addr.port), {
 *   identity: alice,
 *   checkServer(key) {
 *     if (fingerprint(key) !== fingerprint(bob.publicKey)) throw new StxError("receiver_changed", "Not Bob");
 *   },
 * });
 * const receipt = await send(channel, {
 *   identity: alice.publicKey,
 *   manifest: makeManifest(source.entries, true),
 *   source,
 *   withDigests: true,
 *   onEvent: (event) => {
 *     if (event.kind === "sent") assert.ok(event.bytes <= 8);
 *   },
 * });
 * await receiving;
 * assert.equal(Deno.readTextFileSync(`${folder}/inbox/letter.txt`), "Dear Bob");
 *
 * // What Alice keeps: she can show it to anybody who knows Bob's key.
 * const text = receiptText(receipt.facts);
 * const signature = armorSshsig(receipt.signature);
 * const message = new TextEncoder().encode(text);
 * assert.match(text, /  letter.txt$/m);
 * assert.ok(await verifySshsig(signature, RECEIPT_NAMESPACE, message, bob.publicKey));
 *
 * source.close();
 * listener.close();
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export async function send(channel: Channel, options: SendOptions): Promise<SentReceipt> {
  try {
    const receipt = await sendTransfer(channel, {
      blockSizeBytes: BLOCK_SIZE,
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
      manifests: active.manifests,
      ...given,
      claim: (id) =>
        active.claim(channel.peerIdentity, id, channel.helloNumber, () => void channel.abort("superseded")),
    });
    await channel.peerClosed();
    await channel.close();
    return received;
  } catch (error) {
    await channel.closeFor(error);
    throw error;
  }
}
