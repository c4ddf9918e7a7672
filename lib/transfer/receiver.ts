/**
 * The receiver of a transfer: decides whether to take it, says what it has, takes the rest, and puts everything
 * in place at once when it is whole. What it promises survives a crash at any point.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { release } from "../bytes/memory.ts";
import { crc32 } from "../bytes/crc32.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import { codeOf, type ErrorCode, StxError } from "../errors.ts";
import { signSshsigBlob } from "../identity/sshsig.ts";
import { BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, ENTRY_COUNT_MAX, MANIFEST_BODY_SIZE_MAX } from "../limits.ts";
import type {
  Clock,
  ConflictPolicy,
  Entry,
  Identity,
  PartialTransfer,
  ReceivingFolder,
  StoredTransfer,
  TransferStore,
} from "../ports.ts";
import { decodeManifest, totalSizeBytes } from "../wire/manifest.ts";
import {
  decodeData,
  decodeDone,
  decodeEnd,
  decodeOffer,
  decodeOffset,
  DIGEST_SIZE,
  encodeAccept,
  encodeDone,
  encodeOffset,
  encodeReject,
  type Message,
  type Offer,
  type RejectReason,
} from "../wire/message.ts";
import type { TransferChannel } from "./channel.ts";
import { DurableMark } from "./durable_mark.ts";
import { transferIdOf } from "./manifest.ts";
import { checkEntries } from "./names.ts";
import { RECEIPT_NAMESPACE, receiptMessage } from "./receipt.ts";
import { stateAfter, type TransferState } from "./transitions.ts";

/** What a receiver reports while it works. */
export type ReceiverEvent =
  | {
    readonly kind: "offered";
    readonly transferId: Bytes;
    readonly entries: readonly Entry[];
    /** `null` where nobody knows yet. */
    readonly sizeBytes: number | null;
  }
  /** Receiving goes on at `offset`, after an earlier attempt. */
  | { readonly kind: "resumed"; readonly offset: number }
  /** Bytes of the stream that were written. */
  | { readonly kind: "received"; readonly bytes: number }
  /** Everything has come; it is made durable and put in place. */
  | { readonly kind: "finishing" };

/** What a receiver works with. */
export interface ReceiverOptions {
  /** Who we are; it signs the receipt. */
  readonly identity: Identity;
  /** Time. */
  readonly clock: Clock;
  /** Remembers transfers across crashes. */
  readonly store: TransferStore;
  /** Where transfers arrive. */
  readonly folder: ReceivingFolder;
  /** The folder's absolute path, by which the store knows it again. */
  readonly folderPath: string;
  /** What to do where a name is taken. */
  readonly conflict: ConflictPolicy;
  /** Larger transfers are refused; `Infinity` takes any. */
  readonly maxSizeBytes: number;
  /** Whether a first path part may begin with a dot. */
  readonly allowDotfiles: boolean;
  /** Asked before anything of a transfer is touched; resolves when no other connection works on it. */
  readonly claim: (transferId: Bytes) => Promise<() => void>;
  /** Called as the transfer goes on. */
  readonly onEvent: (event: ReceiverEvent) => void;
}

/** What came of a transfer. */
export interface ReceivedTransfer {
  /** The name of the transfer, 32 bytes. */
  readonly transferId: Bytes;
  /** What was received, in order. */
  readonly entries: readonly Entry[];
  /** Final name of each first path part. */
  readonly topNames: Readonly<Record<string, string>>;
  /** Bytes of all contents. */
  readonly sizeBytes: number;
  /** Bytes that came over this connection: 0 where only the answer had been lost. */
  readonly receivedBytes: number;
}

const REASONS: Partial<Record<ErrorCode, RejectReason>> = {
  bad_name: "name",
  exists: "exists",
  too_large: "quota",
  disk_full: "space",
  digest_mismatch: "integrity",
  permission: "local",
  disk: "local",
  state_busy: "local",
  state_corrupt: "local",
};

/** Bytes of a whole manifest: 2^21 entries of 128 bytes. A peer must not fill our memory before it sends a file. */
const MANIFEST_SIZE_MAX = 256 * 1024 * 1024;

/** What a sender learns where the precise reason names things of this machine. */
const PLAIN_REASONS: Partial<Record<RejectReason, string>> = {
  local: "the receiver cannot write; its own log says why",
  space: "the receiver's disk is full",
};

/**
 * Receives one transfer over an open channel. Resolves when it is in place and the sender has been told. Rejects
 * with the reason if it was refused (the sender has been told), or with the channel's failure; what is durable
 * by then is the start of the next attempt.
 */
