/**
 * What a receiver takes: the checks of an offer and of the manifest behind it.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, ENTRY_COUNT_MAX } from "../limits.ts";
import type { Entry } from "../ports.ts";
import { totalSizeBytes } from "../wire/manifest.ts";
import { decodeOffer, type Message, type Offer } from "../wire/message.ts";
import { transferIdOf } from "./manifest.ts";
import { checkEntries } from "./names.ts";

/** What the receiver's user allows. */
export interface OfferPolicy {
  /** Larger transfers are refused; `Infinity` takes any. */
  readonly maxSizeBytes: number;
  /** Whether a first path part may begin with a dot. */
  readonly allowDotfiles: boolean;
}

/**
 * Reads an OFFER. Throws `malformed`, `bad_manifest`; `bad_transfer_id` if its name does not follow from its
 * manifest; `too_large`.
 */
export function readOffer(message: Message, sender: Bytes, receiver: Bytes, policy: OfferPolicy): Offer {
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
  const expected = transferIdOf(sender, receiver, offer.blockSizeBytes, offer.manifestDigest);
  if (!equal(offer.transferId, expected)) {
    throw new StxError("bad_transfer_id", "Cannot take an offer: its name does not follow from its manifest");
  }
  checkSize(offer.sizeBytes, policy);
  return offer;
}

/** Throws `too_large` if the receiver's user does not allow so many bytes. */
export function checkSize(sizeBytes: number, policy: OfferPolicy): void {
  if (sizeBytes <= policy.maxSizeBytes) return;
  throw new StxError(
    "too_large",
    `the transfer has ${sizeBytes} bytes, this receiver takes at most ${policy.maxSizeBytes}`,
  );
}

/** Throws `bad_name` for a name that is refused, `bad_manifest` for entries that are not what was offered. */
export function checkManifest(entries: readonly Entry[], offer: Offer, policy: OfferPolicy): void {
  checkEntries(entries, policy);
  if (totalSizeBytes(entries) !== (offer.sizeBytes ?? 0)) {
    throw new StxError(
      "bad_manifest",
      "Cannot take the manifest: its sizes do not add up to what was offered",
    );
  }
  if (offer.sizeBytes === null && entries[0]!.kind !== "file") {
    throw new StxError("bad_manifest", "Cannot take the manifest: a folder has no content of unknown size");
  }
}
