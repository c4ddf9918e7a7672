/**
 * What earlier runs may have left in a receiving folder: partial folders that no journal knows, since a process died
 * between making one and noting it, or since the power failed after its removal; and the empty folders that only
 * showed whether, or how, names can be made.
 *
 * Several receivers, each with a state of its own, may share a folder. So what this one knows nothing of may be
 * another's, and goes only when nobody has touched it for as long as any receiver waits for a sender. When something
 * was touched is read from its time of change, which unlike its time of modification is never set back.
 * @module
 */
import { StxError } from "../errors.ts";
import { diskError } from "./disk_error.ts";
import { inspect } from "./inspect.ts";
import { lookAtNew, openPrivateFolder, PARTIAL_FOLDER } from "./private_folder.ts";

/** What is known of the partial folders, and when. */
export interface LeftoversOptions {
  /** The names, 64 hexadecimal digits each, of those that some transfer still needs. */
  readonly known: ReadonlySet<string>;
  /** For how long nobody must have touched another one, in milliseconds. */
  readonly partialAgeMaxMs: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** A partial folder's name. */
const PARTIAL_NAME = /^[0-9a-f]{64}$/;
/** A folder of our own that holds nothing: one that was made as a trial, and the one for partial folders. */
const EMPTY_NAME = /^\.stx-(?:partial|(?:partial-)?[0-9a-f]{8,16})$/;
/** A trial takes an instant; a day is past every doubt about clocks and slow disks. */
const EMPTY_AGE_MAX_MS = 24 * 3600 * 1000;

/**
 * Removes from the receiving folder `root`, an absolute path, what is certainly ours and certainly dead. Whatever is
 * in use, cannot be looked at or cannot be removed stays for another time: nothing depends on it.
 */
export function removeLeftovers(root: string, options: LeftoversOptions): void {
  quietly(() => {
    for (const id of namesIn(`${root}/${PARTIAL_FOLDER}`)) {
      if (PARTIAL_NAME.test(id) && !options.known.has(id)) quietly(() => removePartial(root, id, options));
    }
  });
  quietly(() => {
    for (const name of namesIn(root)) {
      if (EMPTY_NAME.test(name)) quietly(() => removeEmpty(root, name, options.nowMs));
    }
  });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
  }
}

function removePartial(root: string, id: string, { nowMs, partialAgeMaxMs }: LeftoversOptions): void {
  const path = `${root}/${PARTIAL_FOLDER}/${id}`;
  const beforeMs = nowMs - partialAgeMaxMs;
  // What else is in it, nobody of ours has put there.
  if (!namesIn(path).every((name) => name === "lock" || name === "data")) return;
  if (!isOlder(path, beforeMs)) return;
  const folder = openPrivateFolder(root, id);
  try {
    // Whoever had the lock until a moment ago may have gone on with it.
    if (namesIn(folder.dataPath).length === 0 || isOlder(folder.dataPath, beforeMs)) folder.remove();
  } finally {
    folder.close();
  }
}

function removeEmpty(root: string, name: string, nowMs: number): void {
  const path = `${root}/${name}`;
  const info = inspect(path);
  if (!info?.isDirectory || !isOlder(path, nowMs - EMPTY_AGE_MAX_MS)) return;
  if (info.uid !== lookAtNew(root).uid) return;
  try {
    // One that is not empty stays.
    Deno.removeSync(path);
  } catch (error) {
    throw diskError(error, "remove", path);
  }
}

/** Says whether nothing of a folder, itself included, was touched since `beforeMs`; follows no symbolic link. */
function isOlder(path: string, beforeMs: number): boolean {
  const info = inspect(path);
  const changed = info?.ctime;
  if (!changed || changed.getTime() >= beforeMs) return false;
  return !info.isDirectory || namesIn(path).every((name) => isOlder(`${path}/${name}`, beforeMs));
}

/** The names in a folder; none where there is no such folder, or it is not a real one. */
function namesIn(path: string): readonly string[] {
  if (inspect(path)?.isDirectory !== true) return [];
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    throw diskError(error, "list", path);
  }
}
