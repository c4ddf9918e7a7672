/**
 * The receiver's journal: as with SQLite, a change is durable when the call returns, or has not happened. Rows are kept
 * apart from what the caller holds, as on a disk.
 * @module
 */
import { type Bytes, concatAll, toHex } from "../../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../../lib/errors.ts";
import type { NonceStore, StoredTransfer, TransferStore } from "../../lib/ports.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../lib/store/memory_transfer_store.ts";
import { Crashed, type Process } from "./process.ts";

/** Sees every change once it is durable. */
export interface StoreWatch {
  /** @param manifest what is durable of it then */
  onSave(
    peer: Bytes,
    id: Bytes,
    before: StoredTransfer | undefined,
    after: StoredTransfer,
    manifest: Bytes,
  ): void;
  onRemove(peer: Bytes, id: Bytes, before: StoredTransfer | undefined): void;
}

/** What outlives the receiver's processes. */
export class Journal {
  readonly rows: MemoryTransferStore = new MemoryTransferStore();
  readonly #nonces = new MemoryNonceStore();
  readonly #watch: StoreWatch;

  constructor(watch: StoreWatch) {
    this.#watch = watch;
  }

  /** The store as one process has it open. */
  openStore(process: Process): TransferStore {
    const save = (peer: Bytes, id: Bytes, transfer: StoredTransfer, manifestPart?: Bytes): void => {
      const before = this.rows.find(peer, id);
      this.rows.save(peer, id, copyOf(transfer), manifestPart?.slice());
      this.#watch.onSave(peer, id, before, transfer, this.#manifest(peer, id));
    };
    return {
      find: (peer, id) => {
        process.requireLife();
        const row = this.rows.find(peer, id);
        return row === undefined ? undefined : copyOf(row);
      },
      list: (state) => {
        process.requireLife();
        return this.rows.list(state);
      },
      save: (peer, id, transfer, manifestPart) =>
        change(process, `saves ${transfer.state}`, () => save(peer, id, transfer, manifestPart)),
      saveManifestPart: (peer, id, part, bytes) =>
        change(
          process,
          `saves part ${part}`,
          () => this.rows.saveManifestPart(peer, id, part, bytes.slice()),
        ),
      manifestPart: (peer, id, part) => {
        process.requireLife();
        return this.rows.manifestPart(peer, id, part)?.slice();
      },
      saveDurable: (peer, id, durableBytes, updatedMs) =>
        change(process, `saves ${durableBytes}`, () => {
          const row = this.rows.find(peer, id);
          if (row !== undefined) save(peer, id, { ...row, durableBytes, updatedMs });
        }),
      remove: (peer, id) =>
        change(process, "forgets", () => {
          const before = this.rows.find(peer, id);
          this.rows.remove(peer, id);
          this.#watch.onRemove(peer, id, before);
        }),
      countUnfinished: (peer, folder) => {
        process.requireLife();
        return this.rows.countUnfinished(peer, folder);
      },
      otherUnfinishedBytes: (peer, folder, id) => {
        process.requireLife();
        return this.rows.otherUnfinishedBytes(peer, folder, id);
      },
      pruneFinished: (...limits) => change(process, "prunes", () => this.rows.pruneFinished(...limits)),
    };
  }

  #manifest(peer: Bytes, id: Bytes): Bytes {
    const parts: Bytes[] = [];
    for (;;) {
      const part = this.rows.manifestPart(peer, id, parts.length);
      if (part === undefined) return concatAll(parts);
      parts.push(part);
    }
  }

  /** The memory of nonces, likewise. */
  openNonces(process: Process): NonceStore {
    return {
      claim: (nonce, expiresMs, nowMs) =>
        change(process, "claims", () => this.#nonces.claim(nonce, expiresMs, nowMs)),
    };
  }

  /** Every row, by peer and id. */
  all(): readonly { readonly key: string; readonly peer: Bytes; readonly row: StoredTransfer }[] {
    return (["receiving", "committing", "done"] as const).flatMap((state) =>
      this.rows.list(state).map(({ peer, transferId, transfer }) => ({
        key: `${toHex(peer)}/${toHex(transferId)}`,
        peer,
        row: transfer,
      }))
    );
  }
}

function change<T>(process: Process, what: string, work: () => T): T {
  try {
    return process.step("store", () => {
      process.scheduler.note(`${process.name} ${what}`);
      return work();
    });
  } catch (error) {
    if (error instanceof Crashed || codeOf(error) !== undefined || !(error instanceof Error)) throw error;
    if (!("code" in error)) throw error;
    const isFull = error.code === "ENOSPC";
    throw new StxError(isFull ? "disk_full" : "disk", `Cannot write the state: ${error.message}`, {
      cause: error,
    });
  }
}

function copyOf(transfer: StoredTransfer): StoredTransfer {
  return {
    ...transfer,
    manifestDigest: transfer.manifestDigest.slice(),
    receipt: transfer.receipt.slice(),
    placement: JSON.parse(JSON.stringify(transfer.placement)),
  };
}
