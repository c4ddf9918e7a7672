/**
 * Files of shared keys on disk.
 * @module
 */
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { prepareSharedKey, type SharedKey } from "../lib/handshake/key_schedule.ts";
import { formatSharedKey, generateSharedKey, parseSharedKeys } from "../lib/identity/shared_key.ts";
import { systemRandom } from "../lib/net/tcp.ts";
import { inFile, quoted, readText, refuseIfExists, refuseIfReadable, rereading } from "./key_files.ts";
import { replaceFile } from "./replace_file.ts";

/** Makes a shared key: `path` with mode 600, whole or not at all. Throws `exists` unless `force` is given. */
export function makeSharedKey(path: string, comment: string, force: boolean): void {
  const key = generateSharedKey(systemRandom);
  const line = formatSharedKey(key, comment);
  key.fill(0);
  if (!force) refuseIfExists(path);
  replaceFile(path, `${line}\n`, 0o600);
}

/**
 * The keys of a receiver's file, ready for handshakes. Throws `bad_key_file` for a file that is missing, that
 * others may read, or that holds anything but keys.
 */
export function readSharedKeys(path: string): readonly SharedKey[] {
  const file = readText(path, "the shared key");
  if (file === undefined) {
    throw new StxError(
      "bad_key_file",
      `Cannot read the shared key ${escapeControls(path)}: there is no such file`,
      { hint: `copy it from the other machine, or make one with: stx keygen --psk --out ${quoted(path)}` },
    );
  }
  refuseIfReadable(path, file.mode, "the shared key");
  return inFile(path, () => parseSharedKeys(file.text)).map((key) => {
    const prepared = prepareSharedKey(key);
    key.fill(0);
    return prepared;
  });
}

/** As {@link readSharedKeys}, for a sender, who uses exactly one: which of several is meant is not guessed. */
export function readSharedKey(path: string): SharedKey {
  const [key, ...others] = readSharedKeys(path);
  if (others.length > 0) {
    throw new StxError(
      "bad_key_file",
      `Cannot use the shared key ${escapeControls(path)}: it holds ${
        others.length + 1
      } keys, and a sender has one`,
      { hint: "put the one that this receiver knows into a file of its own" },
    );
  }
  return key!;
}

/** As {@link readSharedKeys}, again and again: a key that is taken out of the file counts no longer. */
export function sharedKeysReader(path: string): () => readonly SharedKey[] {
  return rereading(path, () => readSharedKeys(path));
}
