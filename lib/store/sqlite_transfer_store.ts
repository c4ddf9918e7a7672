/**
 * The receiver's memory of transfers in its state file.
 * @module
 */
import type { StatementSync } from "node:sqlite";
import type { Bytes } from "../bytes/bytes.ts";
import type { Placement, StoredTransfer, TransferStore } from "../ports.ts";
import type { SqliteState } from "./sqlite_state.ts";

interface Row {
  readonly peer: Bytes;
  readonly id: Bytes;
  readonly state: StoredTransfer["state"];
  readonly manifest_digest: Bytes;
  readonly manifest_size: number;
  readonly block_size: number;
  readonly durable: number;
  readonly folder: string;
  readonly placement: string;
  readonly receipt: Bytes;
  readonly updated_ms: number;
}

/** Rows that one call forgets at most: a moment's work, since everything else waits for it. */
const PRUNED_AT_ONCE = 100;
/** Bytes of manifests that it forgets at most, and parts of one that is larger, for the same reason. */
const PRUNED_BYTES_AT_ONCE = 8 * 1024 * 1024;
const PRUNED_PARTS_AT_ONCE = 8;

/** See the module's text. */
export class SqliteTransferStore implements TransferStore {
  readonly #state: SqliteState;
  readonly #find: StatementSync;
  readonly #save: StatementSync;
  readonly #saveDurable: StatementSync;
  readonly #savePart: StatementSync;
  readonly #findPart: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeParts: StatementSync;
  readonly #removeLastParts: StatementSync;
  readonly #listFinished: StatementSync;
  readonly #listUnfinished: StatementSync;
  readonly #countUnfinished: StatementSync;
  readonly #otherUnfinishedBytes: StatementSync;
  readonly #oldestKept: StatementSync;
  readonly #listOld: StatementSync;
  readonly #findLarge: StatementSync;

