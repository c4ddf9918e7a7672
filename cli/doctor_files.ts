/**
 * What `stx doctor` asks of every file and folder alike: whether it is there, whose it is, and who may change it.
 * @module
 */
import { dirname, resolve } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import type { Places } from "./doctor_paths.ts";
import type { DoctorReport } from "./doctor_report.ts";
import type { CheckName } from "./events.ts";
import { quoted } from "./key_files.ts";

const WRITABLE_BY_OTHERS = 0o022;
/** In a folder with this bit, such as /tmp, others may add names, and rename or remove none but their own. */
const STICKY = 0o1000;

/** What a path leads to, through links; `undefined` if nothing is there. Throws `permission` or `disk`. */
export function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
}

/** A mode as chmod takes it, and `ls` shows it: in octal, with the sticky bit. */
export function shownMode(mode: number): string {
  return (mode & 0o7777).toString(8);
}

/**
 * Tells of a file or folder that others may change, or that belongs to another user; says whether it did.
 * @param ownUid this process's user, as far as it is known
 */
export function checkOwner(
  report: DoctorReport,
  name: CheckName,
  path: string,
  info: Deno.FileInfo,
  ownUid: number | undefined,
): boolean {
  const isOpen = info.mode !== null && (info.mode & WRITABLE_BY_OTHERS) !== 0;
  if (isOpen) {
    report.problem(
      name,
      `others may change ${escapeControls(path)} (mode ${shownMode(info.mode!)})`,
      `run: chmod go-w ${quoted(path)}`,
    );
  }
  return warnIfForeign(report, name, path, info, ownUid) || isOpen;
}

function warnIfForeign(
  report: DoctorReport,
  name: CheckName,
  path: string,
  info: Deno.FileInfo,
  ownUid: number | undefined,
): boolean {
  // Root may change everything, whomever it belongs to.
  const isForeign = ownUid !== undefined && info.uid !== null && info.uid !== ownUid && info.uid !== 0;
  if (isForeign) {
    report.warn(
      name,
      `${escapeControls(path)} belongs to another user (${info.uid}), who may change it at any time`,
      "see whether that user is meant, with: ls -ln",
    );
  }
  return isForeign;
}

/**
 * Tells of folders above those of the configuration and the state, up to the user's home, that others may change: they
 * could put a folder of theirs in its place. sshd asks the same of what is above its keys (StrictModes).
 */
export async function checkAbove(
  report: DoctorReport,
  { config, state, home }: Places,
  ownUid: number | undefined,
): Promise<void> {
  const folders: readonly (readonly [CheckName, string])[] = [
    ...config instanceof StxError ? [] : [["configuration", config] as const],
    ...state instanceof StxError || state.isNamed ? [] : [["state-folder", dirname(state.path)] as const],
  ];
  // Folders by what they are: one may have two paths.
  const seen = new Set<string>();
  const ends = home === undefined ? [] : [resolve(home), realPath(home)];
  for (const [name, folder] of folders) {
    await report.check(name, () => {
      // Both who may exchange a link, and who may exchange what it leads to.
      for (const start of new Set([resolve(folder), realPath(folder)])) {
        for (const above of foldersAbove(start, ends)) {
          const info = mayRead(above) ? look(above) : undefined;
          const id = `${info?.dev} ${info?.ino}`;
          if (info === undefined || seen.has(id)) continue;
          seen.add(id);
          checkOneAbove(report, name, above, info, ownUid);
        }
      }
    });
  }
}

function checkOneAbove(
  report: DoctorReport,
  name: CheckName,
  path: string,
  info: Deno.FileInfo,
  ownUid: number | undefined,
): void {
  if (info.mode !== null && (info.mode & WRITABLE_BY_OTHERS) !== 0 && (info.mode & STICKY) === 0) {
    report.problem(
      name,
      `others may change ${escapeControls(path)} (mode ${
        shownMode(info.mode)
      }), and so exchange what is below it`,
      `run: chmod go-w ${quoted(path)}`,
    );
  }
  warnIfForeign(report, name, path, info, ownUid);
}

/** The folders above `path`, the nearest first, as far as the first one of `ends`. */
function foldersAbove(path: string, ends: readonly string[]): readonly string[] {
  const above: string[] = [];
  for (let at = path; !ends.includes(at) && dirname(at) !== at;) above.push(at = dirname(at));
  return above;
}

/** Where a path leads; the path itself where nothing is, or this run may not look. */
export function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // What looks at it says why.
    return resolve(path);
  }
}

/** Whether this run may read a path; asking for it would be an error, or a question. */
export function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** Whether this run may write a path; asking for it would be an error, or a question. */
export function mayWrite(path: string): boolean {
  return Deno.permissions.querySync({ name: "write", path }).state === "granted";
}
