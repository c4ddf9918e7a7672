/**
 * What `stx doctor` asks of every file and folder alike: whether it is there, whose it is, and who may change it.
 * @module
 */
import { diskError } from "../lib/files/disk_error.ts";
import { escapeControls } from "../lib/bytes/escape.ts";
import type { DoctorReport } from "./doctor_report.ts";
import type { CheckName } from "./events.ts";
import { quoted } from "./key_files.ts";

const WRITABLE_BY_OTHERS = 0o022;

/** What a path leads to, through links; `undefined` if nothing is there. Throws `permission` or `disk`. */
export function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
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
      `others may change ${escapeControls(path)} (mode ${(info.mode! & 0o777).toString(8)})`,
      `run: chmod go-w ${quoted(path)}`,
    );
  }
  // Root may change everything, whomever it belongs to.
  const isForeign = ownUid !== undefined && info.uid !== null && info.uid !== ownUid && info.uid !== 0;
  if (isForeign) {
    report.warn(
      name,
      `${escapeControls(path)} belongs to another user (${info.uid}), who may change it at any time`,
      "see whether that user is meant, with: ls -ln",
    );
  }
  return isOpen || isForeign;
}

/** Whether this run may write a path; asking for it would be an error, or a question. */
export function mayWrite(path: string): boolean {
  return Deno.permissions.querySync({ name: "write", path }).state === "granted";
}
