/**
 * The folders and the state file, as `stx doctor` looks at them.
 * @module
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { PARTIAL_FOLDER } from "../lib/files/private_folder.ts";
import { openReceivingFolder } from "../lib/files/receiving_folder.ts";
import { inspectState } from "../lib/store/inspect_state.ts";
import { checkOwner, look, mayWrite } from "./doctor_files.ts";
import type { Places } from "./doctor_paths.ts";
import type { DoctorReport } from "./doctor_report.ts";
import type { CheckName } from "./events.ts";
import { formatBytes } from "./values.ts";

/** Below this a folder counts as nearly full. */
const SPACE_LOW = 100_000_000;

/**
 * Checks the receiving folder as `recv` does at its start, and what a transfer does in it: a file is written, made
 * durable, and put in place. Resolves to this process's user, which only a file of our own tells without a permission of
 * its own.
 */
export async function checkReceivingFolder(report: DoctorReport, path: string): Promise<number | undefined> {
  let ownUid: number | undefined;
  await report.check("folder", () => {
    const folder = openReceivingFolder(path).path;
    const info = look(folder)!;
    ownUid = tryFolder(folder);
    const space = freeSpace(folder);
    const partial = inspectPartial(folder);
    if (partial !== undefined && partial.dev !== info.dev) {
      throw new StxError("disk", `${path}/${PARTIAL_FOLDER} lies on another file system than its folder`, {
        hint: `move it away: files are put in place by renaming them, which takes one file system`,
      });
    }
    if (space !== undefined && space < SPACE_LOW) {
      report.warn("folder", `only ${formatBytes(space)} are free in ${path}`, "free some space");
    }
    if (info.mode !== null && (info.mode & 0o002) !== 0) {
      report.warn(
        "folder",
        `everybody may put files into ${path} (mode ${(info.mode & 0o777).toString(8)})`,
        "receive into a folder of your own",
      );
    }
    const told = space === undefined
      ? "; how much is free it may not ask (--allow-sys=statfs)"
      : `, ${formatBytes(space)} free`;
    report.ok("folder", `files can be written, made durable and put in place in ${path}${told}`);
  });
  return ownUid;
}

function inspectPartial(folder: string): Deno.FileInfo | undefined {
  const path = `${folder}/${PARTIAL_FOLDER}`;
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
  if (info.isDirectory) return info;
  throw new StxError(
    "permission",
    `Cannot keep partial transfers in ${escapeControls(path)}: it is no folder`,
    {
      hint: "move it out of the way",
    },
  );
}

/** Writes a file, makes it durable and renames it, in a folder of its own that is removed again; returns its owner. */
function tryFolder(folder: string): number | undefined {
  let probe: string;
  try {
    probe = Deno.makeTempDirSync({ dir: folder, prefix: ".stx-" });
  } catch (error) {
    throw diskError(error, "write into the folder", folder);
  }
  try {
    {
      using file = Deno.openSync(`${probe}/arriving`, { write: true, createNew: true });
      file.writeSync(new Uint8Array(1));
      file.syncSync();
    }
    Deno.renameSync(`${probe}/arriving`, `${probe}/arrived`);
    using opened = Deno.openSync(probe, { read: true });
    opened.syncSync();
    return Deno.lstatSync(probe).uid ?? undefined;
  } catch (error) {
    throw diskError(error, "put a file in place in", folder);
  } finally {
    removeProbe(probe);
  }
}

function removeProbe(probe: string): void {
  try {
    Deno.removeSync(probe, { recursive: true });
  } catch (error) {
    throw diskError(error, "remove", probe);
  }
}

/** The bytes that are free for us; `undefined` where this run may not ask, or the system does not tell. */
function freeSpace(folder: string): number | undefined {
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return undefined;
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // Not every system, and not every file system, tells.
    return undefined;
  }
}

/** Checks the folder of keys and trust. */
export async function checkConfiguration(
  report: DoctorReport,
  { config }: Places,
  ownUid: number | undefined,
): Promise<void> {
  await report.check("configuration", () => {
    if (config instanceof StxError) throw config;
    checkFolder(report, "configuration", config, ownUid, "stx keygen makes it");
  });
}

/** Tells of a folder; the files in it are looked at elsewhere. */
function checkFolder(
  report: DoctorReport,
  name: CheckName,
  path: string,
  ownUid: number | undefined,
  maker: string,
): void {
  const info = look(path);
  if (info === undefined) {
    report.ok(name, `there is no folder ${escapeControls(path)} yet: ${maker}`);
    return;
  }
  if (!info.isDirectory) {
    report.problem(name, `${escapeControls(path)} is not a folder`, "move it out of the way");
    return;
  }
  const isToldOf = checkOwner(report, name, path, info, ownUid);
  if (mayWrite(path) && !canWrite(path)) {
    report.warn(
      name,
      `nothing can be written into ${escapeControls(path)}`,
      "see its owner and mode with: ls -ld",
    );
  } else if (!isToldOf) report.ok(name, escapeControls(path));
}

function canWrite(path: string): boolean {
  try {
    Deno.removeSync(Deno.makeTempDirSync({ dir: path, prefix: ".stx-" }));
    return true;
  } catch {
    return false;
  }
}

/** Checks the receiver's memory. Resolves to whether a `recv` seems to run with it. */
export async function checkState(
  report: DoctorReport,
  { state }: Places,
  ownUid: number | undefined,
): Promise<boolean> {
  let isInUse = false;
  await report.check("state", () => {
    if (state instanceof StxError) throw state;
    const { path, isNamed } = state;
    if (!isNamed) checkFolder(report, "state-folder", dirname(path), ownUid, "stx recv makes it");
    const info = look(path);
    if (info === undefined) {
      report.ok("state", `there is no ${escapeControls(path)} yet: stx recv makes it`);
      return;
    }
    const isToldOf = checkOwner(report, "state", path, info, ownUid);
    // SQLite has it beside a file that is open, and leaves it where a process was killed.
    isInUse = look(`${path}-wal`) !== undefined;
    const facts = inspectState(path, isInUse);
    if (facts.layout === 0) {
      report.ok("state", `${escapeControls(path)} is empty: stx recv will use it`);
      return;
    }
    if (facts.layout < facts.newestLayout) {
      report.ok(
        "state",
        `${escapeControls(path)} has an older layout, ${facts.layout}: stx recv will change it`,
      );
    }
    if (isToldOf) return;
    report.ok(
      "state",
      `${escapeControls(path)} is whole: ${formatBytes(info.size)}, layout ${facts.layout}, ` +
        `unfinished transfers: ${facts.unfinishedCount}, finished: ${facts.finishedCount}` +
        `${isInUse ? "; a stx recv works with it, or was killed" : ""}`,
    );
  });
  return isInUse;
}
