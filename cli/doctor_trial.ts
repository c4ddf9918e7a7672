/**
 * What `stx doctor` tries out: whether a folder takes files, in a folder of its own there, which is removed again. Others
 * who may write there too can put another folder in its place meanwhile, so nothing is removed that has not a name which
 * was drawn for the trial.
 * @module
 */
import { statfsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { diskError } from "../lib/files/disk_error.ts";
import { makeDurableNow } from "../lib/files/durable.ts";
import { inspect } from "../lib/files/inspect.ts";
import { mayRead } from "./doctor_files.ts";

/**
 * Does what a transfer does: writes a file, makes it durable and renames it. Returns what a folder of our own looks like
 * there. Throws what `diskError` says.
 */
export function tryReceiving(folder: string): Deno.FileInfo {
  return withTrial(folder, "put a file in place in", (trial) => {
    {
      using file = Deno.openSync(arriving(trial), { write: true, createNew: true });
      file.writeSync(new Uint8Array(1));
      file.syncSync();
    }
    Deno.renameSync(arriving(trial), arrived(trial));
    makeDurableNow(trial);
    return Deno.lstatSync(trial);
  });
}

/** Writes `sizeBytes` into a file, and waits for no disk. Throws what `diskError` says. */
export function tryWriting(folder: string, sizeBytes: number): void {
  withTrial(folder, "write into", (trial) => {
    using file = Deno.openSync(arriving(trial), { write: true, createNew: true });
    for (let left = sizeBytes; left > 0;) left -= file.writeSync(new Uint8Array(left));
  });
}

function arriving(trial: string): string {
  return `${trial}/${basename(trial)}-arriving`;
}

function arrived(trial: string): string {
  return `${trial}/${basename(trial)}-arrived`;
}

function withTrial<T>(folder: string, what: string, body: (trial: string) => T): T {
  let trial: string;
  try {
    trial = Deno.makeTempDirSync({ dir: folder, prefix: ".stx-" });
  } catch (error) {
    throw diskError(error, "write into the folder", folder);
  }
  try {
    return body(trial);
  } catch (error) {
    throw diskError(error, what, folder);
  } finally {
    remove(trial);
  }
}

function remove(trial: string): void {
  try {
    for (const path of [arriving(trial), arrived(trial)]) {
      if (inspect(path) !== undefined) Deno.removeSync(path);
    }
    Deno.removeSync(trial);
  } catch (error) {
    throw diskError(error, "remove", trial);
  }
}

/**
 * What is nearest above `path`, or `path` itself: where a folder is made that is made with those above it. A link that
 * leads nowhere counts, as no folder can be made in its place. `undefined` where this run may not look.
 */
export function nearest(path: string): string | undefined {
  for (let at = resolve(path);; at = dirname(at)) {
    if (!mayRead(at)) return undefined;
    if (inspect(at) !== undefined || dirname(at) === at) return at;
  }
}

/** The bytes that are free for us; `undefined` where this run may not ask, or the system does not tell. */
export function freeSpace(folder: string): number | undefined {
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return undefined;
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // Not every system, and not every file system, tells.
    return undefined;
  }
}
