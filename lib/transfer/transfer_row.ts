/**
 * One transfer in the receiver's journal.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Clock, Entry, StoredTransfer, TransferStore } from "../ports.ts";
import { pruneFinished } from "./pruning.ts";
import { readManifest, saveManifest, type WholeManifest } from "./stored_manifest.ts";
import { storedPlacement, wholePlacement } from "./stored_placement.ts";

/** A transfer with what it carries. */
export interface KnownTransfer {
  readonly transfer: StoredTransfer;
  readonly entries: readonly Entry[];
}

/** See the module's text. */
export class TransferRow {
  readonly #journal: { readonly store: TransferStore; readonly clock: Clock };
  readonly #peer: Bytes;
  /** What the journal and the partial folder call it: see `localIdOf`. */
  readonly localId: Bytes;
  #hasManifest = false;

  constructor(
    journal: { readonly store: TransferStore; readonly clock: Clock },
    peer: Bytes,
    localId: Bytes,
  ) {
    this.#journal = journal;
    this.#peer = peer;
    this.localId = localId;
  }

  /** What is in the journal, with a placement that {@link TransferRow.read} makes whole. */
  find(): StoredTransfer | undefined {
    return this.#journal.store.find(this.#peer, this.localId);
  }

  /**
   * What was found, whole; `undefined` if its manifest is not.
   * @param onEntries as with {@link readManifest}
   */
  async read(found: StoredTransfer, onEntries?: (count: number) => void): Promise<KnownTransfer | undefined> {
    const entries = await readManifest(this.#journal, this.#peer, this.localId, found, onEntries);
    this.#hasManifest = entries !== undefined;
    if (entries === undefined) return undefined;
    return { transfer: { ...found, placement: wholePlacement(found.placement, entries) }, entries };
  }

  /** Writes it; its manifest stays as it is. */
  save(transfer: StoredTransfer): void {
    this.#save(transfer);
  }

  /** Writes it with its manifest, unless that was found whole. */
  async begin(transfer: StoredTransfer, manifest?: WholeManifest): Promise<void> {
    if (manifest === undefined || this.#hasManifest) return this.#save(transfer);
    const { store, clock } = this.#journal;
    this.#save(transfer, manifest.parts[0]);
    await saveManifest(this.#journal, this.#peer, this.localId, manifest);
    // Where lists are large, few transfers are many bytes.
    if (manifest.parts.length > 1) await pruneFinished(store, clock);
  }

  #save(transfer: StoredTransfer, part?: Bytes): void {
    const stored = { ...transfer, placement: storedPlacement(transfer.placement) };
    this.#journal.store.save(this.#peer, this.localId, stored, part);
  }

  /** Moves its durable mark. */
  saveDurable(durableBytes: number): void {
    const { store, clock } = this.#journal;
    store.saveDurable(this.#peer, this.localId, durableBytes, clock.nowMs());
  }

  /** Forgets it. */
  remove(): void {
    this.#hasManifest = false;
    this.#journal.store.remove(this.#peer, this.localId);
  }

  /** How many transfers of this peer into a folder are unfinished. */
  countAll(folder: string): number {
    return this.#journal.store.countUnfinished(this.#peer, folder);
  }

  /** Bytes of the manifests of this peer's other transfers into a folder that are unfinished. */
  otherBytes(folder: string): number {
    return this.#journal.store.otherUnfinishedBytes(this.#peer, folder, this.localId);
  }
}
