/**
 * What a receiver does with the transfers that an earlier run of it left.
 * @module
 */
import { type Bytes, equal, utf8 } from "../bytes/bytes.ts";
import { sha256 } from "../crypto/hkdf.ts";
import { codeOf, StxError } from "../errors.ts";
import type { Clock, Placement, ReceivingFolder, StoredTransfer, TransferStore } from "../ports.ts";
import { totalSizeBytes } from "../wire/manifest.ts";
import { transferIdOf } from "./manifest.ts";
import { type KnownTransfer, TransferRow } from "./transfer_row.ts";

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
  const { store, folder, folderPath } = options;
  const failures: unknown[] = [];
  const committing = store.list("committing").filter(({ transfer }) => transfer.folder === folderPath)
    .map(({ peer, transferId, transfer }) => ({ transfer, row: new TransferRow(options, peer, transferId) }));
  for (const { transfer, row } of await placedFirst(committing, folder)) {
    try {
      await finishCommit(options, row, await readWhole(row, transfer));
    } catch (error) {
      failures.push(error);
    }
  }
  return [...failures, ...dropUnfinished(options)];
}

/**
 * Drops what was begun and nobody can or will continue, save what is open just now. What was to arrive in other folders,
 * which may be gone, is only forgotten. Returns the errors of what could not be dropped.
 */
export function dropUnfinished(options: RecoveryOptions): readonly unknown[] {
  const { store, folder, folderPath } = options;
  const failures: unknown[] = [];
  for (const { peer, transferId: localId, transfer } of store.list("receiving")) {
    const isHere = transfer.folder === folderPath;
    if (isHere ? canContinue(options, peer, localId, transfer) : !isForgotten(options, transfer)) continue;
    try {
      if (isHere) folder.discard(localId);
      store.remove(peer, localId);
    } catch (error) {
      if (codeOf(error) !== "state_busy") failures.push(error);
    }
  }
  return failures;
}

function isForgotten({ clock }: Pick<RecoveryOptions, "clock">, { updatedMs }: StoredTransfer): boolean {
  return clock.nowMs() - updatedMs > UNFINISHED_AGE_MAX_MS;
}

/**
 * What stands in place comes before what still waits: under the policy to overwrite, a file that waits may replace one
 * of another transfer, which would then seem never to have been whole. Lists of names are read one at a time, each
 * again when it has its turn: all together may not go into the memory.
 */
async function placedFirst<T extends { readonly transfer: StoredTransfer; readonly row: TransferRow }>(
  rows: readonly T[],
  folder: ReceivingFolder,
): Promise<readonly T[]> {
  if (rows.length < 2) return rows;
  const isPlaced = async ({ transfer, row }: T): Promise<boolean> => {
    try {
      const known = await row.read(transfer);
      return known !== undefined && await folder.isInPlace(known.entries, known.transfer.placement);
    } catch {
      // What is wrong is told when it has its turn.
      return false;
    }
  };
  const placed = new Set<T>();
  for (const row of rows) if (await isPlaced(row)) placed.add(row);
  return [...placed, ...rows.filter((row) => !placed.has(row))];
}

async function readWhole(row: TransferRow, transfer: StoredTransfer): Promise<KnownTransfer> {
  const known = await row.read(transfer);
  if (known !== undefined) return known;
  throw new StxError(
    "state_corrupt",
    "Cannot finish a transfer that was being put in place: its list of names in the state file is damaged",
    { hint: "send the same files again" },
  );
}

/**
 * Goes on with putting a transfer in place where a crash ended it, and notes in the journal what came of it.
 * Resolves to `undefined` where files were kept in place of those that were sent: nobody may say that these were
 * received. Throws what `commit` throws; where that is `state_corrupt`, somebody has taken away what was to be put
 * in place, and the transfer has to begin again, which the journal then says.
 */
export async function finishCommit(
  { folder, clock }: Pick<RecoveryOptions, "folder" | "clock">,
  row: TransferRow,
  { transfer, entries }: KnownTransfer,
): Promise<StoredTransfer | undefined> {
  // All of it was there when it was decided, so a size that the manifest does not give was not known.
  const isSizeUnknown = transfer.durableBytes !== totalSizeBytes(entries);
  const partial = folder.open(row.localId, entries, transfer.placement, isSizeUnknown);
  let current = transfer;
  const save = (change: Partial<StoredTransfer>) => {
    current = { ...current, ...change };
    row.save(current);
  };
  try {
    const beforeRename = (placement: Placement) => {
      if (placement !== current.placement) save({ placement });
    };
    if (await partial.commit(beforeRename, () => row.remove()) > 0) return undefined;
  } catch (error) {
    if (codeOf(error) === "state_corrupt") {
      save({ state: "receiving", durableBytes: 0, receipt: new Uint8Array(0), updatedMs: clock.nowMs() });
    }
    throw error;
  } finally {
    partial.close();
  }
  // A transfer without a size had a random name: nobody will ever ask for it again.
  if (isSizeUnknown) row.remove();
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
  if (isForgotten(options, transfer)) return false;
  const { blockSizeBytes, manifestDigest } = transfer;
  const transferId = transferIdOf(peer, options.identity, blockSizeBytes, manifestDigest);
  return equal(localId, localIdOf(peer, transferId, options.folderPath));
}
