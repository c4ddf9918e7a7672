/**
 * A transfer's manifest in the journal. It may have hundreds of megabytes, so it is written and read a part at a time:
 * whoever does that has others to serve between.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import { codeOf } from "../errors.ts";
import type { Clock, Entry, StoredTransfer, TransferStore } from "../ports.ts";
import { ManifestReader } from "../wire/manifest.ts";
import { breathe } from "./breathe.ts";

/** Bytes of a part: some ten milliseconds of the disk's work, or of ours. */
export const MANIFEST_PART_SIZE = 1024 * 1024;

/** What a row says of its manifest. */
export type ManifestFacts = Pick<StoredTransfer, "manifestDigest" | "manifestSizeBytes">;

/** A manifest that has come whole. */
export interface WholeManifest extends ManifestFacts {
  /** It, encoded, one after the other. */
  readonly parts: readonly Bytes[];
  readonly entries: readonly Entry[];
}

/** Writes the parts behind the first of a transfer that is in the journal. */
export async function saveManifest(
  { store, clock }: { readonly store: TransferStore; readonly clock: Clock },
  peer: Bytes,
  localId: Bytes,
  { parts }: WholeManifest,
): Promise<void> {
  for (let part = 1; part < parts.length; part++) {
    await breathe(clock);
    store.saveManifestPart(peer, localId, part, parts[part]!);
  }
}

/**
 * The entries of a transfer in the journal; `undefined` if its manifest is not there whole, since a crash came before
 * its last part.
 * @param onEntries is told of so many entries more, before they are kept; what it throws ends the reading
 */
export async function readManifest(
  { store, clock }: { readonly store: TransferStore; readonly clock: Clock },
  peer: Bytes,
  localId: Bytes,
  transfer: StoredTransfer,
  onEntries: (count: number) => void = () => {},
): Promise<readonly Entry[] | undefined> {
  const hash = new StreamSha256();
  const reader = new ManifestReader();
  const entries: Entry[] = [];
  const keep = (more: readonly Entry[]) => {
    onEntries(more.length);
    for (const entry of more) entries.push(entry);
  };
  try {
    for (let number = 0;; number++) {
      const part = store.manifestPart(peer, localId, number);
      if (part === undefined) break;
      // An older stx has written it in one.
      for (let at = 0; at < part.length; at += MANIFEST_PART_SIZE) {
        if (number + at > 0) await breathe(clock);
        const piece = part.subarray(at, at + MANIFEST_PART_SIZE);
        hash.update(piece);
        keep(reader.take(piece));
      }
    }
    keep(reader.finish());
  } catch (error) {
    if (codeOf(error) === "malformed") return undefined;
    throw error;
  }
  return equal(hash.finish(), transfer.manifestDigest) ? entries : undefined;
}
