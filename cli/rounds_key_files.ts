/**
 * Files of the rounds protocol's keys on disk: the base key, the clients' keys, and the server's database of them.
 * @module
 */
import type { Bytes } from "../lib/bytes/bytes.ts";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { systemRandom } from "../lib/net/tcp.ts";
import {
  type ClientKey,
  formatBaseKey,
  formatClientKey,
  parseBaseKey,
  parseClientKey,
} from "../lib/rounds/key_files.ts";
import { COUNTER_MAX } from "../lib/rounds/packet.ts";
import { BASE_KEY_SIZE, nextRoot } from "../lib/rounds/root.ts";
import { SqliteRoundsKeys } from "../lib/store/sqlite_rounds_keys.ts";
import { inFile, quoted, refuseIfExists, refuseIfReadable, throughLink } from "./key_files.ts";
import { replaceFile, replaceWith } from "./replace_file.ts";

/** Bytes of a key file; it is one line, and room for what somebody has noted beside it. */
const KEY_FILE_SIZE_MAX = 4096;

/** Makes a base key: `path` with mode 600, whole or not at all. Throws `exists` unless `force` is given. */
export function makeBaseKey(path: string, comment: string, force: boolean): void {
  const key = systemRandom.bytes(BASE_KEY_SIZE);
  const line = formatBaseKey(key, comment);
  key.fill(0);
  if (!force) refuseIfExists(path);
  replaceFile(path, `${line}\n`, 0o600);
}

/** The base key in a file; whoever gets it wipes it. Throws `bad_key_file`, also where others may read the file. */
export function readBaseKey(path: string): Bytes {
  const hint = `make one with: stx keygen --base-key --out ${quoted(path)}`;
  return readKey(path, "the base key", hint, parseBaseKey);
}

/** A client's key; whoever gets it wipes its root. Throws `bad_key_file`, also where others may read the file. */
export function readClientKey(path: string): ClientKey {
  return readKey(path, "the client's key", "copy it from where the client was enrolled", parseClientKey);
}

/**
 * Takes the epoch of one session out of a client's file: from then on, whatever happens, the file has the next one, and
 * the root of this one is in memory alone; whoever gets it wipes it. Throws `bad_key_file` as {@link readClientKey}, and
 * where the epochs are used up.
 */
export function takeEpoch(path: string): ClientKey {
  const target = throughLink(path);
  let taken: ClientKey | undefined;
  try {
    replaceWith(target, 0o600, () => {
      taken = readClientKey(target);
      if (taken.epoch > COUNTER_MAX) {
        throw new StxError("bad_key_file", `${escapeControls(path)}: Its epochs are used up`, {
          hint: `enroll ${taken.id} again`,
        });
      }
      const root = nextRoot(taken.root);
      const line = formatClientKey({ ...taken, epoch: taken.epoch + 1, root });
      root.fill(0);
      return `${line}\n`;
    });
    return taken!;
  } catch (error) {
    taken?.root.fill(0);
    throw error;
  }
}

/**
 * Writes a client's file; it has its name once `commit` has returned, and not if that throws. All of it survives a crash
 * when this returns.
 */
export function writeClientKey(path: string, key: ClientKey, commit: () => void): void {
  replaceWith(path, 0o600, () => `${formatClientKey(key)}\n`, commit);
}

/**
 * Opens the database of clients' keys. Throws `bad_key_file` where there is none or others may read it; all else is as
 * with {@link SqliteRoundsKeys}.
 */
export function openRoundsKeys(path: string): SqliteRoundsKeys {
  const info = look(path);
  if (info === undefined) {
    throw new StxError(
      "bad_key_file",
      `Cannot open the key database ${escapeControls(path)}: it does not exist`,
      {
        hint: `enroll a client first: stx rounds enroll ID --base-key FILE --keys ${quoted(path)} --out FILE`,
      },
    );
  }
  refuseIfReadable(path, info.mode, "the key database");
  return new SqliteRoundsKeys(path);
}

/** As {@link openRoundsKeys}, but makes the database if there is none. */
export function openOrMakeRoundsKeys(path: string): SqliteRoundsKeys {
  return look(path) === undefined ? new SqliteRoundsKeys(path) : openRoundsKeys(path);
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
}

/** Reads a key without a string on the way, which would stay in memory for longer than its use. */
function readKey<T>(path: string, what: string, hint: string, parse: (file: Bytes) => T): T {
  const info = look(path);
  if (info === undefined) {
    throw new StxError("bad_key_file", `Cannot read ${what} ${escapeControls(path)}: there is no such file`, {
      hint,
    });
  }
  refuseIfReadable(path, info.mode, what);
  if (!info.isFile || info.size > KEY_FILE_SIZE_MAX) {
    throw new StxError("bad_key_file", `Cannot read ${what} ${escapeControls(path)}: it is not a key file`, {
      hint,
    });
  }
  const bytes = new Uint8Array(KEY_FILE_SIZE_MAX);
  try {
    return inFile(path, () => parse(bytes.subarray(0, readInto(bytes, path, what))));
  } finally {
    bytes.fill(0);
  }
}

function readInto(bytes: Bytes, path: string, what: string): number {
  let size = 0;
  try {
    using file = Deno.openSync(path, { read: true });
    for (;;) {
      const read = file.readSync(bytes.subarray(size));
      if (read === null || read === 0) return size;
      size += read;
    }
  } catch (error) {
    throw diskError(error, `read ${what}`, path);
  }
}
