/**
 * Files in memory behind the ports, as a program that runs without Deno brings its own.
 * @module
 */
import { type Bytes, concatAll, toHex } from "../../lib/bytes/bytes.ts";
import { crc32 } from "../../lib/bytes/crc32.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { StreamSha256 } from "../../lib/crypto/stream_digest.ts";
import { StxError } from "../../lib/errors.ts";
import type {
  ConflictPolicy,
  Entry,
  PartialTransfer,
  Placement,
  ReceivingFolder,
  Source,
} from "../../lib/ports.ts";

/** Files to send; their names are in order. */
export class MemorySource implements Source {
  readonly entries: readonly Entry[];
  readonly #content: Bytes;
  #at = 0;

  constructor(files: Readonly<Record<string, Bytes>>) {
    this.entries = Object.entries(files).map(([path, bytes]) => ({
      path,
      kind: "file",
      sizeBytes: bytes.length,
      mtimeMs: 0,
      mode: 0o644,
    }));
    this.#content = concatAll(Object.values(files));
  }

  read(into: Bytes): number {
    const part = this.#content.subarray(this.#at, this.#at + into.length);
    into.set(part);
    this.#at += part.length;
    return part.length;
  }

  seek(offsetBytes: number): void {
    this.#at = offsetBytes;
  }

  checkUnchanged(): void {}

  close(): void {}
}

/** A folder of files alone, without directories, which refuses names that are taken. */
export class MemoryFolder implements ReceivingFolder {
  /** What is in place, by name. */
  readonly files = new Map<string, Bytes>();
  /** What is on its way, by the transfer's local id. */
  readonly #partial = new Map<string, Bytes>();

  // deno-lint-ignore require-await -- the port is asynchronous
  async place(entries: readonly Entry[], conflict: ConflictPolicy): Promise<Placement> {
    for (const { path } of entries) {
      if (this.files.has(path)) throw new StxError("exists", "Cannot receive: the name is taken");
    }
    return { topNames: Object.fromEntries(entries.map(({ path }) => [path, path])), conflict };
  }

  release(): void {}

  open(localId: Bytes, entries: readonly Entry[], placement: Placement): PartialTransfer {
    const id = toHex(localId);
    let content = this.#partial.get(id) ?? new Uint8Array(0);
    const keep = (bytes: Bytes) => {
      content = bytes;
      this.#partial.set(id, bytes);
    };
    return {
      resumeAt: (sizeBytes) => {
        if (content.length < sizeBytes) {
          throw new StxError("state_corrupt", "Cannot continue: too little is there");
        }
        keep(content.slice(0, sizeBytes));
        return Promise.resolve(hashesOf(content));
      },
      write: (bytes) => Promise.resolve(keep(concatAll([content, bytes]))),
      sync: () => Promise.resolve(),
      digests: () => Promise.resolve(cut(content, entries).map((bytes) => sha256(bytes))),
      commit: (beforeRename) => {
        beforeRename(placement);
        cut(content, entries).forEach((bytes, index) => this.files.set(entries[index]!.path, bytes));
        this.#partial.delete(id);
        return Promise.resolve(0);
      },
      close: () => {},
    };
  }

  isInPlace(entries: readonly Entry[]): Promise<boolean> {
    return Promise.resolve(
      entries.every(({ path, sizeBytes }) => this.files.get(path)?.length === sizeBytes),
    );
  }

  hashInPlace(entries: readonly Entry[]): Promise<{ sha256: Bytes; crc32: number }> {
    return Promise.resolve(hashesOf(concatAll(this.#inPlace(entries))));
  }

  digestsInPlace(entries: readonly Entry[]): Promise<readonly Bytes[]> {
    return Promise.resolve(this.#inPlace(entries).map((bytes) => sha256(bytes)));
  }

  discard(localId: Bytes): void {
    this.#partial.delete(toHex(localId));
  }

  #inPlace(entries: readonly Entry[]): readonly Bytes[] {
    return entries.map(({ path }) => this.files.get(path)!);
  }
}

/** The files that a stream holds. */
function cut(content: Bytes, entries: readonly Entry[]): readonly Bytes[] {
  let at = 0;
  return entries.map(({ sizeBytes }) => content.slice(at, at += sizeBytes));
}

function hashesOf(bytes: Bytes): { sha256: Bytes; crc32: number } {
  const hash = new StreamSha256();
  hash.update(bytes);
  return { sha256: hash.finish(), crc32: crc32(bytes) };
}
