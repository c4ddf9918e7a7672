/**
 * Times of modification, as a transfer brings them: through an open handle, so that no link is followed. A handle of
 * Deno's own takes every time, but a folder is not opened with Deno's own call: see opening.ts.
 * @module
 */
import fs from "node:fs";
import type { Entry } from "../ports.ts";
import { diskError } from "./disk_error.ts";
import { corrupt, openToRead } from "./inspect.ts";
import { mtimeMsOf } from "./walk.ts";

/** Gives a file the time of its entry. */
export function setTime(file: Deno.FsFile, entry: Entry): void {
  const time = new Date(entry.mtimeMs);
  file.utimeSync(time, time);
}

/**
 * Whether something can have been given the time of its entry. Some file systems keep less than milliseconds: HFS+, ext3
 * and some servers whole seconds, FAT every second one, exFAT every tenth of one.
 */
export function hasTimeOf(info: Deno.FileInfo, entry: Entry): boolean {
  const timeMs = mtimeMsOf(info);
  const lostMs = entry.mtimeMs - timeMs;
  if (lostMs === 0) return true;
  if (lostMs < 0) return false;
  return (timeMs % 1000 === 0 && lostMs < 2000) || (timeMs % 10 === 0 && lostMs < 10);
}

/**
 * Gives a folder the time of its entry. Throws `state_corrupt` if it is missing, or if anything else has its name; and
 * what {@link diskError} says.
 */
export function setFolderTime(path: string, { mtimeMs }: Entry): void {
  const folder = openToRead(path, "directory");
  try {
    const time = timeForNode(mtimeMs);
    if (time === undefined) setByName(path, folder, new Date(mtimeMs));
    else fs.futimesSync(folder, time, time);
  } catch (error) {
    throw diskError(error, "set the time of", path);
  } finally {
    fs.closeSync(folder);
  }
}

/**
 * Deno makes seconds of what node:fs is given, cuts what lies beyond a nanosecond of those, and takes no fraction of them
 * before 1970. So a time gets a little more than its milliseconds, less than a microsecond in this century, and never
 * less than them. `undefined` where there is no way.
 */
function timeForNode(timeMs: number): Date | number | undefined {
  if (timeMs % 1000 === 0) return new Date(timeMs);
  return timeMs > 0 ? timeMs / 1000 * (1 + Number.EPSILON) : undefined;
}

/** By Deno's own call, which takes every time, but a name; throws if the open `folder` does not have that afterwards. */
function setByName(path: string, folder: number, time: Date): void {
  Deno.utimeSync(path, time, time);
  const named = fs.lstatSync(path);
  const { dev, ino } = fs.fstatSync(folder);
  if (named.dev !== dev || named.ino !== ino) throw corrupt(path, "another took its place");
}
