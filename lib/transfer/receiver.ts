/**
 * The receiver of a transfer: decides whether to take it, says what it has, takes the rest, and puts everything
 * in place at once when it is whole. What it promises survives a crash at any point.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { codeOf } from "../errors.ts";
import type { Entry, PartialTransfer, Placement, StoredTransfer } from "../ports.ts";
import { decodeDone, encodeOffset, encodeReject, type Offer } from "../wire/message.ts";
import type { TransferChannel } from "./channel.ts";
import { DurableMark } from "./durable_mark.ts";
import { IncomingManifest } from "./incoming_manifest.ts";
import { IncomingStream } from "./incoming_stream.ts";
import { findKnown } from "./known_transfer.ts";
import type { ManifestShare } from "./manifest_budget.ts";
import { type OfferPolicy, OfferRules } from "./offer_policy.ts";
import { signReceipt } from "./receipt.ts";
import { ReceiverMessages } from "./receiver_messages.ts";
import { type ReceivedTransfer, type ReceiverOptions, resultOf } from "./receiver_options.ts";
import { localIdOf } from "./recovery.ts";
import { keptError, rejectionFor } from "./rejection.ts";
import type { ManifestFacts, WholeManifest } from "./stored_manifest.ts";
import { TransferRow } from "./transfer_row.ts";

/**
 * Receives one transfer over an open channel. Resolves when it is in place and the sender has been told. Rejects
 * with the reason if it was refused (the sender has been told), or with the channel's failure; what is durable
 * by then is the start of the next attempt.
 */
export async function receiveTransfer(
  channel: TransferChannel,
  options: ReceiverOptions,
): Promise<ReceivedTransfer> {
  return await new Receiver(channel, options).receive();
}

/** One transfer on its way in. */
export class Receiver {
  readonly #channel: TransferChannel;
  readonly #options: ReceiverOptions;
  readonly #messages: ReceiverMessages;
  readonly #rules: OfferRules;
  #offer!: Offer;
  #row!: TransferRow;
  #entries: readonly Entry[] = [];
  #stored: StoredTransfer | undefined;
  #partial: PartialTransfer | undefined;
  #durable: DurableMark | undefined;
  #stream!: IncomingStream;
  #release: (() => void) | undefined;
  /** What the list of names takes of the memory. */
  readonly #share: ManifestShare | undefined;
  #receivedBytes = 0;

  constructor(channel: TransferChannel, options: ReceiverOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#messages = this.makeMessages(channel);
    this.#rules = this.makeRules(options);
    this.#share = options.manifests?.open(channel.peerIdentity);
  }

  /** See {@link receiveTransfer}. */
  async receive(): Promise<ReceivedTransfer> {
    try {
      return await this.#run();
    } catch (error) {
      try {
        await this.#keep();
      } catch {
        // A second failure, while tidying up after the first: that one is what counts.
      }
      const rejection = rejectionFor(error);
      if (rejection !== undefined) this.#messages.tell("reject", encodeReject(rejection));
      throw error;
    } finally {
      this.#close();
    }
  }

  /** What is heard and said. */
  protected makeMessages(channel: TransferChannel): ReceiverMessages {
    return new ReceiverMessages(channel);
  }

  /** What is taken. */
  protected makeRules(policy: OfferPolicy): OfferRules {
    return new OfferRules(policy);
  }

  /** The list of names, on its way in. */
  protected makeManifest(offer: Offer): IncomingManifest {
    return new IncomingManifest(offer);
  }

  /** What the journal and the partial folder call a transfer: see {@link localIdOf}. */
  protected localId(sender: Bytes, transferId: Bytes, folderPath: string): Bytes {
    return localIdOf(sender, transferId, folderPath);
  }

  /** How much of an earlier attempt is continued: all that survives a crash. */
  protected keptBytes(stored: StoredTransfer): number {
    return stored.durableBytes;
  }

