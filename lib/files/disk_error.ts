/**
 * What the operating system says about a file, as an error of this project.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { quoted } from "../bytes/shell_word.ts";
import { type ErrorCode, StxError } from "../errors.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint?: string;
  /** Whether the owner and the mode, of the file or of its folder, say more. */
  readonly isDenied?: true;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: "disk", why: "there is no such file or folder", hint: "Check the path." },
  ENOTDIR: { code: "disk", why: "a part of the path is not a folder", hint: "Check the path." },
  EISDIR: { code: "disk", why: "it is a folder" },
  ELOOP: { code: "disk", why: "its symbolic links lead in a circle" },
  ENAMETOOLONG: { code: "disk", why: "the name is too long for this file system" },
  ENXIO: { code: "disk", why: "it is neither a file nor a folder" },
  EAGAIN: { code: "disk", why: "another program keeps it to itself", hint: "Try again in a minute." },
  EMFILE: { code: "disk", why: "too many files are open", hint: "Raise the limit with: ulimit -n 4096" },
  EXDEV: { code: "disk", why: "a part of the folder lies on another file system" },
  EIO: { code: "disk", why: "the disk reports an error", hint: "Check the disk before you try again." },
  EACCES: { code: "permission", why: "permission denied", isDenied: true },
  EPERM: { code: "permission", why: "the operation is not permitted", isDenied: true },
  EROFS: { code: "permission", why: "the file system is read-only" },
  ENOSPC: { code: "disk_full", why: "no space is left", hint: "Free some space; what has arrived is kept." },
  EDQUOT: {
    code: "disk_full",
    why: "the disk quota is used up",
    hint: "Free some space; what has arrived is kept.",
  },
  EEXIST: { code: "disk", why: "the name is already taken" },
  ENOTEMPTY: { code: "disk", why: "a folder of that name is not empty" },
};

/** Deno's own refusal, which has no number of the operating system's. */
const NOT_CAPABLE: Meaning = {
  code: "permission",
  why: "this program was started without access to it",
  hint: "Start it with --allow-read and --allow-write for that folder.",
};

/** Deno keeps these to programs with every permission, which stx never asks for. */
const SYSTEM_FOLDER = /^\/(?:dev|proc|sys)(?:\/|$)/;
const SYSTEM_FOLDER_HINT =
  "Deno opens /dev, /proc and /sys to programs with every permission alone; take another folder.";

/**
 * Turns `error`, which came of trying to `what` (a verb such as "write") the file `path`, into an error with a
 * code: `permission`, `disk_full`, or `disk` for all else. The path is escaped; what already is an
 * {@link StxError} comes back as it is.
 */
export function diskError(error: unknown, what: string, path: string): StxError {
  if (error instanceof StxError) return error;
  let meaning = meaningOf(error);
  if (meaning === NOT_CAPABLE && SYSTEM_FOLDER.test(path)) meaning = { ...meaning, hint: SYSTEM_FOLDER_HINT };
  const hint = meaning.isDenied ? lookHint(path) : meaning.hint;
  return new StxError(meaning.code, `Cannot ${what} "${escapeControls(path)}": ${meaning.why}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A name is made and removed by whoever may write to its folder, and read by whoever may enter that. */
function lookHint(path: string): string {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".";
  return `Check the owners and the modes with: ls -ld ${quoted(folder)} ${quoted(path)}`;
}

/** Says whether `error` means that nothing has that name. */
export function isNotFound(error: unknown): boolean {
  return numberOf(error) === "ENOENT";
}

/** Says whether `error` means that a symbolic link leads nowhere: to no file, through a file, or in a circle. */
export function leadsNowhere(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(numberOf(error));
}

/** Says whether `error` means that the name is taken, or that a folder to be removed is not empty. */
export function isTaken(error: unknown): boolean {
  return ["EEXIST", "ENOTEMPTY"].includes(numberOf(error));
}

/** The operating system's name for what happened; both Deno's own calls and those of node:fs give it. */
function numberOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof Deno.errors.NotCapable) return NOT_CAPABLE;
  const number = numberOf(error);
  if (Object.hasOwn(MEANINGS, number)) return MEANINGS[number]!;
  return { code: "disk", why: escapeControls(error instanceof Error ? error.message : String(error)) };
}
