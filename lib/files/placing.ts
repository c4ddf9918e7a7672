/**
 * Putting a transfer in place: the renames, and what can only follow them.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { codeOf, StxError } from "../errors.ts";
import { diskError } from "./disk_error.ts";
import { makeDurable, pause } from "./durable.ts";
import { findUnreal, inspect, parentOf } from "./inspect.ts";
import { needsLess, takeBits } from "./modes.ts";
import { finalPath, type Journey, moves } from "./moves.ts";
import { requireWritable } from "./private_folder.ts";
import { hasTimeOf } from "./times.ts";

/** Renames or looks in a row, a few milliseconds of work. */
const UNTIL_PAUSE = 512;

/**
 * Throws what {@link moveAll} would throw, as far as that can be foreseen, before anything is moved. Returns a promise
 * only where it may take more than one turn: see {@link isMerging}.
 */
export function checkMoves(journey: Journey, isRecovering: boolean): Promise<void> | undefined {
  const pieces = checkPieces(journey, isRecovering);
  if (isRecovering || isMerging(journey)) {
    return (async () => {
      for (const _ of pieces) await pause();
    })();
  }
  for (const _ of pieces);
  return undefined;
}

/** Looks at every move, and yields after a few milliseconds of work. */
function* checkPieces(journey: Journey, isRecovering: boolean): Generator<void> {
  const device = inspect(journey.dataPath)?.dev;
  let count = 0;
  let lastParent = "";
  for (const { to } of moves(journey, { isRecovering, isCheck: true })) {
    const parent = parentOf(to);
    // Half of a transfer would stand in place for as long as nobody opens the folder, or unmounts it.
    if (parent !== lastParent && parent !== "") {
      const path = `${journey.root}/${parent}`;
      requireWritable(path);
      if (inspect(path)?.dev !== device) throw otherFileSystem(path);
    }
    lastParent = parent;
    if (++count % UNTIL_PAUSE === 0) yield;
  }
}

function otherFileSystem(path: string): StxError {
  return new StxError(
    "disk",
    `Cannot put anything in place in "${
      escapeControls(path)
    }": it is on another file system than the receiving folder`,
    { hint: "unmount it, or receive into it with a receiver of its own" },
  );
}

/**
 * Whether names that are taken do not matter. Where they end it all, no other transfer may take one between the
 * check and the last rename: all of it happens in one turn.
 */
function isMerging({ placement }: Journey): boolean {
  return placement.conflict === "overwrite" || placement.conflict === "skip";
}

/** Renames everything into place and makes that durable. */
export async function moveAll(journey: Journey, isRecovering: boolean): Promise<void> {
  const { root } = journey;
  const changed = new Set([root]);
  const noteChange = (to: string): void => {
    const parent = parentOf(to);
    if (parent !== "") changed.add(`${root}/${parent}`);
  };
  const mayPause = isMerging(journey);
  let count = 0;
  for (const { from, to } of moves(journey, { isRecovering, isCheck: false, onFound: noteChange })) {
    journey.rules.checkWay(root, to);
    try {
      Deno.renameSync(from, `${root}/${to}`);
    } catch (error) {
      throw diskError(error, "put in place", `${root}/${to}`);
    }
    noteChange(to);
    if (++count % UNTIL_PAUSE === 0 && mayPause) await pause();
  }
  await makeDurable([...changed]);
}

/**
 * Takes from folders the bits that their owner should not have, the deepest first. That has to come last: a
 * folder that may not be written to cannot be moved. A folder that was there before, and only got new
 * contents, is left alone: it has another time than its entry.
 */
export async function settleFolders(journey: Journey, isRecovering: boolean): Promise<void> {
  const { root, placement, entries } = journey;
  for (const entry of entries.toReversed()) {
    if (entry.kind === "file" || !needsLess(entry)) continue;
    const to = finalPath(entry.path, placement);
    try {
      if (findUnreal(root, to) !== undefined) continue;
      const path = `${root}/${to}`;
      if (hasTimeOf(Deno.lstatSync(path), entry)) await takeBits(path, entry);
    } catch (error) {
      const known = diskError(error, "change the mode of", `${root}/${to}`);
      // Before the crash a folder above was closed, and that came after everything below it.
      if (!isRecovering || codeOf(known) !== "permission") throw known;
    }
  }
}

/**
 * How many files still wait after {@link moveAll}, and the path of the first: others of their names were there, and the
 * policy is to skip them.
 */
export async function findKept(
  { entries, dataPath, placement }: Journey,
): Promise<{ readonly count: number; readonly first: string }> {
  let count = 0;
  let first = "";
  let looked = 0;
  for (const { kind, path } of placement.conflict === "skip" ? entries : []) {
    if (kind === "file" && inspect(`${dataPath}/${path}`) !== undefined && ++count === 1) first = path;
    if (++looked % UNTIL_PAUSE === 0) await pause();
  }
  return { count, first };
}
