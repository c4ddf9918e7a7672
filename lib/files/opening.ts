/**
 * Opening, to read, what others may exchange. Where a named pipe has taken the place of a file or folder, Deno's own
 * calls wait in the kernel for somebody to write to it, with everything else of the process. What is opened here is
 * opened at once, whatever it is.
 *
 * It follows symbolic links: Deno resolves a path before it opens it unless it has every permission, so that O_NOFOLLOW
 * would keep nothing out. Whoever must not follow any compares what was opened with what was looked at.
 * @module
 */
import fs from "node:fs";

/** Windows has neither the flag nor what it is for. */
const AT_ONCE = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/** Opens the file or folder `path`, or whatever else it is; returns a descriptor. Throws as `fs.openSync` does. */
export function openAtOnce(path: string): number {
  return fs.openSync(path, AT_ONCE);
}
