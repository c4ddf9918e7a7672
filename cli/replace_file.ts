/**
 * Writing small files so that a crash leaves the old one or the new one, and one writer waits for the other.
 * @module
 */
import { closeSync, fchownSync, fstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { makeDurableNow } from "../lib/files/durable.ts";

/** How long a file may be written by another stx, in milliseconds: it takes a few, with a slow disk some hundred. */
const WRITING_MAX_MS = 2_000;
const LOOK_AGAIN_MS = 10;

/** Makes a folder that only its owner may enter, with those above it; one that exists is left alone. */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw diskError(error, "make the folder", path);
  }
}

/**
 * Writes a file whole: a crash leaves the old one or the new one, and nothing that is in the way of the next attempt. It
 * is the new one once this has returned. The folder is made if it is missing. Throws `disk` if another stx takes longer
 * than {@link WRITING_MAX_MS} to write the same file.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  replaceWith(path, mode, () => text);
}

/**
 * As {@link replaceFile}, with what `compose` returns. From before it is called until the file is written no other stx
 * writes it, so what it reads there is still true then. If it throws, the file stays as it is.
 * @param beforeRename is called when the text is on the disk and the file does not have it yet; it may throw, too
 */
export function replaceWith(
  path: string,
  mode: number,
  compose: () => string,
  beforeRename: () => void = () => {},
): void {
  const draft = draftOf(path);
  const file = openDraft(path, draft, mode);
  try {
    const bytes = new TextEncoder().encode(compose());
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
    beforeRename();
    Deno.renameSync(draft, path);
    makeNameDurable(path, file);
  } catch (error) {
    try {
      Deno.removeSync(draft);
    } catch {
      // A second failure, while tidying up after the first: that one is what counts, and the next attempt takes it over.
    }
    throw diskError(error, "write", path);
  } finally {
    // Its lock ends with it.
    file.close();
  }
}

/**
 * Makes it durable that the file at `path`, which is open, has that name: whoever is told that a key was revoked counts
 * on it. That is a matter of the folder. Where this run may not read that, the file is made durable once more: since its
 * name is newer than its text, the usual file systems of Linux write both then.
 */
function makeNameDurable(path: string, file: Deno.FsFile): void {
  const folder = dirname(path);
  if (mayRead(folder)) makeDurableNow(folder);
  else file.syncSync();
}

function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** The name under which a file is written before it has its own; nobody else gives a file such a name. */
export function draftOf(path: string): string {
  return `${path}.stx-new`;
}

/** A new draft, locked by this process. */
function openDraft(path: string, draft: string, mode: number): Deno.FsFile {
  for (let waitedMs = 0; waitedMs < WRITING_MAX_MS; waitedMs += LOOK_AGAIN_MS) {
    try {
      const file = createNew(draft, mode);
      // Until it was locked, another stx may have taken it for one that was left, and removed it.
      if (file.tryLockSync(true) && file.statSync().nlink !== 0) {
        keepOwner(path, draft, file);
        return file;
      }
      file.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw diskError(error, "write", path);
      if (removeAbandoned(draft, error)) continue;
    }
    // Not awaited: nothing else of this process may change the file meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  }
  throw new StxError("disk", `Cannot write ${escapeControls(path)}: another process is writing it`, {
    hint: `try again; if none is, delete ${escapeControls(draft)}`,
  });
}

/**
 * Gives a draft the owner and the group of the file that it is to replace: root edits the files of others, who need them
 * afterwards. Throws `permission` where that is another user's file and this process is not root.
 */
function keepOwner(path: string, draft: string, file: Deno.FsFile): void {
  try {
    const before = ownerOf(path);
    const { uid, gid, ino, dev } = file.statSync();
    if (before === undefined || (before.uid === uid && before.gid === gid)) return;
    const again = openSync(draft, "r+");
    try {
      const { ino: inoNow, dev: devNow } = fstatSync(again);
      // Whoever owns the folder could put any file of root's there, to be given to him.
      if (inoNow !== ino || devNow !== dev) {
        throw new StxError(
          "permission",
          `Will not write ${escapeControls(path)}: somebody exchanges its draft`,
        );
      }
      chown(again, before, uid);
    } finally {
      closeSync(again);
    }
  } catch (error) {
    file.close();
    Deno.removeSync(draft);
    throw diskError(error, "keep the owner of", path);
  }
}

function chown(file: number, { uid, gid }: { uid: number; gid: number }, ownUid: number | null): void {
  try {
    fchownSync(file, uid, gid);
  } catch (error) {
    // A group that this user is not in is no loss that matters.
    if (uid !== ownUid) throw error;
  }
}

/** Whose a file is; `undefined` if there is none, or if this run may not look or the system has no owners. */
function ownerOf(path: string): { uid: number; gid: number } | undefined {
  if (!mayRead(path)) return undefined;
  try {
    const { uid, gid } = Deno.lstatSync(path);
    return uid === null || gid === null ? undefined : { uid, gid };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a draft whose writer was killed; says whether there is none any more. Throws `disk` if it is no draft. */
function removeAbandoned(draft: string, taken: Error): boolean {
  try {
    if (!Deno.lstatSync(draft).isFile) throw taken;
    // To read it, too: what has taken its place may be a named pipe, which to write to would wait for a reader.
    const file = Deno.openSync(draft, { read: true, write: true });
    try {
      // Its writer may have put it in place since, and another have begun a new one.
      if (!file.tryLockSync(true) || Deno.lstatSync(draft).ino !== file.statSync().ino) return false;
      Deno.removeSync(draft);
      return true;
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw diskError(error, "write", draft);
  }
}

function createNew(path: string, mode: number): Deno.FsFile {
  const options = { write: true, createNew: true, mode };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    // Made only when it is missing: to look for it first would take permission to read it.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    makeFolder(dirname(path));
    return Deno.openSync(path, options);
  }
}
