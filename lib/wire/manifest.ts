/**
 * The manifest: what a transfer carries, entry by entry.
 *
 * An entry is `kind(1) | mode(2) | mtime(8) | size(8) | path: size(2), UTF-8`. Kind 0 is a file, 1 a directory;
 * the mode is 0 to 0o777; the time is signed milliseconds since 1970; a directory's size is 0. The manifest's
 * digest is SHA-256 over all entries one after the other; MANIFEST records cut between entries.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import { MANIFEST_BODY_SIZE_MAX, PATH_SIZE_MAX, STREAM_SIZE_MAX, TIME_MS_MAX } from "../limits.ts";
import type { Entry } from "../ports.ts";
import { ByteReader, i64, u16, u64, u8, vector16 } from "./fields.ts";

/** Bytes of an entry around its path. */
const ENTRY_OVERHEAD = 1 + 2 + 8 + 8 + 2;
const ENTRY_SIZE_MAX = ENTRY_OVERHEAD + PATH_SIZE_MAX;
const PERMISSION_BITS = 0o777;

function encodeEntry(entry: Entry): Bytes {
  return concat(
    u8(entry.kind === "file" ? 0 : 1),
    u16(entry.mode),
    i64(entry.mtimeMs),
    u64(entry.sizeBytes),
    vector16(utf8(entry.path)),
  );
}

function readEntry(reader: ByteReader): Entry {
  const kind = reader.u8();
  if (kind > 1) reader.fail(`an entry has kind ${kind}`);
  const mode = reader.u16();
  if ((mode & ~PERMISSION_BITS) !== 0) reader.fail(`an entry has mode ${mode.toString(8)}`);
  const mtimeMs = reader.i64();
  if (Math.abs(mtimeMs) > TIME_MS_MAX) reader.fail(`an entry's time is ${mtimeMs} ms`);
  const sizeBytes = reader.u64();
  if (kind === 1 && sizeBytes !== 0) reader.fail("a directory has a size");
  const path = reader.text16(PATH_SIZE_MAX);
  return { path, kind: kind === 0 ? "file" : "directory", sizeBytes, mtimeMs, mode };
}

/**
 * Encodes entries into the bodies of MANIFEST records, none over the limit.
 * Throws `bad_name` for a path that is too long to be sent.
 */
export function encodeManifest(entries: readonly Entry[]): readonly Bytes[] {
  const bodies: Bytes[] = [];
  let parts: Bytes[] = [];
  let size = 0;
  for (const entry of entries) {
    const encoded = encodeEntry(entry);
    if (encoded.length > ENTRY_SIZE_MAX) {
      throw new StxError("bad_name", `Cannot send "${escapeControls(entry.path)}": the path is too long`);
    }
    if (size + encoded.length > MANIFEST_BODY_SIZE_MAX) {
      bodies.push(concat(...parts));
      parts = [];
      size = 0;
    }
    parts.push(encoded);
    size += encoded.length;
  }
  if (parts.length > 0) bodies.push(concat(...parts));
  return bodies;
}

/** Reads the entries of one MANIFEST record, or of several put together; throws `malformed`. */
export function decodeManifest(body: Bytes): readonly Entry[] {
  const reader = new ByteReader(body, "MANIFEST");
  const entries: Entry[] = [];
  while (reader.remaining > 0) entries.push(readEntry(reader));
  return entries;
}

/**
 * Reads a manifest that comes in pieces, cut anywhere: a million entries take seconds, and whoever reads them has others
 * to serve between.
 */
export class ManifestReader {
  #rest: Bytes = new Uint8Array(0);

  /** The entries that certainly end in this piece; throws `malformed`. */
  take(piece: Bytes): readonly Entry[] {
    const reader = new ByteReader(this.#rest.length === 0 ? piece : concat(this.#rest, piece), "MANIFEST");
    const entries: Entry[] = [];
    while (reader.remaining >= ENTRY_SIZE_MAX) entries.push(readEntry(reader));
    this.#rest = reader.rest();
    return entries;
  }

  /** The last entries; throws `malformed`. */
  finish(): readonly Entry[] {
    return decodeManifest(this.#rest);
  }
}

/** Bytes of all contents together; throws `malformed` above the limit. */
export function totalSizeBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) {
    total += entry.sizeBytes;
    if (total > STREAM_SIZE_MAX) {
      throw new StxError(
        "malformed",
        "Cannot take a manifest: its files together have more than 2^53 - 1 bytes",
      );
    }
  }
  return total;
}
