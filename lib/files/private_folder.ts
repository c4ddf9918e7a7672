/**
 * The folder in which one transfer waits until it is whole: `DIR/.stx-partial/<transfer id>/`. Nobody else may
 * enter it, and one process at a time works in it.
 *
 * ```
 * .stx-partial/            mode 700
 *   <64 digits>/           mode 700
 *     lock                 locked for as long as somebody works here
 *     data/                the transfer's files under their own names
 * ```
 * @module
 */
import fs from "node:fs";
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import { diskError, isNotFound, isTaken } from "./disk_error.ts";
import { findUnreal, inspect, openExisting } from "./inspect.ts";
import { openAtOnce } from "./opening.ts";

/** How the names of folders begin that we make in the receiving folder; no transfer may bring one of them. */
export const OWN_PREFIX = ".stx-";
/** The folder in the receiving folder that holds all unfinished transfers. */
export const PARTIAL_FOLDER = `${OWN_PREFIX}partial`;

/** What a folder's owner needs to make names in it, and to open it so that they can be made durable. */
const OWNER_NEEDS = 0o700;

/** How often to begin again when another process tidies up at the very same time. */
const ATTEMPTS = 100;

/** A private folder that is locked by us. */
export class PrivateFolder {
  readonly #base: string;
  readonly #id: string;
  readonly #lock: Deno.FsFile;
  /** The folder itself. */
  readonly path: string;
  /** The folder in it for the transfer's files. */
  readonly dataPath: string;
  #isClosed = false;

  /** `lock` is the open lock file, which is locked. */
  constructor(base: string, id: string, lock: Deno.FsFile) {
    this.#base = base;
    this.#id = id;
    this.#lock = lock;
    this.path = `${base}/${id}`;
    this.dataPath = `${this.path}/data`;
  }

