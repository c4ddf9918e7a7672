/**
 * Trees of files for tests: made from a list, and read back to be compared.
 * @module
 */
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import type { Entry } from "../../../lib/ports.ts";

/** A fixed time with a fraction of a second in it. */
export const TIME_MS = 1_700_000_000_123;

/** Bytes that differ from place to place and from seed to seed. */
export function content(sizeBytes: number, seed = 1): Bytes {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed * 2_654_435_761 >>> 0;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** An entry; a path that ends in a slash is a folder. */
export function entry(path: string, sizeBytes = 0, mode?: number, mtimeMs = TIME_MS): Entry {
  return path.endsWith("/")
    ? { path: path.slice(0, -1), kind: "directory", sizeBytes: 0, mtimeMs, mode: mode ?? 0o755 }
    : { path, kind: "file", sizeBytes, mtimeMs, mode: mode ?? 0o644 };
}

/** The content that an entry has in these tests; its path decides. */
export function contentOf(item: Entry): Bytes {
  return content(item.sizeBytes, sum(new TextEncoder().encode(item.path)));
}

/** All contents as one stream. */
export function streamOf(entries: readonly Entry[]): Bytes {
  return concat(...entries.map(contentOf));
}

/** A tree with everything that has gone wrong elsewhere: see the sizes, modes, times and places of empty things. */
export const TREE: readonly Entry[] = [
  entry("first", 5),
  entry("empty-first"),
  entry("tree/", 0, 0o750, TIME_MS - 5_000),
  entry("tree/empty/", 0, 0o755, -1_001),
  entry("tree/one", 1, 0o600, 1),
  entry("tree/block", 4096, 0o755, TIME_MS + 999),
  entry("tree/under", 4095, 0o444),
  entry("tree/closed/", 0, 0o555),
  entry("tree/closed/deep/", 0, 0o500, 86_400_000),
  entry("tree/closed/deep/over", 4097, 0o400),
  entry("tree/closed/zero", 0, 0o640),
  entry("tree/zeroes", 300, 0o604, -5),
  entry("tree/last-zero", 0, 0o600, 4_102_444_800_000),
  entry("last/", 0, 0o711),
];

/** What a tree looks like on disk, by path. */
export type Snapshot = Readonly<Record<string, string>>;

/** The tree that `entries` should become, with the bits of `umask` taken away. */
export function expected(entries: readonly Entry[], umask: number): Snapshot {
  return Object.fromEntries(
    entries.map((
      item,
    ) => [item.path, describe(item.kind, item.mode & ~umask, item.mtimeMs, contentOf(item))]),
  );
}

/** Everything below `folder`, symbolic links themselves, without following any. */
export function snapshot(folder: string, prefix = ""): Snapshot {
  const found: Record<string, string> = {};
  for (const { name } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    const info = Deno.lstatSync(path);
    const mode = info.mode! & 0o7777;
    const mtimeMs = info.mtime!.getTime();
    if (info.isSymlink) {
      found[prefix + name] = `link to ${Deno.readLinkSync(path)}`;
    } else if (info.isDirectory) {
      found[prefix + name] = describe("directory", mode, mtimeMs, new Uint8Array(0));
      Object.assign(found, snapshot(path, `${prefix}${name}/`));
    } else {
      found[prefix + name] = describe("file", mode, mtimeMs, Deno.readFileSync(path));
    }
  }
  return found;
}

function describe(kind: string, mode: number, mtimeMs: number, bytes: Bytes): string {
  const data = bytes.length <= 8
    ? bytes.toHex()
    : `${bytes.length} bytes ${bytes.subarray(0, 8).toHex()} ${sum(bytes)}`;
  return `${kind} ${mode.toString(8)} ${mtimeMs} ${data}`;
}

function sum(bytes: Bytes): number {
  let total = 0;
  for (const byte of bytes) total = (Math.imul(total, 31) + byte) >>> 0;
  return total;
}

/** Gives `object` another `method` while `body` runs. */
export async function withPatched<K extends string, O extends Record<K, unknown>, T>(
  object: O,
  method: K,
  replacement: O[K],
  body: () => Promise<T> | T,
): Promise<T> {
  const original = object[method];
  object[method] = replacement;
  try {
    return await body();
  } finally {
    object[method] = original;
  }
}
