/**
 * What the manifests of all transfers under way may take of a receiver's memory: each alone is bounded, but a sender may
 * have many sessions, and there may be many senders.
 * @module
 */
import { type Bytes, toHex } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { MANIFEST_FREE_SIZE, MANIFESTS_PER_SENDER_SIZE_MAX, MANIFESTS_SIZE_MAX } from "../limits.ts";

/** How much there is to give. */
export interface ManifestBudgetLimits {
  /** Bytes of memory for all transfers together. */
  readonly totalBytes: number;
  /** Bytes of it for those of one sender. */
  readonly senderBytes: number;
  /** Bytes that each transfer has beside that, so that a few files are never kept waiting by many. */
  readonly freeBytes: number;
}

const LIMITS: ManifestBudgetLimits = {
  totalBytes: MANIFESTS_SIZE_MAX,
  senderBytes: MANIFESTS_PER_SENDER_SIZE_MAX,
  freeBytes: MANIFEST_FREE_SIZE,
};

/** Bytes of memory that an entry takes beside its name, as measured in a receiver: 300 to 470. */
const ENTRY_MEMORY_BYTES = 400;
/**
 * Bytes of memory for an encoded byte: the byte until it is in the journal, and two in a name as soon as one character in
 * that is outside Latin-1.
 */
const BYTE_MEMORY_BYTES = 3;

/** What one transfer has taken of it. */
export interface ManifestShare {
  /**
   * Takes more, for so many encoded bytes and the entries in them. Throws `busy` if there is not so much now: later,
   * when others have ended, there is.
   */
  grow(sizeBytes: number, entryCount: number): void;
  /** Gives all of it back. */
  release(): void;
}

/** See the module's text. One for all connections of a receiver. */
export class ManifestBudget {
  readonly #limits: ManifestBudgetLimits;
  readonly #bySender = new Map<string, number>();
  #totalBytes = 0;

  /** Nothing is taken. */
  constructor(limits: ManifestBudgetLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Begins a transfer of this sender, which has taken nothing yet. */
  open(sender: Bytes): ManifestShare {
    const name = toHex(sender);
    let neededBytes = 0;
    let takenBytes = 0;
    return {
      grow: (sizeBytes, entryCount) => {
        const wantedBytes = neededBytes + sizeBytes * BYTE_MEMORY_BYTES + entryCount * ENTRY_MEMORY_BYTES;
        const moreBytes = Math.max(0, wantedBytes - this.#limits.freeBytes - takenBytes);
        this.#take(name, moreBytes);
        neededBytes = wantedBytes;
        takenBytes += moreBytes;
      },
      release: () => {
        this.#giveBack(name, takenBytes);
        [neededBytes, takenBytes] = [0, 0];
      },
    };
  }

  #take(sender: string, bytes: number): void {
    if (bytes === 0) return;
    const ownBytes = (this.#bySender.get(sender) ?? 0) + bytes;
    const { totalBytes, senderBytes } = this.#limits;
    if (ownBytes > senderBytes || this.#totalBytes + bytes > totalBytes) {
      throw new StxError(
        "busy",
        "Cannot take the list of names now: those of other transfers fill the memory",
      );
    }
    this.#bySender.set(sender, ownBytes);
    this.#totalBytes += bytes;
  }

  #giveBack(sender: string, bytes: number): void {
    const leftBytes = (this.#bySender.get(sender) ?? 0) - bytes;
    if (leftBytes > 0) this.#bySender.set(sender, leftBytes);
    else this.#bySender.delete(sender);
    this.#totalBytes -= bytes;
  }
}
