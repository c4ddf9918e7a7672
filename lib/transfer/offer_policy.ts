/**
 * What a receiver takes: the checks of an offer and of the manifest behind it.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { formatBytes } from "../bytes/format_bytes.ts";
import { StxError } from "../errors.ts";
import {
  BLOCK_SIZE_MAX,
  BLOCK_SIZE_MIN,
  ENTRY_COUNT_MAX,
  UNFINISHED_COUNT_MAX,
  UNFINISHED_MANIFESTS_SIZE_MAX,
} from "../limits.ts";
import type { Clock, Entry } from "../ports.ts";
import { totalSizeBytes } from "../wire/manifest.ts";
import { decodeOffer, type Message, type Offer } from "../wire/message.ts";
import { breathe } from "./breathe.ts";
import { transferIdOf } from "./manifest.ts";
import { entryChecks } from "./names.ts";

/** What the receiver's user allows. */
export interface OfferPolicy {
  /** Larger transfers are refused; `Infinity` takes any. */
  readonly maxSizeBytes: number;
  /** Whether a first path part may begin with a dot. */
  readonly allowDotfiles: boolean;
  /** Time: long checks let others have their turn. */
  readonly clock: Clock;
}

/** See the module's text. */
export class OfferRules {
  readonly #policy: OfferPolicy;

  constructor(policy: OfferPolicy) {
    this.#policy = policy;
  }

  /**
   * Reads an OFFER. Throws `malformed`, `bad_manifest`; `bad_transfer_id` if its name does not follow from its
   * manifest; `too_large`.
   */
  readOffer(message: Message, sender: Bytes, receiver: Bytes): Offer {
    const offer = decodeOffer(message.body);
    if (offer.entryCount < 1 || offer.entryCount > ENTRY_COUNT_MAX) {
      throw new StxError("bad_manifest", `Cannot take an offer of ${offer.entryCount} entries`);
    }
    if (offer.blockSizeBytes < BLOCK_SIZE_MIN || offer.blockSizeBytes > BLOCK_SIZE_MAX) {
      throw new StxError("malformed", `Cannot take an offer with blocks of ${offer.blockSizeBytes} bytes`);
    }
    if (offer.sizeBytes === null) {
      if (offer.entryCount === 1) return offer;
      throw new StxError("bad_manifest", "Cannot take an offer of several entries without their sizes");
    }
    this.checkTransferId(offer, sender, receiver);
    this.checkSize(offer.sizeBytes, true);
    return offer;
  }

  /** Throws `bad_transfer_id` where the transfer has not the name that its manifest gives it between these two. */
  protected checkTransferId(offer: Offer, sender: Bytes, receiver: Bytes): void {
    const expected = transferIdOf(sender, receiver, offer.blockSizeBytes, offer.manifestDigest);
    if (equal(offer.transferId, expected)) return;
    throw new StxError("bad_transfer_id", "Cannot take an offer: its name does not follow from its manifest");
  }

  /**
   * Throws `too_large` where a sender has `count` unfinished transfers here. Each keeps a folder and a row, for a month:
   * too many are a mistake, or an attack on the disk's file table.
   */
  checkUnfinished(count: number): void {
    if (count < UNFINISHED_COUNT_MAX) return;
    throw new StxError(
      "too_large",
      `${count} transfers of this sender are unfinished here: finish some of them first by sending the same files again`,
    );
  }

  /** Throws `too_large` where the lists of names of a sender's unfinished transfers here have so many bytes, for the same reason. */
  checkUnfinishedBytes(sizeBytes: number): void {
    if (sizeBytes <= UNFINISHED_MANIFESTS_SIZE_MAX) return;
    throw new StxError(
      "too_large",
      `this sender's unfinished transfers have ${formatBytes(sizeBytes)} of names here, at most ${
        formatBytes(UNFINISHED_MANIFESTS_SIZE_MAX)
      } are kept: finish some of them first by sending the same files again`,
    );
  }

  /**
   * Throws `too_large` if the receiver's user does not allow so many bytes.
   * @param isAll whether that is the whole transfer, and not what has come of it so far
   */
  checkSize(sizeBytes: number, isAll: boolean): void {
    const { maxSizeBytes } = this.#policy;
    if (sizeBytes <= maxSizeBytes) return;
    let [size, most] = [formatBytes(sizeBytes), formatBytes(maxSizeBytes)];
    if (!isAll) size = `more than ${most}`;
    else if (size === most) [size, most] = [`${sizeBytes} bytes`, `${maxSizeBytes} bytes`];
    throw new StxError(
      "too_large",
      `the transfer has ${size}, this receiver takes at most ${most} (--max-size)`,
    );
  }

  /** Throws `bad_name` for a name that is refused, `bad_manifest` for entries that are not what was offered. */
  async checkManifest(entries: readonly Entry[], offer: Offer): Promise<void> {
    await this.checkNames(entries);
    this.checkTotal(entries, offer);
    if (offer.sizeBytes === null && entries[0]!.kind !== "file") {
      throw new StxError("bad_manifest", "Cannot take the manifest: a folder has no content of unknown size");
    }
  }

  /** Throws `bad_name`: see {@link entryChecks}. */
  protected async checkNames(entries: readonly Entry[]): Promise<void> {
    for (const _ of entryChecks(entries, this.#policy)) await breathe(this.#policy.clock);
  }

  /** Throws `bad_manifest` where the files have not the size that was offered. */
  protected checkTotal(entries: readonly Entry[], offer: Offer): void {
    if (totalSizeBytes(entries) === (offer.sizeBytes ?? 0)) return;
    throw new StxError(
      "bad_manifest",
      "Cannot take the manifest: its sizes do not add up to what was offered",
    );
  }
}
