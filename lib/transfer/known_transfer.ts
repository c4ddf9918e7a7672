/**
 * What the journal knows of a transfer that is offered.
 * @module
 */
import { equal } from "../bytes/bytes.ts";
import { codeOf, StxError } from "../errors.ts";
import type { Clock, ReceivingFolder } from "../ports.ts";
import type { Offer } from "../wire/message.ts";
import type { ManifestShare } from "./manifest_budget.ts";
import { finishCommit } from "./recovery.ts";
import type { KnownTransfer, TransferRow } from "./transfer_row.ts";

/**
 * The transfer as an earlier session left it; one that was being put in place is in place afterwards. An offer is a few
 * bytes, so nothing large is read before its digest fits and there is room for it: throws `busy` if there is not;
 * `bad_transfer_id` for a name that may not be known; what {@link finishCommit} throws.
 */
export async function findKnown(
  options: { readonly folder: ReceivingFolder; readonly clock: Clock },
  row: TransferRow,
  offer: Offer,
  share: ManifestShare | undefined,
): Promise<KnownTransfer | undefined> {
  const found = row.find();
  if (offer.sizeBytes === null && found !== undefined) {
    throw new StxError("bad_transfer_id", "Cannot take an offer: its name is that of an earlier transfer");
  }
  // A name that was free to choose, without a size, may be one that now follows from another manifest.
  if (found === undefined || !equal(found.manifestDigest, offer.manifestDigest)) return undefined;
  // Nobody forgets it, or its list, while it is looked at.
  row.saveDurable(found.durableBytes);
  share?.grow(found.manifestSizeBytes, 0);
  // How many entries there are, the offer may say wrongly.
  const known = await row.read(found, (count) => share?.grow(0, count));
  if (known === undefined || found.state !== "committing") return known;
  const { entries } = known;
  try {
    const transfer = await finishCommit(options, row, known);
    return transfer === undefined ? undefined : { transfer, entries };
  } catch (error) {
    const transfer = row.find();
    if (codeOf(error) !== "state_corrupt" || transfer?.state !== "receiving") throw error;
    // Somebody has taken away what was to be put in place: begin again.
    return { transfer, entries };
  }
}
