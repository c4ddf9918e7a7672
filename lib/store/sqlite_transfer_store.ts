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
  readonly manifest: Bytes;
  readonly block_size: number;
  readonly durable: number;
  readonly folder: string;
  readonly placement: string;
  readonly receipt: Bytes;
  readonly updated_ms: number;
}

/** Rows that one call forgets at most: a moment's work, since everything else waits for it. */
const PRUNED_AT_ONCE = 100;

/** See the module's text. */
export class SqliteTransferStore implements TransferStore {
  readonly #state: SqliteState;
  readonly #find: StatementSync;
  readonly #save: StatementSync;
  readonly #saveDurable: StatementSync;
  readonly #remove: StatementSync;
  readonly #listFinished: StatementSync;
  readonly #listUnfinished: StatementSync;
  readonly #countUnfinished: StatementSync;
  readonly #oldestKept: StatementSync;
  readonly #prune: StatementSync;

  /** Throws `state_corrupt` if the state lacks what it needs. */
  constructor(state: SqliteState) {
    this.#state = state;
    this.#find = state.prepare("SELECT * FROM transfers WHERE peer = ? AND id = ?");
    this.#save = state.prepare("INSERT OR REPLACE INTO transfers VALUES (?,?,?,?,?,?,?,?,?,?)");
    this.#saveDurable = state.prepare(
      "UPDATE transfers SET durable = ?, updated_ms = ? WHERE peer = ? AND id = ?",
    );
    this.#remove = state.prepare("DELETE FROM transfers WHERE peer = ? AND id = ?");
    // In words that the indices have, or every row would be read.
    this.#listFinished = state.prepare("SELECT * FROM transfers WHERE state = 'done'");
    this.#listUnfinished = state.prepare("SELECT * FROM transfers WHERE state <> 'done' AND state = ?");
    this.#countUnfinished = state.prepare(
      "SELECT count(*) AS count FROM transfers WHERE state <> 'done' AND state = 'receiving' AND peer = ?",
    );
    this.#oldestKept = state.prepare(
      "SELECT updated_ms FROM transfers WHERE state = 'done' ORDER BY updated_ms DESC LIMIT 1 OFFSET ?",
    );
    this.#prune = state.prepare(
      "DELETE FROM transfers WHERE (peer, id) IN " +
        "(SELECT peer, id FROM transfers WHERE state = 'done' AND updated_ms < ? ORDER BY updated_ms LIMIT ?)",
    );
  }

  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined {
    return this.#state.guard(() => {
      const row = this.#find.get(peer, transferId);
      return row === undefined ? undefined : this.#read(row as unknown as Row);
    });
  }

  /** Writes a transfer whole; it is on disk when the call returns. */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer): void {
    this.#state.guard(() =>
      this.#save.run(
        peer,
        transferId,
        transfer.state,
        transfer.manifest,
        transfer.blockSizeBytes,
        transfer.durableBytes,
        transfer.folder,
        JSON.stringify(transfer.placement),
        transfer.receipt,
        transfer.updatedMs,
      )
    );
  }

  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    this.#state.guard(() => this.#saveDurable.run(durableBytes, updatedMs, peer, transferId));
  }

  /** Forgets a transfer. */
  remove(peer: Bytes, transferId: Bytes): void {
    this.#state.guard(() => this.#remove.run(peer, transferId));
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
  countUnfinished(peer: Bytes): number {
    return this.#state.guard(() => Number(this.#countUnfinished.get(peer)!["count"]));
  }

  #read(row: Row): StoredTransfer {
    const placement = this.#readPlacement(row.placement);
    return {
      state: row.state,
      manifest: row.manifest,
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

  /** Forgets finished transfers; see {@link TransferStore.pruneFinished}. Of several with one time all or none go. */
  pruneFinished(beforeMs: number, countMax: number): number {
    return this.#state.guard(() => {
      const kept = this.#oldestKept.get(countMax - 1)?.["updated_ms"];
      const limitMs = Math.max(beforeMs, Number(kept ?? 0));
      return Number(this.#prune.run(limitMs, PRUNED_AT_ONCE).changes);
    });
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