export async function receiveTransfer(
  channel: TransferChannel,
  options: ReceiverOptions,
): Promise<ReceivedTransfer> {
  const receiver = new Receiver(channel, options);
  try {
    return await receiver.run();
  } catch (error) {
    try {
      await receiver.keep();
    } catch {
      // A second failure, while tidying up after the first: that one is what counts.
    }
    receiver.tellWhy(error);
    throw error;
  } finally {
    receiver.close();
  }
}

/**
 * Finishes what a crash interrupted between the decision to put a transfer in place and its end. To be called
 * once before the first connection. Returns the transfers that could not be finished, each with its error.
 */
export async function recoverTransfers(
  options: Pick<ReceiverOptions, "store" | "folder" | "folderPath" | "clock">,
): Promise<readonly unknown[]> {
  const { store, folder, folderPath, clock } = options;
  const failures: unknown[] = [];
  for (const { peer, transferId, transfer } of store.list("committing")) {
    if (transfer.folder !== folderPath) continue;
    try {
      const entries = decodeManifest(transfer.manifest);
      // All of it was there when it was decided, so a size that the manifest does not give was not known.
      const sizeUnknown = transfer.durableBytes !== totalSizeBytes(entries);
      const partial = folder.open(transferId, entries, transfer.placement, sizeUnknown);
      try {
        await partial.commit(() => {});
      } finally {
        partial.close();
      }
      store.save(peer, transferId, { ...transfer, state: "done", updatedMs: clock.nowMs() });
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

function digestOf(manifest: Bytes): Bytes {
  const hash = new StreamSha256();
  hash.update(manifest);
  return hash.finish();
}

class Receiver {
  readonly #channel: TransferChannel;
  readonly #options: ReceiverOptions;
  #state: TransferState = "waitOffer";
  #offer: Offer | undefined;
  #entries: readonly Entry[] = [];
  #stored: StoredTransfer | undefined;
  #partial: PartialTransfer | undefined;
  #durable: DurableMark | undefined;
  #release: (() => void) | undefined;
  #crc = 0;
  #writtenBytes = 0;
  #receivedBytes = 0;
  readonly #digests: Bytes[] = [];

  constructor(channel: TransferChannel, options: ReceiverOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  async #next(): Promise<Message> {
    const message = await this.#channel.receive();
    this.#state = stateAfter("receiver", this.#state, message.type);
    return message;
  }

  async run(): Promise<ReceivedTransfer> {
    const offer = this.#readOffer(await this.#next());
    this.#offer = offer;
    this.#release = await this.#options.claim(offer.transferId);
    const stored = this.#findStored(offer);
    if (stored !== undefined) {
      this.#entries = decodeManifest(stored.manifest);
      if (stored.state !== "receiving" && await this.#isFinished(stored, offer)) {
        this.#announce();
        this.#channel.send("done", stored.receipt);
        return this.#result(stored);
      }
    }
    if (stored?.state === "receiving") await this.#resume(stored);
    else await this.#begin();
    await this.#receiveAll();
    return await this.#finish();
  }

  #readOffer(message: Message): Offer {
    const offer = decodeOffer(message.body);
    if (offer.entryCount < 1 || offer.entryCount > ENTRY_COUNT_MAX) {
      throw new StxError("bad_manifest", `Cannot take an offer of ${offer.entryCount} entries`);
    }
    if (offer.blockSizeBytes < BLOCK_SIZE_MIN || offer.blockSizeBytes > BLOCK_SIZE_MAX) {
      throw new StxError("malformed", `Cannot take an offer with blocks of ${offer.blockSizeBytes} bytes`);
    }
    if (offer.sizeBytes === null) {
      if (offer.entryCount !== 1) {
        throw new StxError("bad_manifest", "Cannot take an offer of several entries without their sizes");
      }
      return offer;
    }
    const expected = transferIdOf(
      this.#channel.peerIdentity,
      this.#options.identity.publicKey,
      offer.blockSizeBytes,
      offer.manifestDigest,
    );
    if (!equal(offer.transferId, expected)) {
      throw new StxError(
        "bad_transfer_id",
        "Cannot take an offer: its name does not follow from its manifest",
      );
    }
    return offer;
  }

  /** The transfer as it was left by an earlier session. */
  #findStored(offer: Offer): StoredTransfer | undefined {
    const { store, folderPath } = this.#options;
    const known = store.find(this.#channel.peerIdentity, offer.transferId);
    if (offer.sizeBytes === null && known !== undefined) {
      throw new StxError("bad_transfer_id", "Cannot take an offer: its name is that of an earlier transfer");
    }
    if (known === undefined || known.folder !== folderPath) return undefined;
    // A name that was free to choose, without a size, may be one that now follows from another manifest.
    return equal(digestOf(known.manifest), offer.manifestDigest) ? known : undefined;
  }

  /** Whether an earlier session has finished this transfer, and it still stands there. */
  async #isFinished(stored: StoredTransfer, offer: Offer): Promise<boolean> {
    const { folder, store } = this.#options;
    if (stored.state === "committing") {
      const partial = folder.open(offer.transferId, this.#entries, stored.placement);
      try {
        await partial.commit(() => {});
      } catch (error) {
        if (codeOf(error) !== "state_corrupt") throw error;
        // Somebody has taken away what was to be put in place: begin again.
        return false;
      } finally {
        partial.close();
      }
      store.save(this.#channel.peerIdentity, offer.transferId, {
        ...stored,
        state: "done",
        updatedMs: this.#options.clock.nowMs(),
      });
    }
    const { withDigests } = decodeDone(stored.receipt);
    return (withDigests || !offer.withDigests) && folder.isInPlace(this.#entries, stored.placement);
  }

  /** A transfer that is new here: gets the whole manifest and decides. */
  async #begin(): Promise<void> {
    const offer = this.#offer!;
    this.#channel.send("wantManifest");
    const bodies: Bytes[] = [];
    const entries: Entry[] = [];
    let sizeBytes = 0;
    while (entries.length < offer.entryCount) {
      const { body } = await this.#next();
      if (body.length > MANIFEST_BODY_SIZE_MAX) {
        throw new StxError("malformed", `Cannot read MANIFEST: it has ${body.length} bytes`);
      }
      const more = decodeManifest(body);
      if (more.length === 0) throw new StxError("malformed", "Cannot read MANIFEST: it has no entry");
      sizeBytes += body.length;
      if (sizeBytes > MANIFEST_SIZE_MAX) {
        throw new StxError("too_large", `the list of names is larger than ${MANIFEST_SIZE_MAX} bytes`);
      }
      bodies.push(body);
      for (const entry of more) entries.push(entry);
    }
    const manifest = concat(...bodies);
    if (entries.length !== offer.entryCount || !equal(digestOf(manifest), offer.manifestDigest)) {
      throw new StxError("bad_manifest", "Cannot take the manifest: it is not the one that was offered");
    }
    this.#entries = entries;
    this.#announce();
    this.#checkPolicy();
    const { folder, folderPath, conflict, clock } = this.#options;
    const placement = folder.place(entries, conflict);
    try {
      this.#save({
        state: "receiving",
        manifest,
        blockSizeBytes: offer.blockSizeBytes,
        durableBytes: 0,
        folder: folderPath,
        placement,
        receipt: new Uint8Array(0),
        updatedMs: clock.nowMs(),
      });
      this.#partial = folder.open(offer.transferId, entries, placement, offer.sizeBytes === null);
    } catch (error) {
      folder.release(placement);
      throw error;
    }
    await this.#acceptAt(0);
  }

  #checkPolicy(): void {
    const { allowDotfiles, maxSizeBytes } = this.#options;
    const offer = this.#offer!;
    checkEntries(this.#entries, { allowDotfiles });
    const total = totalSizeBytes(this.#entries);
    if (total !== (offer.sizeBytes ?? 0)) {
      throw new StxError(
        "bad_manifest",
        "Cannot take the manifest: its sizes do not add up to what was offered",
      );
    }
    if (offer.sizeBytes === null && this.#entries[0]!.kind !== "file") {
      throw new StxError("bad_manifest", "Cannot take the manifest: a folder has no content of unknown size");
    }
    if (total > maxSizeBytes) this.#refuseSize(total);
  }

  #refuseSize(sizeBytes: number): never {
    throw new StxError(
      "too_large",
      `the transfer has ${sizeBytes} bytes, this receiver takes at most ${this.#options.maxSizeBytes}`,
    );
  }

  /** A transfer that was begun before: says what of it is here. */
  async #resume(stored: StoredTransfer): Promise<void> {
    this.#stored = stored;
    this.#announce();
    this.#checkPolicy();
    this.#partial = this.#options.folder.open(this.#offer!.transferId, this.#entries, stored.placement);
    try {
      await this.#acceptAt(stored.durableBytes);
    } catch (error) {
      if (codeOf(error) !== "state_corrupt") throw error;
      // Somebody has touched the partial folder: begin again rather than trust it.
      this.#save({ ...stored, durableBytes: 0 });
      await this.#acceptAt(0);
    }
  }

  async #acceptAt(offsetBytes: number): Promise<void> {
    const offer = this.#offer!;
    const prefix = await this.#partial!.resumeAt(offsetBytes);
    this.#crc = prefix.crc32;
    this.#channel.send("accept", encodeAccept({ offsetBytes, sha256: prefix.sha256 }));
    this.#state = "accepted";
    let message = await this.#next();
    // What of the manifest was under way already is not needed any more.
    while (message.type === "manifest") message = await this.#next();
    const start = decodeOffset(message);
    if (start !== offsetBytes) {
      if (start !== 0) {
        throw new StxError("malformed", `Cannot start at ${start}: offered were ${offsetBytes} and 0`);
      }
      this.#crc = (await this.#partial!.resumeAt(0)).crc32;
    }
    if (start > 0) this.#options.onEvent({ kind: "resumed", offset: start });
    this.#writtenBytes = start;
    this.#durable = new DurableMark({
      partial: this.#partial!,
      clock: this.#options.clock,
      blockSizeBytes: offer.blockSizeBytes,
      startBytes: start,
      save: (durableBytes) => {
        if (offer.sizeBytes === null) return;
        this.#options.store.saveDurable(
          this.#channel.peerIdentity,
          offer.transferId,
          durableBytes,
          this.#options.clock.nowMs(),
        );
      },
      tell: (durableBytes) => this.#tellDurable(durableBytes),
    });
    if (start !== offsetBytes) await this.#durable.reset();
  }

  #tellDurable(durableBytes: number): void {
    try {
      this.#channel.send("durable", encodeOffset(durableBytes));
    } catch {
      // The connection is gone; the mark counts all the same, and the loop in run() reports the failure.
    }
  }

  async #receiveAll(): Promise<void> {
    let index = this.#writtenBytes / this.#offer!.blockSizeBytes;
    for (;;) {
      const message = await this.#next();
      if (message.type === "data") {
        this.#takeBlock(message, index);
        index += 1;
        await this.#durable!.advance(this.#writtenBytes);
      } else if (message.type === "digests") {
        this.#takeDigests(message);
      } else {
        this.#checkEnd(message, index);
        return;
      }
    }
  }

  #takeBlock(message: Message, index: number): void {
    const offer = this.#offer!;
    const block = decodeData(message.body);
    const at = this.#writtenBytes;
    const left = offer.sizeBytes === null ? Infinity : offer.sizeBytes - at;
    const isFull = block.data.length === offer.blockSizeBytes;
    const isLast = offer.sizeBytes === null ? block.data.length > 0 : block.data.length === left && left > 0;
    if (
      block.index !== index || at % offer.blockSizeBytes !== 0 ||
      block.data.length > Math.min(offer.blockSizeBytes, left) || !(isFull || isLast)
    ) {
      throw new StxError(
        "malformed",
        `Cannot take block ${block.index} of ${block.data.length} bytes: expected block ${index} at byte ${at}`,
      );
    }
    if (at + block.data.length > this.#options.maxSizeBytes) this.#refuseSize(at + block.data.length);
    this.#partial!.write(block.data);
    this.#crc = crc32(block.data, this.#crc);
    this.#writtenBytes += block.data.length;
    this.#receivedBytes += block.data.length;
    release(message.body);
    this.#options.onEvent({ kind: "received", bytes: this.#writtenBytes });
  }

  #takeDigests(message: Message): void {
    if (!this.#offer!.withDigests || message.body.length % DIGEST_SIZE !== 0) {
      throw new StxError("malformed", "Cannot take DIGESTS: none were announced, or one is not whole");
    }
    for (let at = 0; at < message.body.length; at += DIGEST_SIZE) {
      this.#digests.push(message.body.slice(at, at + DIGEST_SIZE));
    }
    if (this.#digests.length > this.#entries.length) {
      throw new StxError("malformed", "Cannot take DIGESTS: there are more than files");
    }
  }

  #checkEnd(message: Message, blockCount: number): void {
    const end = decodeEnd(message.body);
    const size = this.#offer!.sizeBytes ?? end.sizeBytes;
    if (
      end.sizeBytes !== this.#writtenBytes || size !== this.#writtenBytes || end.blockCount !== blockCount
    ) {
      throw new StxError(
        "digest_mismatch",
        `Cannot finish: ${this.#writtenBytes} bytes in ${blockCount} blocks came, the sender says ${end.sizeBytes} in ${end.blockCount}`,
      );
    }
    if (end.crc32 !== this.#crc) {
      throw new StxError("digest_mismatch", "Cannot finish: the checksum of the whole is not the sender's");
    }
  }

  async #finish(): Promise<ReceivedTransfer> {
    const { clock, identity, onEvent } = this.#options;
    const offer = this.#offer!;
    const partial = this.#partial!;
    onEvent({ kind: "finishing" });
    await this.#durable!.settle();
    const digests = offer.withDigests ? await this.#checkDigests(partial) : undefined;
    const finishedMs = clock.nowMs();
    const signature = await signSshsigBlob(
      identity,
      RECEIPT_NAMESPACE,
      receiptMessage({
        sender: this.#channel.peerIdentity,
        receiver: identity.publicKey,
        transferId: offer.transferId,
        manifestDigest: offer.manifestDigest,
        sessionId: this.#channel.sessionId,
        sizeBytes: this.#writtenBytes,
        entries: this.#entries,
        finishedMs,
        digests,
      }),
    );
    const receipt = encodeDone({
      finishedMs,
      sizeBytes: this.#writtenBytes,
      sessionId: this.#channel.sessionId,
      withDigests: digests !== undefined,
      signature,
    });
    const committed = { ...this.#stored!, durableBytes: this.#writtenBytes, receipt };
    await partial.commit(() => this.#save({ ...committed, state: "committing", updatedMs: finishedMs }));
    this.#save({ ...committed, state: "done", updatedMs: clock.nowMs() });
    this.#channel.send("done", receipt);
    return this.#result(this.#stored!);
  }

  async #checkDigests(partial: PartialTransfer): Promise<readonly Bytes[]> {
    const files = this.#entries.filter((entry) => entry.kind === "file");
    if (this.#digests.length !== files.length) {
      throw new StxError(
        "malformed",
        `Cannot finish: ${this.#digests.length} digests came for ${files.length} files`,
      );
    }
    const onDisk = await partial.digests();
    const wrong = files.findIndex((_, i) => !equal(onDisk[i]!, this.#digests[i]!));
    if (wrong >= 0) {
      await this.#durable!.reset();
      throw new StxError(
        "digest_mismatch",
        `the file ${files[wrong]!.path} does not read back from disk as it was sent`,
      );
    }
    return onDisk;
  }

  #announce(): void {
    this.#options.onEvent({
      kind: "offered",
      transferId: this.#offer!.transferId,
      entries: this.#entries,
      sizeBytes: this.#offer!.sizeBytes,
    });
  }

  #save(transfer: StoredTransfer): void {
    this.#stored = transfer;
    this.#options.store.save(this.#channel.peerIdentity, this.#offer!.transferId, transfer);
  }

  #result(stored: StoredTransfer): ReceivedTransfer {
    const { transferId, sizeBytes } = this.#offer!;
    return {
      transferId,
      entries: sizeBytes === null
        ? this.#entries.map((entry) => ({ ...entry, sizeBytes: this.#writtenBytes }))
        : this.#entries,
      topNames: stored.placement.topNames,
      sizeBytes: sizeBytes ?? this.#writtenBytes,
      receivedBytes: this.#receivedBytes,
    };
  }

  /** Makes what has come the start of the next attempt, or drops it if there can be none. */
  async keep(): Promise<void> {
    if (this.#stored?.state !== "receiving") return;
    if (this.#offer!.sizeBytes === null) {
      this.#partial?.close();
      this.#partial = undefined;
      this.#options.folder.discard(this.#offer!.transferId);
      this.#options.store.remove(this.#channel.peerIdentity, this.#offer!.transferId);
      return;
    }
    try {
      await this.#durable?.settle();
    } catch {
      // The disk has failed already; the mark stays where it is, below what is there.
    }
  }

  /** Tells the sender why its transfer is not taken, if it can still hear and if it concerns it. */
  tellWhy(error: unknown): void {
    const code = codeOf(error);
    const reason = code === undefined ? undefined : REASONS[code];
    if (reason === undefined) return;
    try {
      const text = PLAIN_REASONS[reason] ?? (error as StxError).message;
      this.#channel.send("reject", encodeReject({ reason, text }));
    } catch {
      // It has hung up; it learns the reason when it comes again.
    }
  }

  close(): void {
    try {
      this.#partial?.close();
    } finally {
      this.#release?.();
    }
  }
}
