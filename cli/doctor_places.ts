/**
 * The folders and the state file, as `stx doctor` looks at them.
 * @module
 */
import { dirname } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { inspectPartialFolder, PARTIAL_FOLDER } from "../lib/files/private_folder.ts";
import { openReceivingFolder } from "../lib/files/receiving_folder.ts";
import { inspectState } from "../lib/store/inspect_state.ts";
import { checkOwner, look, mayWrite, realPath, shownMode } from "./doctor_files.ts";
import type { Place, Places } from "./doctor_paths.ts";
import type { DoctorReport } from "./doctor_report.ts";
import { freeSpace, nearest, tryReceiving, tryWriting } from "./doctor_trial.ts";
import type { CheckName } from "./events.ts";
import { isLink } from "./key_files.ts";
import { formatBytes } from "./values.ts";

/** Below this a folder counts as nearly full. */
const SPACE_LOW = 100_000_000;

/** What a new state file takes with its log and its index, until the first transfer: less than this, in bytes. */
const STATE_SIZE = 128 * 1024;

/** What an identity takes, in bytes: two files of a block each. */
const IDENTITY_SIZE = 8 * 1024;

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
    const ours = tryReceiving(folder);
    ownUid = ours.uid ?? undefined;
    const space = freeSpace(folder);
    const partial = inspectPartialFolder(folder, ours);
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
        `everybody may put files into ${path} (mode ${shownMode(info.mode)})`,
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

/** Checks the folder of keys and trust. Resolves to why nothing can be written into it, if so. */
export async function checkConfiguration(
  report: DoctorReport,
  { config, identity, authorizedKeys, sharedKeys }: Places,
  ownUid: number | undefined,
): Promise<StxError | undefined> {
  let why: StxError | undefined;
  await report.check("configuration", () => {
    if (config instanceof StxError) {
      if (identity === undefined || (authorizedKeys ?? sharedKeys) === undefined) throw config;
      report.warn(
        "configuration",
        config.message,
        "recv does without it here; send does with --identity and --peer",
      );
      return;
    }
    why = checkFolder(report, "configuration", config, ownUid, {
      maker: "stx keygen makes it",
      sizeBytes: IDENTITY_SIZE,
      isNeeded: false,
    });
  });
  return why;
}

/** What is asked of a folder. */
interface FolderNeeds {
  /** Who makes it if it is missing. */
  readonly maker: string;
  /** What is to be written into it. */
  readonly sizeBytes: number;
  /** Whether it is a problem if that cannot be. */
  readonly isNeeded: boolean;
}

/** Tells of a folder; the files in it are looked at elsewhere. Returns why nothing can be written into it, if so. */
function checkFolder(
  report: DoctorReport,
  name: CheckName,
  path: string,
  ownUid: number | undefined,
  { maker, sizeBytes, isNeeded }: FolderNeeds,
): StxError | undefined {
  const tell = (text: string, hint = null as string | null) =>
    isNeeded ? report.problem(name, text, hint) : report.warn(name, text, hint);
  const info = look(path);
  if (info === undefined) {
    const absent = `there is no folder ${escapeControls(path)} yet`;
    const why = whyNotWritable(nearest(path), sizeBytes);
    if (why === undefined) report.ok(name, `${absent}: ${maker}`);
    else tell(`${absent}, and it cannot be made: ${why.message}`, why.hint);
    return why;
  }
  if (!info.isDirectory) {
    throw new StxError("disk", `${escapeControls(path)} is not a folder`, { hint: "move it out of the way" });
  }
  const isToldOf = checkOwner(report, name, path, info, ownUid);
  const why = whyNotWritable(path, sizeBytes);
  if (why !== undefined) tell(why.message, why.hint);
  else if (!isToldOf) report.ok(name, escapeControls(path));
  return why;
}

/** Why a folder does not take what is to be written, if so; where this run may not try, nothing is known of it. */
function whyNotWritable(folder: string | undefined, sizeBytes: number): StxError | undefined {
  if (folder === undefined || !mayWrite(folder)) return undefined;
  try {
    tryWriting(folder, sizeBytes);
    return undefined;
  } catch (error) {
    if (error instanceof StxError) return error;
    throw error;
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
    // SQLite has its log beside the file itself, where a link leads to it.
    const path = isLink(state.path) ? realPath(state.path) : state.path;
    const info = look(path);
    // It has it while the file is open, and leaves it where a process was killed.
    isInUse = look(`${path}-wal`) !== undefined;
    const why = checkStateFolder(report, { path, isNamed: state.isNamed }, ownUid, isInUse);
    // Without room for its other files nobody can open it.
    if (why !== undefined && !isInUse) return;
    if (info === undefined) {
      report.ok("state", `there is no ${escapeControls(path)} yet: stx recv makes it`);
      return;
    }
    const isToldOf = checkOwner(report, "state", path, info, ownUid);
    // Asked first: where SQLite may only read it, its log stays behind.
    if (info.isFile) requireWritable(path);
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

/**
 * Tells of the folder of a state file, in which SQLite makes more files while it is used. Returns why nothing can be
 * written into it, if so.
 */
function checkStateFolder(
  report: DoctorReport,
  { path, isNamed }: Place,
  ownUid: number | undefined,
  isInUse: boolean,
): StxError | undefined {
  const folder = dirname(path);
  if (!isNamed) {
    return checkFolder(report, "state-folder", folder, ownUid, {
      maker: "stx recv makes it",
      sizeBytes: STATE_SIZE,
      // Where its other files are already, it needs no more.
      isNeeded: !isInUse,
    });
  }
  // Which folder it is in is the user's own choice, and nobody makes it.
  const why = isInUse ? undefined : whyNotWritable(folder, STATE_SIZE);
  if (why !== undefined) report.problem("state", why.message, why.hint ?? null);
  return why;
}

/** Throws what `diskError` says unless a state file can be opened to be written; what it holds is left alone. */
function requireWritable(path: string): void {
  try {
    Deno.openSync(path, { write: true }).close();
  } catch (error) {
    throw diskError(error, "write the state file", path);
  }
}
