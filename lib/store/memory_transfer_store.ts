/**
 * The receiver's memory of transfers, for as long as the process runs.
 * @module
 */
import { type Bytes, fromHex, toHex } from "../bytes/bytes.ts";
import type { StoredTransfer, TransferStore } from "../ports.ts";

/** See the module's text. */
export class MemoryTransferStore implements TransferStore {
  readonly #rows = new Map<string, StoredTransfer>();
  readonly #manifests = new Map<string, Bytes[]>();

  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined {
    return this.#rows.get(keyOf(peer, transferId));
  }

  /** Writes a transfer; see {@link TransferStore.save}. */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer, manifestPart?: Bytes): void {
    const key = keyOf(peer, transferId);
    this.#rows.set(key, transfer);
    if (manifestPart !== undefined) this.#manifests.set(key, [manifestPart]);
  }

  /** Writes a part of the manifest of a transfer that exists. */
  saveManifestPart(peer: Bytes, transferId: Bytes, part: number, bytes: Bytes): void {
    const key = keyOf(peer, transferId);
    if (!this.#rows.has(key)) return;
    const parts = this.#manifests.get(key) ?? [];
    parts[part] = bytes;
    this.#manifests.set(key, parts);
  }

  /** A part of a transfer's manifest. */
  manifestPart(peer: Bytes, transferId: Bytes, part: number): Bytes | undefined {
    return this.#manifests.get(keyOf(peer, transferId))?.[part];
  }

  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    const row = this.find(peer, transferId);
    if (row !== undefined) this.save(peer, transferId, { ...row, durableBytes, updatedMs });
  }

  /** Forgets a transfer. */
  remove(peer: Bytes, transferId: Bytes): void {
    this.#forget(keyOf(peer, transferId));
  }

  /** Every transfer in one state. */
  list(state: StoredTransfer["state"]): ReturnType<TransferStore["list"]> {
    return [...this.#rows].filter(([, transfer]) => transfer.state === state).map(([key, transfer]) => {
      const [peer, transferId] = key.split("/");
      return { peer: fromHex(peer!), transferId: fromHex(transferId!), transfer };
    });
  }

  /** How many transfers of this peer are neither finished nor being put in place. */
  countUnfinished(peer: Bytes, folder: string): number {
    return this.#unfinished(peer, folder).length;
  }

  /** Bytes of the manifests of those of them that are not the one with this id. */
  otherUnfinishedBytes(peer: Bytes, folder: string, transferId: Bytes): number {
    const own = keyOf(peer, transferId);
    const others = this.#unfinished(peer, folder).filter(([key]) => key !== own);
    return others.reduce((sum, [, { manifestSizeBytes }]) => sum + manifestSizeBytes, 0);
  }

  /** Forgets finished transfers; see {@link TransferStore.pruneFinished}. */
  pruneFinished(beforeMs: number, countMax: number, peerBytesMax: number): boolean {
    const finished = [...this.#rows].filter(([, { state }]) => state === "done")
      .sort(([, left], [, right]) => right.updatedMs - left.updatedMs);
    const limitMs = Math.max(beforeMs, finished[countMax - 1]?.[1].updatedMs ?? 0);
    const bytes = new Map<string, number>();
    const old = finished.filter(([key, { updatedMs, manifestSizeBytes }]) => {
      const peer = key.split("/")[0]!;
      const sum = (bytes.get(peer) ?? 0) + manifestSizeBytes;
      bytes.set(peer, sum);
      return updatedMs < limitMs || sum > peerBytesMax;
    });
    for (const [key] of old) this.#forget(key);
    return old.length > 0;
  }

  #unfinished(peer: Bytes, into: string): readonly (readonly [key: string, transfer: StoredTransfer])[] {
    const prefix = keyOf(peer, new Uint8Array(0));
    return [...this.#rows].filter(([key, { state, folder }]) =>
      state === "receiving" && folder === into && key.startsWith(prefix)
    );
  }

  #forget(key: string): void {
    this.#rows.delete(key);
    this.#manifests.delete(key);
  }
}

function keyOf(peer: Bytes, transferId: Bytes): string {
  return `${toHex(peer)}/${toHex(transferId)}`;
}
