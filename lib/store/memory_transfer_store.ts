/**
 * The receiver's memory of transfers, for as long as the process runs.
 * @module
 */
import { type Bytes, fromHex, toHex } from "../bytes/bytes.ts";
import type { StoredTransfer, TransferStore } from "../ports.ts";

/** See the module's text. */
export class MemoryTransferStore implements TransferStore {
  readonly #rows = new Map<string, StoredTransfer>();

  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined {
    return this.#rows.get(keyOf(peer, transferId));
  }

  /** Writes a transfer whole. */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer): void {
    this.#rows.set(keyOf(peer, transferId), transfer);
  }

  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    const row = this.find(peer, transferId);
    if (row !== undefined) this.save(peer, transferId, { ...row, durableBytes, updatedMs });
  }

  /** Forgets a transfer. */
  remove(peer: Bytes, transferId: Bytes): void {
    this.#rows.delete(keyOf(peer, transferId));
  }

  /** Every transfer in one state. */
  list(state: StoredTransfer["state"]): ReturnType<TransferStore["list"]> {
    return [...this.#rows].filter(([, transfer]) => transfer.state === state).map(([key, transfer]) => {
      const [peer, transferId] = key.split("/");
      return { peer: fromHex(peer!), transferId: fromHex(transferId!), transfer };
    });
  }

  /** How many transfers of this peer are neither finished nor being put in place. */
  countUnfinished(peer: Bytes): number {
    const prefix = keyOf(peer, new Uint8Array(0));
    return [...this.#rows].filter(([key, { state }]) => state === "receiving" && key.startsWith(prefix))
      .length;
  }

  /** Forgets finished transfers; see {@link TransferStore.pruneFinished}. */
  pruneFinished(beforeMs: number, countMax: number): number {
    const finished = [...this.#rows].filter(([, { state }]) => state === "done")
      .sort(([, left], [, right]) => right.updatedMs - left.updatedMs);
    const limitMs = Math.max(beforeMs, finished[countMax - 1]?.[1].updatedMs ?? 0);
    const old = finished.filter(([, { updatedMs }]) => updatedMs < limitMs);
    for (const [key] of old) this.#rows.delete(key);
    return old.length;
  }
}

function keyOf(peer: Bytes, transferId: Bytes): string {
  return `${toHex(peer)}/${toHex(transferId)}`;
}
