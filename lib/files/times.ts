/**
 * Times of modification, as a transfer brings them: through an open handle, so that no link is followed.
 * @module
 */
import type { Entry } from "../ports.ts";
import { diskError } from "./disk_error.ts";
import { openExisting } from "./inspect.ts";

/** Gives a file the time of its entry. */
export function setTime(file: Deno.FsFile, entry: Entry): void {
  const time = new Date(entry.mtimeMs);
  file.utimeSync(time, time);
}

/** Gives a folder the time of its entry. */
export function setFolderTime(path: string, entry: Entry): void {
  const folder = openExisting(path, "directory", { read: true });
  try {
    setTime(folder, entry);
  } catch (error) {
    throw diskError(error, "set the time of", path);
  } finally {
    folder.close();
  }
}
