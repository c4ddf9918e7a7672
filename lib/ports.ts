/**
 * What the protocol needs from the world, as interfaces: bytes both ways, time, randomness, files to read,
 * a place for files to arrive, and a memory that survives a crash. The core reaches the world through these
 * alone, so a test can stand in for all of it and replay a failure from a seed.
 * @module
 */
import type { Bytes } from "./bytes/bytes.ts";

/** Time. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  nowMs(): number;
  /** Calls `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** A source of unpredictable bytes. */
export interface Random {
  /** Returns `size` fresh random bytes. */
  bytes(size: number): Bytes;
}

/** A connection as bytes: reliable and in order as TCP gives it, promising nothing else. */
export interface Duplex {
  /** Waits for bytes and puts them at the start of `into`; returns how many, `null` at the end of stream. */
  read(into: Bytes): Promise<number | null>;
  /** Writes all of `bytes`. */
  write(bytes: Bytes): Promise<void>;
  /** Ends our direction; the peer's stays open. */
  closeWrite(): Promise<void>;
  /** Ends both directions at once; may be called again. */
  close(): void;
}

/** One named thing that a transfer carries. */
export interface Entry {
  /** Parts joined by `/`, relative, no `.` or `..`; the first part is the name it arrives under. */
  readonly path: string;
  /** A directory has no content. */
  readonly kind: "file" | "directory";
  /** Bytes of a file's content; 0 for a directory. */
  readonly sizeBytes: number;
  /** Modification time in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
}

/** The files of a transfer as its sender reads them: all contents in entry order as one stream. */
export interface Source {
  /** Reads the next bytes of the stream, filling `into` except at the end; returns how many, 0 at the end. */
  read(into: Bytes): number | Promise<number>;
  /** Goes to a place in the stream, counted in bytes from its start. */
  seek(offsetBytes: number): void;
  /** Throws `source_changed` if a file's size or time is not that of its entry. */
  checkUnchanged(): void;
  /** Lets go of open files. */
  close(): void;
}

/** What to do where a name is already taken. */
export type ConflictPolicy = "refuse" | "rename" | "overwrite" | "skip";

/** Where the entries of one transfer will be, decided before its first byte arrives. */
export interface Placement {
  /** Final name of each first path part. */
  readonly topNames: Readonly<Record<string, string>>;
  /** What to do with files that exist when the transfer is put in place. */
  readonly conflict: ConflictPolicy;
}

/** The folder that transfers arrive in. */
export interface ReceivingFolder {
  /**
   * Decides where entries go. What an earlier attempt at the transfer `localId` has reserved counts as free. Throws `exists` if the policy is to refuse and a first part is taken, or to skip
   * and nothing would be left.
   */
  place(entries: readonly Entry[], conflict: ConflictPolicy, localId?: Bytes): Promise<Placement>;
  /** Gives up what a placement has reserved, if no transfer is opened with it. */
  release(placement: Placement): void;
  /**
   * Opens the private partial folder of a transfer, making it if it does not exist.
   * @param isSizeUnknown the one entry takes whatever is written
   */
  open(
    localId: Bytes,
    entries: readonly Entry[],
    placement: Placement,
    isSizeUnknown?: boolean,
  ): PartialTransfer;
  /** Says whether every file stands in place with its size and time. */
  isInPlace(entries: readonly Entry[], placement: Placement): Promise<boolean>;
  /** SHA-256 and CRC-32 of the stream that the files in place make. Throws `state_corrupt` if one has changed. */
  hashInPlace(entries: readonly Entry[], placement: Placement): Promise<{ sha256: Bytes; crc32: number }>;
  /** SHA-256 of each file in place, in entry order; directories are left out. */
  digestsInPlace(entries: readonly Entry[], placement: Placement): Promise<readonly Bytes[]>;
  /** Removes a partial folder and all in it; not an error if there is none. */
  discard(localId: Bytes): void;
}

/** Files on their way: written as one stream into a private folder, then put in place together. */
export interface PartialTransfer {
  /**
   * Hashes the first `sizeBytes` of the stream as they stand on disk, drops all behind them and continues
   * there. Returns SHA-256 and CRC-32 of that prefix. Throws `state_corrupt` if less is there.
   */
  resumeAt(sizeBytes: number): Promise<{ sha256: Bytes; crc32: number }>;
  /** Appends to the stream; `bytes` must stay as they are until it resolves. Calls must not overlap. */
  write(bytes: Bytes): Promise<void>;
  /** Resolves when everything written before the call survives a crash. */
  sync(): Promise<void>;
  /** SHA-256 of each file, read back from disk, in entry order; directories are left out. */
  digests(): Promise<readonly Bytes[]>;
  /**
   * Puts everything in place: sets times and modes, makes it durable, renames, makes the renames durable.
   * Calling it again after a crash at any point finishes the same work. Calls `beforeRename` when all is
   * durable and nothing has a final name yet, with where everything goes: under the policy to rename that may be
   * another place than it was opened with. Resolves to the number of files that were not put in place because
   * the policy is to skip those that exist, and calls `onKept` with it, and with the path of the first of them, before
   * the partial folder, which still knows, is removed.
   */
  commit(
    beforeRename: (placement: Placement) => void,
    onKept?: (count: number, first: string) => void,
  ): Promise<number>;
  /** Lets go of open files and of the lock; what was written stays for another time. */
  close(): void;
}

/** A transfer as the receiver remembers it, found by the sender's key and the transfer's id. */
export interface StoredTransfer {
  /** "committing": everything is durable and is being put in place. */
  readonly state: "receiving" | "committing" | "done";
  /** SHA-256 of the encoded manifest, which is kept beside it: 32 bytes. */
  readonly manifestDigest: Bytes;
  /** Bytes of the encoded manifest. */
  readonly manifestSizeBytes: number;
  /** Bytes of one block of the stream. */
  readonly blockSizeBytes: number;
  /** Bytes of the stream that survive a crash. */
  readonly durableBytes: number;
  /** Absolute path of the receiving folder. */
  readonly folder: string;
  /** Where its entries go. */
  readonly placement: Placement;
  /** The signed receipt; empty until done. */
  readonly receipt: Bytes;
  /** When the row was last written, in milliseconds since 1970. */
  readonly updatedMs: number;
}

/**
 * The receiver's memory of transfers. One peer's rows are never found under another peer's key. Manifests, which may have
 * hundreds of megabytes, are kept beside the rows in parts, and touched by nothing that does not ask for them.
 */
export interface TransferStore {
  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined;
  /**
   * Writes a transfer; it is durable when the call returns. Its manifest stays as it is, where none is given.
   * @param manifestPart the manifest's first part, in place of all that is known of it: the others follow by
   * {@link TransferStore.saveManifestPart}
   */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer, manifestPart?: Bytes): void;
  /**
   * Writes a part of the manifest of a transfer that exists; durable when the call returns.
   * @param part its number: 0 is the first
   */
  saveManifestPart(peer: Bytes, transferId: Bytes, part: number, bytes: Bytes): void;
  /**
   * A part of a transfer's manifest, cut anywhere; `undefined` behind the last. Whether all of them are there, the
   * manifest's digest says: a crash may have come between two.
   */
  manifestPart(peer: Bytes, transferId: Bytes, part: number): Bytes | undefined;
  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void;
  /** Forgets a transfer and its manifest; not an error if there is none. */
  remove(peer: Bytes, transferId: Bytes): void;
  /** Every transfer in one state, in no order. */
  list(state: StoredTransfer["state"]): readonly {
    readonly peer: Bytes;
    readonly transferId: Bytes;
    readonly transfer: StoredTransfer;
  }[];
  /** How many transfers of this peer into this folder are neither finished nor being put in place. */
  countUnfinished(peer: Bytes, folder: string): number;
  /** Bytes of the manifests of those of them that are not the one with this id. */
  otherUnfinishedBytes(peer: Bytes, folder: string, transferId: Bytes): number;
  /**
   * Forgets some of the finished transfers that nobody needs any more: those last written before `beforeMs`, the
   * oldest where there are more than `countMax`, and the oldest of a peer whose manifests have more than
   * `peerBytesMax` together. One call is short.
   * @returns whether there was something to forget: then it is to be called again
   */
  pruneFinished(beforeMs: number, countMax: number, peerBytesMax: number): boolean;
}

