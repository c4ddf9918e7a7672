/**
 * Making files and folders survive a crash, many at a time, without stopping everything else meanwhile.
 * @module
 */
import fs from "node:fs";
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import { diskError } from "./disk_error.ts";
import { openAtOnce } from "./opening.ts";

/** Files being made durable at once: one commit of the file system's journal then serves them all. */
const PARALLEL = 64;
/** What one may cost, in milliseconds, before it is cheaper to wait for it on another thread. */
const CHEAP_MS = 0.05;
/** What the first few may cost beyond that: the time that a busy machine takes away now and then. */
const PATIENCE_MS = 0.5;
/** What the one may cost that the disk is tried with, its way to another thread and back included. */
const QUICK_MS = 2;
/** Cheap ones in a row, about 10 ms of work; a pause itself takes one. */
const UNTIL_PAUSE = 2048;

/**
 * Resolves when all of `paths`, files or folders, are on the disk. They are opened for it once more: keeping
 * the handles of thousands of finished files open until then would exceed the usual limit of 1,024. Throws what
 * {@link diskError} says, and `disk` where something else has taken the place of one.
 *
 * On memory-backed storage this costs 5 microseconds a file when done at once, and 12 when handed to another
 * thread; on a disk, 64 under way together take a third of the time that one after the other takes. So it tries
 * the disk with one that it hands over, since a disk that hangs must not stop everything, goes on at once where that was
 * quick, and changes to handing over at the first one that is slow.
 */
export async function makeDurable(paths: readonly string[]): Promise<void> {
  let next = 0;
  const handOver = async () => {
    const path = paths[next++]!;
    const file = open(path);
    try {
      await syncHandle(file);
    } catch (error) {
      throw syncError(error, file, path);
    } finally {
      fs.closeSync(file);
    }
  };
  const triedMs = performance.now();
  if (next < paths.length) await handOver();
  const begunMs = performance.now();
  const isQuick = begunMs - triedMs < QUICK_MS;
  while (isQuick && next < paths.length && performance.now() - begunMs < next * CHEAP_MS + PATIENCE_MS) {
    makeDurableNow(paths[next++]!);
    if (next % UNTIL_PAUSE === 0) await pause();
  }
  const worker = async () => {
    while (next < paths.length) await handOver();
  };
  const results = await Promise.allSettled(
    Array.from({ length: Math.min(PARALLEL, paths.length - next) }, worker),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Makes what is open as `file` durable; everything else goes on meanwhile. Rejects as `fs.fsync` does. */
export function syncHandle(file: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    fs.fsync(file, (error) => error === null ? resolve() : reject(error));
  });
}

/** As {@link makeDurable} with one path, while everything else waits. */
export function makeDurableNow(path: string): void {
  const file = open(path);
  try {
    fs.fsyncSync(file);
  } catch (error) {
    throw syncError(error, file, path);
  } finally {
    fs.closeSync(file);
  }
}

/** Lets timers and connections have their turn. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function open(path: string): number {
  try {
    return openAtOnce(path);
  } catch (error) {
    throw diskError(error, "make durable", path);
  }
}

/** The error for what cannot be made durable: it may be no file and no folder any more. */
function syncError(error: unknown, file: number, path: string): StxError {
  const info = fs.fstatSync(file);
  if (info.isFile() || info.isDirectory()) return diskError(error, "make durable", path);
  return new StxError(
    "disk",
    `Cannot make durable "${escapeControls(path)}": it is neither a file nor a folder`,
    {
      cause: error,
    },
  );
}
