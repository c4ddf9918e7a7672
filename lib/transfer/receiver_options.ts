/**
 * What a receiver works with, what it reports, and what comes of it.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type {
  Clock,
  ConflictPolicy,
  Entry,
  Identity,
  Placement,
  ReceivingFolder,
  TransferStore,
} from "../ports.ts";
import type { Offer } from "../wire/message.ts";
import type { ManifestBudget } from "./manifest_budget.ts";

/** What a receiver reports while it works. */
export type ReceiverEvent =
  | {
    readonly kind: "offered";
    readonly transferId: Bytes;
    readonly entries: readonly Entry[];
    /** `null` where nobody knows yet. */
    readonly sizeBytes: number | null;
  }
  /** Receiving goes on at `offset`, after an earlier attempt. */
  | { readonly kind: "resumed"; readonly offset: number }
  /** Bytes of the stream that were written. */
  | { readonly kind: "received"; readonly bytes: number }
  /** Everything has come; it is made durable and put in place. */
  | { readonly kind: "finishing" };

/** What a receiver works with. */
export interface ReceiverOptions {
  /** Who we are; it signs the receipt. */
  readonly identity: Identity;
  /** Time. */
  readonly clock: Clock;
  /** Remembers transfers across crashes. */
  readonly store: TransferStore;
  /** Where transfers arrive. */
  readonly folder: ReceivingFolder;
  /** The folder's absolute path, by which the store knows it again. */
  readonly folderPath: string;
  /** What to do where a name is taken. */
  readonly conflict: ConflictPolicy;
  /** Larger transfers are refused; `Infinity` takes any. */
  readonly maxSizeBytes: number;
  /** Whether a first path part may begin with a dot. */
  readonly allowDotfiles: boolean;
  /** Asked before anything of a transfer is touched; resolves when no other connection works on it. */
  readonly claim: (transferId: Bytes) => Promise<() => void>;
  /**
   * What the lists of names of all connections may take of the memory, {@link ActiveTransfers.manifests}; without it, each
   * is bounded by itself alone.
   */
  readonly manifests?: ManifestBudget;
  /** Called as the transfer goes on. */
  readonly onEvent: (event: ReceiverEvent) => void;
}

/** What came of a transfer. */
export interface ReceivedTransfer {
  /** The name of the transfer, 32 bytes. */
  readonly transferId: Bytes;
  /** What was received, in order. */
  readonly entries: readonly Entry[];
  /** Final name of each first path part. */
  readonly topNames: Readonly<Record<string, string>>;
  /** Bytes of all contents. */
  readonly sizeBytes: number;
  /** Bytes that came over this connection: 0 where only the answer had been lost. */
  readonly receivedBytes: number;
}

/** What came of an offer whose stream, of unknown size or not, has `streamBytes`. */
export function resultOf(
  { transferId, sizeBytes }: Offer,
  entries: readonly Entry[],
  { topNames }: Placement,
  streamBytes: number,
  receivedBytes: number,
): ReceivedTransfer {
  if (sizeBytes !== null) return { transferId, entries, topNames, sizeBytes, receivedBytes };
  const sized = entries.map((entry) => ({ ...entry, sizeBytes: streamBytes }));
  return { transferId, entries: sized, topNames, sizeBytes: streamBytes, receivedBytes };
}