  /** Every folder that a new name was made in, for making that durable. */
  get folders(): readonly string[] {
    return [parentFolder(this.#base), this.#base, this.path, this.dataPath];
  }

  /**
   * Throws `state_corrupt` unless every folder from `.stx-partial` down to `relative`, a path below `data`, is
   * still a real folder.
   */
  requireFolder(relative: string): void {
    const below = `${PARTIAL_FOLDER}/${this.#id}/data${relative === "" ? "" : `/${relative}`}`;
    const unreal = findUnreal(parentFolder(this.#base), below);
    if (unreal === undefined) return;
    throw new StxError("state_corrupt", `Cannot use "${escapeControls(unreal)}": it is not a real folder`, {
      hint: "The transfer has to begin again.",
    });
  }

  /** Removes all that has arrived. */
  async emptyData(): Promise<void> {
    this.requireFolder("");
    try {
      await Deno.remove(this.dataPath, { recursive: true });
    } catch (error) {
      throw diskError(error, "remove", this.dataPath);
    }
    makeFolder(this.dataPath);
  }

  /** Removes of what has arrived all that is not in `kept`, paths below the data with every folder above them. */
  removeOthers(kept: ReadonlySet<string>, relative = ""): void {
    const folder = relative === "" ? this.dataPath : `${this.dataPath}/${relative}`;
    try {
      for (const item of Deno.readDirSync(folder)) {
        const path = relative === "" ? item.name : `${relative}/${item.name}`;
        if (!kept.has(path)) Deno.removeSync(`${this.dataPath}/${path}`, { recursive: true });
        else if (item.isDirectory) this.removeOthers(kept, path);
      }
    } catch (error) {
      throw diskError(error, "tidy up", folder);
    }
  }

  /** Removes the folder with all that has arrived, and `.stx-partial` with the last one; ends the lock. */
  remove(): void {
    try {
      this.requireFolder("");
      Deno.removeSync(this.dataPath, { recursive: true });
      // Whatever else is found in these two folders belongs to others who have begun meanwhile, and stays.
      removeIfThere(`${this.path}/lock`);
      this.close();
      Deno.removeSync(this.path);
      Deno.removeSync(this.#base);
    } catch (error) {
      this.close();
      if (!isTaken(error) && !isNotFound(error)) throw diskError(error, "remove", this.path);
    }
  }

  /** Ends the lock; what has arrived stays. May be called again. */
  close(): void {
    if (!this.#isClosed) this.#lock.close();
    this.#isClosed = true;
  }
}

/**
 * Opens the private folder of the transfer `id` in the folder `root`, making what is missing of it. Throws
 * `state_busy` if somebody works in it; `permission` if a part of it is a symbolic link, belongs to somebody
 * else, or may be entered by others; `state_corrupt` if its lock file is not a plain file; and what
 * {@link diskError} says.
 */
export function openPrivateFolder(root: string, id: string): PrivateFolder {
  const base = `${root}/${PARTIAL_FOLDER}`;
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return tryOpen(root, base, id);
    } catch (error) {
      // Between two of our steps another process may have removed an empty `.stx-partial`, or this very folder.
      if (!isNotFound(error instanceof StxError ? error.cause : error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Removes the private folder of the transfer `id`, if there is one. Throws as {@link openPrivateFolder}. */
export function removePrivateFolder(root: string, id: string): void {
  if (inspect(`${root}/${PARTIAL_FOLDER}/${id}`) === undefined) return;
  openPrivateFolder(root, id).remove();
}

function tryOpen(root: string, base: string, id: string): PrivateFolder {
  const model = makeFolder(base) ? look(base) : lookAtNew(root);
  requirePrivate(base, model);
  const own = `${base}/${id}`;
  makeFolder(own);
  requirePrivate(own, model);
  const lockPath = `${own}/lock`;
  const lock = openLock(lockPath);
  try {
    // Whoever held the lock may have removed the file that we opened, and another have made a new one.
    if (!lock.tryLockSync(true) || look(lockPath).ino !== lock.statSync().ino) {
      throw new StxError(
        "state_busy",
        `Cannot use "${escapeControls(own)}": another process is working in it`,
        {
          hint: "Wait until the other transfer ends.",
        },
      );
    }
    const folder = new PrivateFolder(base, id, lock);
    makeFolder(folder.dataPath);
    requirePrivate(folder.dataPath, model);
    return folder;
  } catch (error) {
    lock.close();
    throw diskError(error, "lock", lockPath);
  }
}

function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    if (!isTaken(error)) throw diskError(error, "make", path);
    return openExisting(path);
  }
}

/** Makes a folder for us alone; says whether it is new. */
function makeFolder(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw diskError(error, "make the folder", path);
  }
}

/**
 * Looks at `.stx-partial` in the folder `root` as {@link openPrivateFolder} does, and changes nothing; `undefined` if there
 * is none. Throws as that does, also where it takes no transfer.
 * @param model what a folder looks like that we have made for ourselves in `root`
 */
export function inspectPartialFolder(root: string, model: Deno.FileInfo): Deno.FileInfo | undefined {
  const path = `${root}/${PARTIAL_FOLDER}`;
  const info = inspect(path);
  if (info === undefined) return undefined;
  try {
    requirePrivate(path, model);
    requireWritable(path);
  } catch (error) {
    // With the last transfer it goes, and one may have ended just now.
    if (inspect(path) === undefined) return undefined;
    throw error;
  }
  return info;
}

/**
 * What a folder looks like that we make for ourselves in `root`. It belongs to us, which Deno tells otherwise only
 * with a permission of its own; and where the file system has no modes, others may enter it all the same. Throws
 * what {@link diskError} says.
 */
export function lookAtNew(root: string): Deno.FileInfo {
  let probe: string;
  try {
    probe = Deno.makeTempDirSync({ dir: root, prefix: `${PARTIAL_FOLDER}-` });
  } catch (error) {
    throw diskError(error, "make a folder in", root);
  }
  try {
    return look(probe);
  } finally {
    removeProbe(probe);
  }
}

function removeProbe(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    throw diskError(error, "remove", path);
  }
}

/**
 * Throws `permission`, or what else {@link diskError} says, unless names can be made in the folder `path`, and made
 * durable. Its mode says so for most; where it does not, the superuser for one may still, so it is tried.
 */
export function requireWritable(path: string): void {
  const { mode } = look(path);
  if (mode !== null && (mode & OWNER_NEEDS) === OWNER_NEEDS) return;
  let probe: string;
  try {
    fs.closeSync(openAtOnce(path));
    probe = Deno.makeTempDirSync({ dir: path, prefix: `${PARTIAL_FOLDER}-` });
  } catch (error) {
    throw diskError(error, "put something into", path);
  }
  removeProbe(probe);
}

/** Throws `permission` unless `path` is a real folder that is ours and as closed to others as can be. */
function requirePrivate(path: string, model: Deno.FileInfo): void {
  const info = look(path);
  if (!info.isDirectory) throw notPrivate(path, "it is not a real folder", "Move it out of the way.");
  if (info.uid !== model.uid) {
    throw notPrivate(
      path,
      "it belongs to another user",
      "Move it out of the way, or receive into another folder.",
    );
  }
  if (((info.mode ?? 0) & ~(model.mode ?? 0) & 0o077) !== 0) {
    throw notPrivate(path, "other users may enter it", `Close it with: chmod 700 ${PARTIAL_FOLDER}`);
  }
}

function notPrivate(path: string, why: string, hint: string): StxError {
  return new StxError("permission", `Cannot keep a partial transfer in "${escapeControls(path)}": ${why}`, {
    hint,
  });
}

function look(path: string): Deno.FileInfo {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    throw diskError(error, "look at", path);
  }
}

function parentFolder(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Somebody who tidies up may have taken it. */
function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