  /** The stream of blocks, from a place on. */
  protected makeStream(
    offer: Offer,
    startBytes: number,
    crc: number,
    write: (bytes: Bytes) => void | Promise<void>,
  ): IncomingStream {
    return new IncomingStream(offer, startBytes, crc, write);
  }

  async #run(): Promise<ReceivedTransfer> {
    const { identity, folderPath, claim, clock } = this.#options;
    const sender = this.#channel.peerIdentity;
    this.#offer = this.#rules.readOffer(await this.#messages.first(clock), sender, identity.publicKey);
    const localId = this.localId(sender, this.#offer.transferId, folderPath);
    this.#row = new TransferRow(this.#options, sender, localId);
    this.#release = await claim(this.#offer.transferId);
    const stored = await this.#findStored();
    if (stored?.state === "receiving") await this.#resume(stored);
    else if (stored === undefined || !await this.#offerAgain(stored)) await this.#begin();
    else return this.#result((this.#stored ?? stored).placement);
    await this.#receiveAll();
    return await this.#finish();
  }

  async #findStored(): Promise<StoredTransfer | undefined> {
    const known = await findKnown(this.#options, this.#row, this.#offer, this.#share);
    this.#entries = known?.entries ?? [];
    return known?.transfer;
  }

  /**
   * A transfer that was finished before. Where only the answer was lost, it is given again. Where the sender
   * comes anew, equal names, sizes and times do not make equal contents: what stands in place is compared as if
   * it were the beginning of a transfer, which then has nothing left to send.
   * @returns whether that was all; if not, the transfer begins anew
   */
  async #offerAgain(stored: StoredTransfer): Promise<boolean> {
    const [{ folder }, offer] = [this.#options, this.#offer];
    if (!await folder.isInPlace(this.#entries, stored.placement)) return false;
    await this.#rules.checkManifest(this.#entries, offer);
    const answer = decodeDone(stored.receipt);
    if (offer.isRepeated && (answer.withDigests || !offer.withDigests)) {
      this.#announce();
      this.#messages.say("done", stored.receipt);
      return true;
    }
    let prefix;
    try {
      prefix = await folder.hashInPlace(this.#entries, stored.placement);
    } catch (error) {
      // It cannot be compared, so the conflict policy decides.
      if (["state_corrupt", "permission"].includes(codeOf(error) ?? "")) return false;
      throw error;
    }
    const { sha256, crc32 } = prefix;
    this.#announce();
    this.#stored = stored;
    const start = await this.#messages.offerPrefix(answer.sizeBytes, sha256);
    if (start === 0 && answer.sizeBytes > 0) {
      this.#rules.checkUnfinished(this.#row.countAll(this.#options.folderPath));
      await this.#beginStream(await this.#open(stored, 0), 0);
      await this.#receiveAll();
      await this.#finish();
      return true;
    }
    this.#stream = this.makeStream(offer, start, crc32, () => {});
    await this.#receiveAll();
    const digests = offer.withDigests
      ? this.#stream.compareDigests(
        await folder.digestsInPlace(this.#entries, stored.placement),
        this.#entries,
      )
      : undefined;
    const receipt = await this.#sign(digests);
    this.#save({ ...stored, receipt, updatedMs: this.#options.clock.nowMs() });
    this.#messages.tell("done", receipt);
    return true;
  }

  /** A transfer that is new here: gets the whole manifest and decides. */
  async #begin(): Promise<void> {
    // Where it was known, its list of names comes again.
    this.#entries = [];
    this.#share?.release();
    this.#rules.checkUnfinished(this.#row.countAll(this.#options.folderPath));
    this.#messages.say("wantManifest");
    const partial = await this.#openNew();
    await this.#beginStream(partial, await this.#messages.offerPrefix(0, (await partial.resumeAt(0)).sha256));
  }

  /** The encoded list of names is let go of at the end: it must not take memory while the sender takes its time. */
  async #openNew(): Promise<PartialTransfer> {
    const manifest = await this.makeManifest(this.#offer).takeAll(() => this.#messages.next(), this.#share);
    this.#entries = manifest.entries;
    this.#announce();
    await this.#rules.checkManifest(this.#entries, this.#offer);
    return await this.#open(manifest, 0, manifest);
  }

  /** Chooses where a transfer goes, notes it in the journal and opens its partial folder. */
  async #open(list: ManifestFacts, durableBytes: number, manifest?: WholeManifest): Promise<PartialTransfer> {
    const { folder, folderPath, conflict, clock } = this.#options;
    const { blockSizeBytes, sizeBytes } = this.#offer;
    // Decided anew at every attempt: both the policy and what stands there may have changed.
    const placement = await folder.place(this.#entries, conflict, this.#row.localId);
    let partial: PartialTransfer;
    try {
      // Nobody else has a turn between this and the row that is counted next.
      if (manifest !== undefined || this.#stored?.state === "done") {
        this.#rules.checkUnfinishedBytes(this.#row.otherBytes(folderPath) + list.manifestSizeBytes);
      }
      partial = folder.open(this.#row.localId, this.#entries, placement, sizeBytes === null);
    } catch (error) {
      folder.release(placement);
      throw error;
    }
    this.#partial = partial;
    // Only whoever holds the folder's lock may write its row.
    this.#stored = {
      state: "receiving",
      manifestDigest: list.manifestDigest,
      manifestSizeBytes: list.manifestSizeBytes,
      blockSizeBytes,
      durableBytes,
      folder: folderPath,
      placement,
      receipt: new Uint8Array(0),
      updatedMs: clock.nowMs(),
    };
    await this.#row.begin(this.#stored, manifest);
    return partial;
  }

  /** A transfer that was begun before: says what of it is here. */
  async #resume(stored: StoredTransfer): Promise<void> {
    this.#announce();
    await this.#rules.checkManifest(this.#entries, this.#offer);
    let offset = this.keptBytes(stored);
    const partial = await this.#open(stored, offset);
    let prefix;
    try {
      prefix = await partial.resumeAt(offset);
    } catch (error) {
      if (codeOf(error) !== "state_corrupt") throw error;
      // Somebody has touched the partial folder: begin again rather than trust it.
      offset = 0;
      this.#save({ ...this.#stored!, durableBytes: 0 });
      prefix = await partial.resumeAt(0);
    }
    const start = await this.#messages.offerPrefix(offset, prefix.sha256);
    await this.#beginStream(partial, start, start === offset ? prefix.crc32 : undefined);
  }

  /** @param crc the CRC-32 of what the partial folder keeps; without it, it is emptied first */
  async #beginStream(partial: PartialTransfer, startBytes: number, crc?: number): Promise<void> {
    const { clock, onEvent } = this.#options;
    const offer = this.#offer;
    if (offer.sizeBytes === null) this.#messages.expectStream();
    // The journal comes first: it must never speak of more than there is.
    if (crc === undefined && (this.#stored?.durableBytes ?? 0) > 0) this.#row.saveDurable(0);
    const { crc32 } = crc === undefined ? await partial.resumeAt(0) : { crc32: crc };
    this.#stream = this.makeStream(offer, startBytes, crc32, (bytes) => partial.write(bytes));
    this.#durable = new DurableMark({
      partial,
      clock,
      blockSizeBytes: offer.blockSizeBytes,
      startBytes,
      save: (durableBytes) => {
        if (offer.sizeBytes !== null) this.#row.saveDurable(durableBytes);
      },
      // Nothing of a stream survives, as it cannot be continued.
      tell: (durableBytes) => {
        if (offer.sizeBytes !== null) this.#messages.tell("durable", encodeOffset(durableBytes));
      },
    });
    if (startBytes > 0) onEvent({ kind: "resumed", offset: startBytes });
    else await this.#durable.reset();
  }

  async #receiveAll(): Promise<void> {
    const before = this.#stream.sizeBytes;
    for (;;) {
      const message = await this.#messages.next();
      if (message.type === "data") {
        await this.#stream.takeBlock(message, (sizeBytes) => this.#rules.checkSize(sizeBytes, false));
        this.#receivedBytes = this.#stream.sizeBytes - before;
        this.#options.onEvent({ kind: "received", bytes: this.#stream.sizeBytes });
        await this.#durable?.advance(this.#stream.sizeBytes);
      } else if (message.type === "digests") {
        this.#stream.takeDigests(message);
      } else {
        this.#stream.takeEnd(message);
        return;
      }
    }
  }

