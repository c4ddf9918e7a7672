/**
 * The sender's side of a manifest: files and folders named on the command line, and all that lies in them.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { Entry } from "../ports.ts";
import { diskError, isNotFound, leadsNowhere } from "./disk_error.ts";

/** How to walk. */
export interface WalkOptions {
  /** Sends what symbolic links lead to; without it they are skipped, or refused where named directly. */
  readonly followLinks: boolean;
  /** The name that a single path arrives under, in place of its own. */
  readonly name?: string;
  /** Is told, in whole sentences that are safe to print, what is left out and why. */
  readonly onWarning: (text: string) => void;
}

/** What a walk found. */
export interface Walk {
  /** What was found, in order. */
  readonly entries: readonly Entry[];
  /** Where each first path part lies on this machine. */
  readonly roots: ReadonlyMap<string, string>;
  /** Each entry's device, so that a swapped file is noticed when it is opened. */
  readonly devices: readonly number[];
  /** Each entry's inode number, for the same. */
  readonly inodes: readonly number[];
}

/**
 * Lists `paths`: each arrives under its own last part (`.` and `..` under the name of the folder that they
 * are), a folder before what it holds, the contents of a folder sorted by the bytes of their names.
 *
 * Throws `usage` for a path without a name, for two of the same name, and for a `name` that is not one path
 * part or that several paths would share; `disk` for a path that does not exist, that is a symbolic link not
 * to be followed, or neither a file nor a folder; `permission` for what may not be read; `bad_name` for a name
 * that is not valid UTF-8.
 */
export function walk(paths: readonly string[], options: WalkOptions): Walk {
  const walker = new Walker(options);
  if (options.name !== undefined) checkGivenName(options.name, paths.length);
  for (const path of paths) {
    const local = path.replace(/(?<=[^/])\/+$/, "");
    walker.addNamed(local, options.name ?? nameOf(local));
  }
  return walker;
}

/** Where the entry with `path` lies on this machine. */
export function localPath(roots: ReadonlyMap<string, string>, path: string): string {
  const slash = path.indexOf("/");
  if (slash < 0) return roots.get(path)!;
  return join(roots.get(path.slice(0, slash))!, path.slice(slash + 1));
}

class Walker implements Walk {
  readonly entries: Entry[] = [];
  readonly roots = new Map<string, string>();
  readonly devices: number[] = [];
  readonly inodes: number[] = [];
  readonly #options: WalkOptions;
  /** Folders between the top and here: a link to one of them would go round for ever. */
  readonly #above = new Set<string>();

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  addNamed(local: string, name: string): void {
    if (this.roots.has(name)) {
      throw new StxError("usage", `Cannot send two things of the name "${escapeControls(name)}"`, {
        hint: "Send them one after the other, with --name for one of them.",
      });
    }
    this.roots.set(name, local);
    const info = this.#inspect(local);
    if (info.isSymlink) {
      throw new StxError("disk", `Cannot send "${escapeControls(local)}": it is a symbolic link`, {
        hint: "Send what it leads to with --follow-links.",
      });
    }
    if (!info.isFile && !info.isDirectory) {
      throw new StxError("disk", `Cannot send "${escapeControls(local)}": it is neither a file nor a folder`);
    }
    this.#add(local, name, info);
  }

  #addFound(local: string, path: string): void {
    const info = this.#inspectFound(local);
    if (info === undefined) {
      this.#warn(local, "it is a symbolic link that leads nowhere");
    } else if (info.isSymlink) {
      this.#warn(local, "it is a symbolic link; --follow-links sends what it leads to");
    } else if (!info.isFile && !info.isDirectory) {
      this.#warn(local, "it is neither a file nor a folder");
    } else {
      this.#add(local, path, info);
    }
  }

  #add(local: string, path: string, info: Deno.FileInfo): void {
    const identity = `${info.dev}:${info.ino}`;
    if (this.#above.has(identity)) {
      this.#warn(local, "it is a symbolic link to a folder that it lies in");
      return;
    }
    this.entries.push({
      path,
      kind: info.isFile ? "file" : "directory",
      sizeBytes: info.isFile ? info.size : 0,
      mtimeMs: mtimeMsOf(info),
      mode: (info.mode ?? 0) & 0o777,
    });
    this.devices.push(info.dev);
    this.inodes.push(info.ino ?? 0);
    if (info.isFile) return;
    this.#above.add(identity);
    for (const name of namesIn(local)) this.#addFound(join(local, name), `${path}/${name}`);
    this.#above.delete(identity);
  }

  #inspect(local: string): Deno.FileInfo {
    try {
      return this.#options.followLinks ? Deno.statSync(local) : Deno.lstatSync(local);
    } catch (error) {
      throw diskError(error, "read", local);
    }
  }

  /** As above, for what a folder listed: that may be a link that leads nowhere. */
  #inspectFound(local: string): Deno.FileInfo | undefined {
    try {
      const info = Deno.lstatSync(local);
      if (!info.isSymlink || !this.#options.followLinks) return info;
    } catch (error) {
      if (isNotFound(error) && local.includes("\ufffd")) {
        throw new StxError(
          "bad_name",
          `Cannot send "${escapeControls(local)}": its name is not valid UTF-8`,
          {
            hint: "Rename it.",
          },
        );
      }
      throw diskError(error, "read", local);
    }
    try {
      return Deno.statSync(local);
    } catch (error) {
      if (leadsNowhere(error)) return undefined;
      throw diskError(error, "read", local);
    }
  }

  #warn(local: string, why: string): void {
    this.#options.onWarning(`Skipped "${escapeControls(local)}": ${why}.`);
  }
}

/** A file's time of modification as a manifest states it: whole milliseconds since 1970. */
export function mtimeMsOf(info: Deno.FileInfo): number {
  return info.mtime?.getTime() ?? 0;
}

/** The names in a folder, sorted. */
function namesIn(local: string): readonly string[] {
  try {
    return Array.from(Deno.readDirSync(local), (item) => item.name).sort(compareUtf8);
  } catch (error) {
    throw diskError(error, "list the folder", local);
  }
}

/**
 * Compares as the UTF-8 bytes of both would compare. That differs from the order of UTF-16 units in one
 * point: surrogates stand for characters above U+FFFF, so they come after U+E000 to U+FFFF.
 */
function compareUtf8(left: string, right: string): number {
  const size = Math.min(left.length, right.length);
  for (let i = 0; i < size; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return rankOfUnit(a) - rankOfUnit(b);
  }
  return left.length - right.length;
}

function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** The name that a path arrives under. */
function nameOf(local: string): string {
  const last = lastPart(local);
  if (last !== "" && last !== "." && last !== "..") return last;
  let real: string;
  try {
    real = Deno.realPathSync(local);
  } catch (error) {
    throw diskError(error, "read", local);
  }
  const name = lastPart(real);
  if (name === "") {
    throw new StxError("usage", `Cannot send "${escapeControls(local)}": it has no name to arrive under`, {
      hint: "Give it one with --name.",
    });
  }
  return name;
}

function checkGivenName(name: string, pathCount: number): void {
  if (pathCount !== 1) {
    throw new StxError("usage", `Cannot give one name to ${pathCount} paths`, {
      hint: "Use --name with a single path.",
    });
  }
  if (name === "" || name === "." || name === ".." || name.includes("/")) {
    throw new StxError(
      "usage",
      `Cannot send under the name "${escapeControls(name)}": it is not a single name`,
    );
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}
