/**
 * Looking before touching. Deno offers no way to open a path without following symbolic links in it, so every
 * folder on the way is looked at with `lstat`, and an opened file is compared with what was looked at.
 * @module
 */
import fs from "node:fs";
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { Entry } from "../ports.ts";
import { diskError, isNotFound } from "./disk_error.ts";
import { openAtOnce } from "./opening.ts";

/** What has the name `path`, itself if it is a symbolic link; `undefined` if nothing has. */
export function inspect(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw diskError(error, "look at", path);
  }
}

/**
 * The first part of `relative` below `base` that is not a real folder, as a whole path: a symbolic link among
 * them would lead what is written there to another place. `undefined` if all are folders, or there are none.
 */
export function findUnreal(base: string, relative: string): string | undefined {
  for (let end = 0; end < relative.length; end++) {
    const slash = relative.indexOf("/", end);
    end = slash < 0 ? relative.length : slash;
    const folder = `${base}/${relative.slice(0, end)}`;
    if (inspect(folder)?.isDirectory !== true) return folder;
  }
  return undefined;
}

/**
 * Opens a regular file that has no second name, to read and to write it, and makes sure that it is the one that was
 * looked at. Throws `state_corrupt` if anything else has the name, or nothing.
 */
export function openExisting(path: string): Deno.FsFile {
  const seen = lookFor(path, "file");
  // A named pipe in its place is opened at once like this: one is its own partner.
  const file = openAs(path, () => Deno.openSync(path, { read: true, write: true }));
  try {
    requireSame(path, seen, file.statSync());
    return file;
  } catch (error) {
    file.close();
    throw diskError(error, "look at", path);
  }
}

/** As {@link openExisting}, to read alone, and folders as well; returns a descriptor. */
export function openToRead(path: string, kind: Entry["kind"]): number {
  const seen = lookFor(path, kind);
  const file = openAs(path, () => openAtOnce(path));
  try {
    requireSame(path, seen, fs.fstatSync(file));
    return file;
  } catch (error) {
    fs.closeSync(file);
    throw diskError(error, "look at", path);
  }
}

function lookFor(path: string, kind: Entry["kind"]): Deno.FileInfo {
  const seen = openAs(path, () => Deno.lstatSync(path));
  if (kind === "directory" && !seen.isDirectory) throw corrupt(path, "it is not a real folder");
  if (kind === "file" && (!seen.isFile || (seen.nlink ?? 1) > 1)) {
    throw corrupt(path, "it is not a plain file of its own");
  }
  return seen;
}

function openAs<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw isNotFound(error) ? corrupt(path, "it is missing", error) : diskError(error, "open", path);
  }
}

/** Which file or folder something is; Windows does not always tell. */
interface Identity {
  readonly dev: number;
  readonly ino: number | null;
}

function requireSame(path: string, seen: Identity, opened: Identity): void {
  if (opened.dev === seen.dev && (opened.ino ?? 0) === (seen.ino ?? 0)) return;
  throw corrupt(path, "another took its place");
}

/** The error for a partial transfer that is not as it was left. */
export function corrupt(path: string, why: string, cause?: unknown): StxError {
  return new StxError("state_corrupt", `Cannot use the partial file "${escapeControls(path)}": ${why}`, {
    hint: "The transfer has to begin again.",
    cause,
  });
}

/** The folder part of a relative path; empty for a first part. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