  async #finish(): Promise<ReceivedTransfer> {
    const { clock, onEvent } = this.#options;
    const partial = this.#partial!;
    onEvent({ kind: "finishing" });
    await this.#durable!.settle();
    const digests = this.#offer.withDigests ? await this.#checkDigests(partial) : undefined;
    const receipt = await this.#sign(digests);
    const committed = { ...this.#stored!, durableBytes: this.#stream.sizeBytes, receipt };
    const decide = (placement: Placement) =>
      this.#save({ ...committed, placement, state: "committing", updatedMs: clock.nowMs() });
    // Nobody may say that files which were kept were received.
    const forget = () => this.#row.remove();
    let firstKept = "";
    const onKept = (_count: number, first: string) => {
      firstKept = first;
      forget();
    };
    const keptCount = await partial.commit(decide, onKept);
    if (keptCount > 0) throw keptError(keptCount, firstKept);
    // A transfer without a size had a random name: nobody will ever ask for it again.
    if (this.#offer.sizeBytes === null) forget();
    else this.#save({ ...this.#stored!, state: "done", updatedMs: clock.nowMs() });
    this.#messages.tell("done", receipt);
    return this.#result(this.#stored!.placement);
  }

  #sign(digests: readonly Bytes[] | undefined): Promise<Bytes> {
    const { clock, identity } = this.#options;
    const { transferId, manifestDigest } = this.#offer;
    return signReceipt(identity, {
      sender: this.#channel.peerIdentity,
      receiver: identity.publicKey,
      transferId,
      manifestDigest,
      sessionId: this.#channel.sessionId,
      sizeBytes: this.#stream.sizeBytes,
      entries: this.#entries,
      finishedMs: clock.nowMs(),
      digests,
    });
  }

