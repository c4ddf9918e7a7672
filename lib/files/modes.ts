/**
 * Permission bits of what has arrived. Files and folders are made with the entry's mode and the kernel applies
 * the receiver's umask, so few need a second look: only those whose owner may not read or write them, which
 * would have stood in our own way.
 * @module
 */
import fs from "node:fs";
import type { Entry } from "../ports.ts";
import { diskError, isNotFound } from "./disk_error.ts";
import { corrupt } from "./inspect.ts";
import { makeDurable, syncHandle } from "./durable.ts";
import { openAtOnce } from "./opening.ts";

/** What we need on a file while it arrives. */
export const FILE_NEEDS = 0o600;
/** What we need on a folder while it arrives. */
const FOLDER_NEEDS = 0o700;

/** The mode that `entry` is made with: its own and what we need, never setuid, setgid or sticky. */
export function arrivingMode(entry: Entry): number {
  return (entry.mode & 0o777) | (entry.kind === "file" ? FILE_NEEDS : FOLDER_NEEDS);
}

/** Says whether bits have to go when `entry` has arrived. */
export function needsLess(entry: Entry): boolean {
  return arrivingMode(entry) !== (entry.mode & 0o777);
}

/**
 * Takes from the file or folder `path` the bits that `entry` does not have, durably. It is done through an open
 * handle, compared with what was looked at, so that a symbolic link put there meanwhile is not followed. On a
 * file system without modes nothing changes. Throws `state_corrupt` if it is missing or of another kind.
 */
export async function takeBits(path: string, entry: Entry): Promise<void> {
  try {
    const seen = fs.lstatSync(path);
    if (entry.kind === "file" ? !seen.isFile() : !seen.isDirectory()) {
      throw corrupt(path, "it is of another kind");
    }
    if ((seen.mode & 0o777 & ~entry.mode) === 0) {
      // Done before a crash, but perhaps not on the disk yet; without those bits it may not even be opened.
      if ((seen.mode & 0o400) !== 0) await makeDurable([path]);
      return;
    }
    const handle = openAtOnce(path);
    try {
      const opened = fs.fstatSync(handle);
      if (opened.dev !== seen.dev || opened.ino !== seen.ino) throw corrupt(path, "another took its place");
      changeMode(handle, opened.mode & entry.mode & 0o777);
      await syncHandle(handle);
    } finally {
      fs.closeSync(handle);
    }
  } catch (error) {
    throw isNotFound(error)
      ? corrupt(path, "it is missing", error)
      : diskError(error, "change the mode of", path);
  }
}

function changeMode(handle: number, mode: number): void {
  try {
    fs.fchmodSync(handle, mode);
  } catch (error) {
    // What we made belongs to us, so this comes from a file system that keeps no modes, such as a memory stick's.
    if (diskError(error, "", "").code !== "permission") throw error;
  }
}

/** Takes from every file, found by `pathOf`, what its sender did not give it: see {@link takeBits}. */
export async function takeAllBits(
  entries: readonly Entry[],
  pathOf: (entry: Entry) => string,
): Promise<void> {
  for (const entry of entries) {
    if (entry.kind === "file" && needsLess(entry)) await takeBits(pathOf(entry), entry);
  }
}