/** A server's memory of the sessions that were opened, so that none is ever opened by the same HELLO again. */
export interface NonceStore {
  /**
   * Claims a client's nonce; durable when the call returns.
   * @param nonce 32 bytes, from the HELLO of a client that has proved who it is
   * @param expiresMs until when it is remembered, in milliseconds since 1970
   * @param nowMs claims that have expired by then are forgotten
   * @returns `false` if it was claimed before
   */
  claim(nonce: Bytes, expiresMs: number, nowMs: number): boolean;
}

/** A peer's change of identity, as that peer has announced it. */
export interface KnownRotation {
  /** The 32-byte public key that is given up. */
  readonly oldKey: Bytes;
  /** The 32-byte public key that follows it. */
  readonly newKey: Bytes;
  /** The statement that both keys have signed: see `lib/identity/rotation.ts`. */
  readonly statement: Bytes;
  /** Whether the new key has been used, so that the old one counts no longer. */
  readonly isComplete: boolean;
}

/** A receiver's memory of the changes that its senders have announced. */
export interface RotationStore {
  /** Writes a change, in place of one with the same old key; durable when the call returns. */
  save(rotation: KnownRotation): void;
  /** Every change, in no order. */
  list(): readonly KnownRotation[];
}

/** A rounds server's memory of its clients' keys. */
export interface RoundsKeyStore {
  /** The root and epoch of a client, if it is enrolled; the root is the caller's to overwrite. */
  find(id: string): { readonly root: Bytes; readonly epoch: number } | undefined;
  /**
   * Goes on to another epoch, and forgets the root before; durable when the call returns. `false`, and nothing is
   * changed, if the client's root is not `from` any more: another session was quicker, or the client was enrolled anew.
   */
  advance(id: string, from: Bytes, to: number, root: Bytes): boolean;
  /** Enrols a client, in place of one of the same name; durable when the call returns. */
  enroll(id: string, root: Bytes): void;
  /** Forgets a client; `false` if there is none of that name. */
  revoke(id: string): boolean;
  /** Every client's name and epoch, in the order of the names. */
  list(): readonly { readonly id: string; readonly epoch: number }[];
}

/** A long-term Ed25519 key pair that can sign; where the private half lies is its own affair. */
export interface Identity {
  /** The 32-byte public key. */
  readonly publicKey: Bytes;
  /** Signs; the result is 64 bytes (RFC 8032). */
  sign(message: Bytes): Promise<Bytes>;
}