  async #checkDigests(partial: PartialTransfer): Promise<readonly Bytes[]> {
    try {
      return this.#stream.compareDigests(await partial.digests(), this.#entries);
    } catch (error) {
      // What is on the disk is not what was sent: nothing of it is to be continued.
      if (codeOf(error) === "digest_mismatch") await this.#durable!.reset();
      throw error;
    }
  }

  #announce(): void {
    const { transferId, sizeBytes } = this.#offer;
    this.#options.onEvent({ kind: "offered", transferId, entries: this.#entries, sizeBytes });
  }

  #save(transfer: StoredTransfer): void {
    this.#stored = transfer;
    this.#row.save(transfer);
  }

  #result(placement: Placement): ReceivedTransfer {
    return resultOf(this.#offer, this.#entries, placement, this.#stream?.sizeBytes ?? 0, this.#receivedBytes);
  }

  /** Makes what has come the start of the next attempt, or drops it if there can be none. */
  async #keep(): Promise<void> {
    if (this.#stored?.state !== "receiving") return;
    if (this.#offer.sizeBytes === null) {
      // Its files must not be taken away while they are being made durable.
      await this.#durable?.idle();
      this.#partial?.close();
      this.#partial = undefined;
      this.#options.folder.discard(this.#row.localId);
      this.#row.remove();
      return;
    }
    try {
      await this.#durable?.settle();
    } catch {
      // The disk has failed already; the mark stays where it is, below what is there.
    }
  }

  #close(): void {
    try {
      this.#partial?.close();
    } finally {
      this.#share?.release();
      this.#release?.();
    }
  }
}
