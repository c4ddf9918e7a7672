/**
 * Looking before touching. Deno offers no way to open a path without following symbolic links in it, so every
 * folder on the way is looked at with `lstat`, and an opened file is compared with what was looked at.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import { diskError, isNotFound } from "./disk_error.ts";

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
 * Opens a folder, or a regular file that has no second name, and makes sure that it is the one that was looked
 * at. Throws `state_corrupt` if anything else has the name, or nothing.
 */
export function openExisting(
  path: string,
  kind: "file" | "directory",
  options: { read: true; write?: boolean },
): Deno.FsFile {
  let seen: Deno.FileInfo;
  let file: Deno.FsFile;
  try {
    seen = Deno.lstatSync(path);
    if (kind === "directory" ? !seen.isDirectory : !seen.isFile || (seen.nlink ?? 1) > 1) {
      throw corrupt(
        path,
        kind === "directory" ? "it is not a real folder" : "it is not a plain file of its own",
      );
    }
    file = Deno.openSync(path, options);
  } catch (error) {
    throw isNotFound(error) ? corrupt(path, "it is missing", error) : diskError(error, "open", path);
  }
  try {
    const opened = file.statSync();
    if (opened.dev === seen.dev && opened.ino === seen.ino) return file;
    throw corrupt(path, "another took its place");
  } catch (error) {
    file.close();
    throw diskError(error, "look at", path);
  }
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