  /** Throws `state_corrupt` if the state lacks what it needs. */
  constructor(state: SqliteState) {
    this.#state = state;
    this.#find = state.prepare("SELECT * FROM transfers WHERE peer = ? AND id = ?");
    this.#save = state.prepare(
      "INSERT OR REPLACE INTO transfers (peer, id, state, manifest_digest, manifest_size, block_size, durable, " +
        "folder, placement, receipt, updated_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    );
    this.#saveDurable = state.prepare(
      "UPDATE transfers SET durable = ?, updated_ms = ? WHERE peer = ? AND id = ?",
    );
    // Another process may have forgotten the transfer meanwhile, and nobody would forget the part.
    this.#savePart = state.prepare(
      "INSERT OR REPLACE INTO manifests SELECT peer, id, ?, ? FROM transfers WHERE peer = ? AND id = ?",
    );
    this.#findPart = state.prepare("SELECT bytes FROM manifests WHERE peer = ? AND id = ? AND part = ?");
    this.#remove = state.prepare("DELETE FROM transfers WHERE peer = ? AND id = ?");
    this.#removeParts = state.prepare("DELETE FROM manifests WHERE peer = ? AND id = ?");
    this.#removeLastParts = state.prepare(
      "DELETE FROM manifests WHERE peer = ?1 AND id = ?2 AND part > " +
        "(SELECT max(part) FROM manifests WHERE peer = ?1 AND id = ?2) - ?3",
    );
    // In words that the indices have, or every row would be read.
    this.#listFinished = state.prepare("SELECT * FROM transfers WHERE state = 'done'");
    this.#listUnfinished = state.prepare("SELECT * FROM transfers WHERE state <> 'done' AND state = ?");
    this.#countUnfinished = state.prepare(
      "SELECT count(*) AS count FROM transfers WHERE state <> 'done' AND state = 'receiving' AND peer = ? AND folder = ?",
    );
    this.#otherUnfinishedBytes = state.prepare(
      "SELECT total(manifest_size) AS bytes FROM transfers " +
        "WHERE state <> 'done' AND state = 'receiving' AND peer = ? AND folder = ? AND id <> ?",
    );
    this.#oldestKept = state.prepare(
      "SELECT updated_ms FROM transfers WHERE state = 'done' ORDER BY updated_ms DESC LIMIT 1 OFFSET ?",
    );
    this.#listOld = state.prepare(
      "SELECT peer, id, manifest_size FROM transfers WHERE state = 'done' AND updated_ms < ? " +
        "ORDER BY updated_ms LIMIT ?",
    );
    this.#findLarge = state.prepare(
      "SELECT peer, id, manifest_size FROM transfers WHERE state = 'done' AND peer = (SELECT peer FROM transfers " +
        "WHERE state = 'done' GROUP BY peer HAVING sum(manifest_size) > ? LIMIT 1) ORDER BY updated_ms LIMIT 1",
    );
  }

  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined {
    return this.#state.guard(() => {
      const row = this.#find.get(peer, transferId);
      return row === undefined ? undefined : this.#read(row as unknown as Row);
    });
  }

  /** Writes a transfer; see {@link TransferStore.save}. It is on disk when the call returns. */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer, manifestPart?: Bytes): void {
    const save = () =>
      this.#save.run(
        peer,
        transferId,
        transfer.state,
        transfer.manifestDigest,
        transfer.manifestSizeBytes,
        transfer.blockSizeBytes,
        transfer.durableBytes,
        transfer.folder,
        JSON.stringify(transfer.placement),
        transfer.receipt,
        transfer.updatedMs,
      );
    if (manifestPart === undefined) {
      this.#state.guard(save);
      return;
    }
    this.#state.transaction(() => {
      save();
      this.#removeParts.run(peer, transferId);
      this.#savePart.run(0, manifestPart, peer, transferId);
    });
  }

  /** Writes a part of the manifest of a transfer that exists; it is on disk when the call returns. */
  saveManifestPart(peer: Bytes, transferId: Bytes, part: number, bytes: Bytes): void {
    this.#state.guard(() => this.#savePart.run(part, bytes, peer, transferId));
  }

  /** A part of a transfer's manifest. */
  manifestPart(peer: Bytes, transferId: Bytes, part: number): Bytes | undefined {
    return this.#state.guard(() =>
      this.#findPart.get(peer, transferId, part)?.["bytes"] as Bytes | undefined
    );
  }

  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    this.#state.guard(() => this.#saveDurable.run(durableBytes, updatedMs, peer, transferId));
  }

  /** Forgets a transfer and its manifest. */
  remove(peer: Bytes, transferId: Bytes): void {
    this.#state.transaction(() => this.#forget(peer, transferId));
  }

  /** Every transfer in one state. */
  list(state: StoredTransfer["state"]): ReturnType<TransferStore["list"]> {
    return this.#state.guard(() =>
      (state === "done" ? this.#listFinished.all() : this.#listUnfinished.all(state)).map((each) => {
        const row = each as unknown as Row;
        return { peer: row.peer, transferId: row.id, transfer: this.#read(row) };
      })
    );
  }

  /** How many transfers of this peer are neither finished nor being put in place; counted in an index alone. */
  countUnfinished(peer: Bytes, folder: string): number {
    return this.#state.guard(() => Number(this.#countUnfinished.get(peer, folder)!["count"]));
  }

  /** Bytes of the manifests of those of them that are not the one with this id. */
  otherUnfinishedBytes(peer: Bytes, folder: string, transferId: Bytes): number {
    return this.#state.guard(() =>
      Number(this.#otherUnfinishedBytes.get(peer, folder, transferId)!["bytes"])
    );
  }

  #read(row: Row): StoredTransfer {
    const placement = this.#readPlacement(row.placement);
    return {
      state: row.state,
      manifestDigest: row.manifest_digest,
      manifestSizeBytes: row.manifest_size,
      blockSizeBytes: row.block_size,
      durableBytes: row.durable,
      folder: row.folder,
      placement,
      receipt: row.receipt,
      updatedMs: row.updated_ms,
    };
  }

  #readPlacement(text: string): Placement {
    let placement: unknown;
    try {
      placement = JSON.parse(text);
    } catch (error) {
      throw this.#state.corrupt(error);
    }
    if (!isPlacement(placement)) throw this.#state.corrupt(new Error(`The placement is ${text}`));
    return placement;
  }

  /**
   * Forgets finished transfers; see {@link TransferStore.pruneFinished}. Of several with one time all or none go for
   * their age or their number. A large manifest goes in several calls, its transfer in the last of them.
   */
  pruneFinished(beforeMs: number, countMax: number, peerBytesMax: number): boolean {
    const listOld = () => {
      const kept = this.#oldestKept.get(countMax - 1)?.["updated_ms"];
      const old = this.#listOld.all(Math.max(beforeMs, Number(kept ?? 0)), PRUNED_AT_ONCE);
      return (old.length > 0 ? old : this.#findLarge.all(peerBytesMax)) as unknown as readonly Row[];
    };
    // Mostly there is nothing to do, and nobody needs to wait for the disk.
    if (this.#state.guard(listOld).length === 0) return false;
    this.#state.transaction(() => {
      let sizeBytes = 0;
      for (const { peer, id, manifest_size } of listOld()) {
        sizeBytes += manifest_size;
        if (sizeBytes <= PRUNED_BYTES_AT_ONCE) {
          this.#forget(peer, id);
          continue;
        }
        if (sizeBytes > manifest_size) break;
        const { changes } = this.#removeLastParts.run(peer, id, PRUNED_PARTS_AT_ONCE);
        if (Number(changes) < PRUNED_PARTS_AT_ONCE) this.#forget(peer, id);
        break;
      }
    });
    return true;
  }

  #forget(peer: Bytes, transferId: Bytes): void {
    this.#removeParts.run(peer, transferId);
    this.#remove.run(peer, transferId);
  }
}

function isPlacement(value: unknown): value is Placement {
  if (typeof value !== "object" || value === null || !("topNames" in value) || !("conflict" in value)) {
    return false;
  }
  const { topNames, conflict } = value;
  return typeof topNames === "object" && topNames !== null && !Array.isArray(topNames) &&
    Object.values(topNames).every((name) => typeof name === "string") &&
    ["refuse", "rename", "overwrite", "skip"].includes(conflict as string);
}
