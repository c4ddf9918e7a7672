/**
 * What a receiver does with the transfers that an earlier run of it left.
 * @module
 */
import { type Bytes, equal, utf8 } from "../bytes/bytes.ts";
import { sha256 } from "../crypto/hkdf.ts";
import { codeOf } from "../errors.ts";
import type { Clock, Placement, ReceivingFolder, StoredTransfer, TransferStore } from "../ports.ts";
import { decodeManifest, totalSizeBytes } from "../wire/manifest.ts";
import { transferIdOf } from "./manifest.ts";

/** What it works with. */
export interface RecoveryOptions {
  /** Our public key. */
  readonly identity: Bytes;
  /** Remembers transfers across crashes. */
  readonly store: TransferStore;
  /** Where transfers arrive. */
  readonly folder: ReceivingFolder;
  /** The folder's absolute path. */
  readonly folderPath: string;
  /** Time. */
  readonly clock: Clock;
}

/** An unfinished transfer that nobody has continued for so long is dropped: 30 days, in milliseconds. */
export const UNFINISHED_AGE_MAX_MS = 30 * 24 * 3600 * 1000;

/**
 * What the journal and the partial folder call a transfer: its id bound to its sender and to the receiving folder, so
 * that no sender reaches another's by choosing the same id, and no folder another's.
 */
export function localIdOf(sender: Bytes, transferId: Bytes, folderPath: string): Bytes {
  return sha256(utf8("stx1 partial"), Uint8Array.of(0), sender, transferId, utf8(folderPath));
}

/**
 * Finishes what a crash interrupted between the decision to put a transfer in place and its end, and drops what
 * nobody can or will continue. To be called once before the first connection. Returns the errors of those
 * that could not be finished: where what had arrived is gone, only this once, and otherwise at every start until it
 * can be put in place, or until its partial folder is removed.
 */
export async function recoverTransfers(options: RecoveryOptions): Promise<readonly unknown[]> {
  const { store, folder, folderPath, clock } = options;
  const failures: unknown[] = [];
  const committing = store.list("committing").filter(({ transfer }) => transfer.folder === folderPath);
  for (const { peer, transferId: localId, transfer } of await placedFirst(committing, folder)) {
    try {
      await finishCommit({ folder, store, clock }, peer, localId, transfer);
    } catch (error) {
      failures.push(error);
    }
  }
  for (const { peer, transferId: localId, transfer } of store.list("receiving")) {
    if (transfer.folder !== folderPath || canContinue(options, peer, localId, transfer)) continue;
    try {
      folder.discard(localId);
      store.remove(peer, localId);
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

/**
 * What stands in place comes before what still waits: under the policy to overwrite, a file that waits may replace one
 * of another transfer, which would then seem never to have been whole.
 */
async function placedFirst<T extends { readonly transfer: StoredTransfer }>(
  rows: readonly T[],
  folder: ReceivingFolder,
): Promise<readonly T[]> {
  if (rows.length < 2) return rows;
  const isPlaced = async ({ transfer }: T): Promise<boolean> => {
    try {
      return await folder.isInPlace(decodeManifest(transfer.manifest), transfer.placement);
    } catch {
      // What is wrong is told when it has its turn.
      return false;
    }
  };
  const placed = new Set<T>();
  for (const row of rows) if (await isPlaced(row)) placed.add(row);
  return [...placed, ...rows.filter((row) => !placed.has(row))];
}

/**
 * Goes on with putting a transfer in place where a crash ended it, and notes in the journal what came of it.
 * Resolves to `undefined` where files were kept in place of those that were sent: nobody may say that these were
 * received. Throws what `commit` throws; where that is `state_corrupt`, somebody has taken away what was to be put
 * in place, and the transfer has to begin again, which the journal then says.
 */
export async function finishCommit(
  { folder, store, clock }: Pick<RecoveryOptions, "folder" | "store" | "clock">,
  peer: Bytes,
  localId: Bytes,
  transfer: StoredTransfer,
): Promise<StoredTransfer | undefined> {
  const entries = decodeManifest(transfer.manifest);
  // All of it was there when it was decided, so a size that the manifest does not give was not known.
  const isSizeUnknown = transfer.durableBytes !== totalSizeBytes(entries);
  const partial = folder.open(localId, entries, transfer.placement, isSizeUnknown);
  let current = transfer;
  const save = (change: Partial<StoredTransfer>) => {
    current = { ...current, ...change };
    store.save(peer, localId, current);
  };
  try {
    const beforeRename = (placement: Placement) => {
      if (placement !== current.placement) save({ placement });
    };
    const forget = () => store.remove(peer, localId);
    if (await partial.commit(beforeRename, forget) > 0) return undefined;
  } catch (error) {
    if (codeOf(error) === "state_corrupt") {
      save({ state: "receiving", durableBytes: 0, receipt: new Uint8Array(0), updatedMs: clock.nowMs() });
    }
    throw error;
  } finally {
    partial.close();
  }
  // A transfer without a size had a random name: nobody will ever ask for it again.
  if (isSizeUnknown) store.remove(peer, localId);
  else save({ state: "done", updatedMs: clock.nowMs() });
  return current;
}

/** A transfer without a size had a random id: nobody will ever offer it again. */
function canContinue(
  options: RecoveryOptions,
  peer: Bytes,
  localId: Bytes,
  transfer: StoredTransfer,
): boolean {
  if (options.clock.nowMs() - transfer.updatedMs > UNFINISHED_AGE_MAX_MS) return false;
  const transferId = transferIdOf(peer, options.identity, transfer.blockSizeBytes, sha256(transfer.manifest));
  return equal(localId, localIdOf(peer, transferId, options.folderPath));
}
