/**
 * Puts a run in the place of the platform: files below "/sim/", WebCrypto, pauses and the monotonic clock. Everything else
 * that stx needs of the world it is handed.
 * @module
 */
import fs from "node:fs";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { type CryptoRun, cryptoTwin } from "./crypto_twin.ts";
import { SimFile, SimFiles } from "./files.ts";
import type { Process } from "./process.ts";

/** What a run does for the platform. */
export interface PlatformRun extends CryptoRun {
  /** The process whose paths begin with this number. */
  readonly find: (number: number) => Process;
  /** A pause that somebody takes, in milliseconds. */
  readonly pause: (delayMs: number, action: () => void) => void;
  /** Milliseconds of the monotonic clock. */
  readonly monotonicMs: () => number;
}

// deno-lint-ignore no-explicit-any
type Anything = any;

const PREFIX = "/sim/";

/** Runs `body` with the run in the platform's place, which gets its own back afterwards. */
export async function onPlatform<T>(run: PlatformRun, body: () => Promise<T>): Promise<T> {
  const undo: (() => void)[] = [];
  const replace = (object: Anything, name: string, value: unknown): void => {
    const old = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: true });
    undo.push(() => {
      if (old === undefined) delete object[name];
      else Object.defineProperty(object, name, old);
    });
  };
  const files = new SimFiles(run.find);
  const onPaths = (object: Anything, calls: Readonly<Record<string, (...inputs: Anything[]) => unknown>>) => {
    for (const [name, call] of Object.entries(calls)) {
      const own = object[name];
      replace(object, name, (...inputs: Anything[]) => {
        const [first] = inputs;
        const path = typeof first === "string" ? first : first?.dir;
        const isOurs = first instanceof SimFile || (typeof path === "string" && path.startsWith(PREFIX));
        return isOurs ? call(...inputs) : own.apply(object, inputs);
      });
    }
  };
  try {
    onPaths(Deno, {
      lstatSync: (path) => files.look(path),
      statSync: (path) => files.look(path),
      realPathSync: (path) => files.realPath(path),
      openSync: (path, options) => files.open(path, options),
      mkdirSync: (path, options) => files.makeFolder(path, options?.mode ?? 0o777),
      readDirSync: (path) => files.list(path),
      renameSync: (from, to) => files.rename(from, to),
      chmodSync: (path, mode) => files.setMode(path, mode),
      utimeSync: (path, _accessed, modified) => files.setTime(path, modified),
      removeSync: (path, options) => files.remove(path, options?.recursive),
      remove: (path, options) => files.removeLater(path, options?.recursive ?? false),
      makeTempDirSync: ({ dir, prefix }) => {
        const path = `${dir}/${prefix}${run.random(4).toHex()}`;
        files.makeFolder(path, 0o700);
        return path;
      },
    });
    onPaths(fs, {
      lstatSync: (path) => nodeStats(files.look(path)),
      openSync: (path) => files.open(path, { read: true }),
      fstatSync: (file: SimFile) => nodeStats(file.statSync()),
      readSync: (file: SimFile, into: Bytes, ...where: (number | null)[]) => readAt(file, into, where[2]),
      fchmodSync: (file: SimFile, mode) => file.setMode(mode),
      futimesSync: (file: SimFile, accessed, modified) => file.utimeSync(asDate(accessed), asDate(modified)),
      fsyncSync: (file: SimFile) => file.syncSync(),
      fsync: (file: SimFile, callback) => void file.sync().then(() => callback(null), callback),
      closeSync: (file: SimFile) => file.close(),
    });
    for (const [name, method] of Object.entries(cryptoTwin(run))) replace(crypto.subtle, name, method);
    replace(globalThis, "setTimeout", (action: () => void, delayMs = 0) => run.pause(delayMs, action));
    replace(performance, "now", run.monotonicMs);
    return await body();
  } finally {
    for (const each of undo.reverse()) each();
  }
}

function nodeStats(info: Deno.FileInfo): Anything {
  return {
    ...info,
    mtimeMs: info.mtime!.getTime(),
    isFile: () => info.isFile,
    isDirectory: () => info.isDirectory,
  };
}

/** Both of stx's calls give all of a buffer, the one with a place in the file. */
function readAt(file: SimFile, into: Bytes, position: number | null | undefined): number {
  if (typeof position === "number") file.seekSync(position);
  return file.readSync(into) ?? 0;
}

/** Whole milliseconds: a little more, as stx gives it, is nothing to this disk. */
function asDate(time: Date | number): Date {
  return new Date(typeof time === "number" ? Math.floor(time * 1000) : time);
}
