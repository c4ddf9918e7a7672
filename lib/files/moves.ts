/**
 * Putting a finished transfer in place: which rename comes next, decided from what is on disk at that moment.
 * So the same walk serves the first attempt, the check before it, and the attempt after a crash half-way.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { Entry, Placement } from "../ports.ts";
import { corrupt, findUnreal, inspect, parentOf } from "./inspect.ts";
import type { PlacementRules } from "./placement_rules.ts";

/** Where a transfer waits and where it goes. */
export interface Journey {
  /** What is on its way. */
  readonly entries: readonly Entry[];
  /** The folder that holds what has arrived. */
  readonly dataPath: string;
  /** The receiving folder. */
  readonly root: string;
  /** Where in that folder. */
  readonly placement: Placement;
  /** The size of the only entry is not known beforehand. */
  readonly sizeUnknown: boolean;
  /** What must hold on the way. */
  readonly rules: PlacementRules;
}

/** Where a file is now: waiting, or in place. Throws `state_corrupt` where a link or a file stands in a folder's place. */
export function whereIs({ dataPath, root, placement }: Journey, entry: Entry): string {
  const waiting = `${dataPath}/${entry.path}`;
  if (inspect(waiting) !== undefined) return waiting;
  const to = finalPath(entry.path, placement);
  const unreal = findUnreal(root, parentOf(to));
  if (unreal !== undefined) throw corrupt(unreal, "it is not a real folder");
  return `${root}/${to}`;
}

/** One rename; all below a folder goes with it. */
export interface Move {
  /** Absolute. */
  readonly from: string;
  /** Relative to the receiving folder. */
  readonly to: string;
}

/** The path that an entry's path has in the receiving folder. */
export function finalPath(path: string, placement: Placement): string {
  const slash = path.indexOf("/");
  const top = slash < 0 ? path : path.slice(0, slash);
  const name = Object.hasOwn(placement.topNames, top) ? placement.topNames[top] : undefined;
  if (name === undefined) {
    throw new StxError("state_corrupt", `Cannot place "${escapeControls(path)}": no name was chosen for it`);
  }
  return name + path.slice(top.length);
}

/** How to go through the renames. */
export interface MoveOptions {
  /**
   * Nobody vouches for what waits, and some of it may be in place already: the work goes on after a crash. So
   * every size is compared, since a transfer that never was whole must not be put in place by mistake.
   */
  readonly isRecovering: boolean;
  /** No rename follows: what lies below a folder that would move is still where it waits. */
  readonly isCheck: boolean;
  /** Is told where something was found that came there before a crash, which may not be durable yet. */
  readonly onFound?: (to: string) => void;
}

/**
 * Yields the renames that are still to be done, each looked at when it is asked for, so that it can be done
 * before anything else happens. A folder that has no counterpart moves whole; one that has is merged into it,
 * file by file, where the policy is to overwrite or to skip.
 *
 * Throws `exists` where a name is taken and the policy does not say what to do, or a file stands in a folder's
 * place or the reverse; `state_corrupt` where something neither waits nor is in place.
 */
export function* moves(journey: Journey, options: MoveOptions): Generator<Move> {
  const { entries, dataPath, root, placement } = journey;
  /** Folders that move whole. */
  const moved = new Set<string>();
  /** Folders that moved before a crash. */
  const gone = new Set<string>();
  for (const entry of entries) {
    const from = `${dataPath}/${entry.path}`;
    const parent = parentOf(entry.path);
    if (gone.has(parent)) {
      if (entry.kind === "directory") gone.add(entry.path);
      continue;
    }
    if (moved.has(parent)) {
      if (entry.kind === "directory") moved.add(entry.path);
      if (options.isRecovering && options.isCheck) requireWhole(journey, entry, inspect(from));
      continue;
    }
    const to = finalPath(entry.path, placement);
    const target = inspect(`${root}/${to}`);
    if (options.isRecovering) {
      const waiting = inspect(from);
      if (waiting === undefined && target !== undefined && canBe(journey, entry, target)) {
        if (entry.kind === "directory") gone.add(entry.path);
        options.onFound?.(to);
        continue;
      }
      requireWhole(journey, entry, waiting);
    }
    if (target === undefined) {
      if (entry.kind === "directory") moved.add(entry.path);
    } else if (!replaces(entry, target, journey)) {
      continue;
    }
    yield { from, to };
  }
}

/** What to do where `entry` meets `target`: `true` to replace it, `false` to leave it. */
function replaces(entry: Entry, target: Deno.FileInfo, { placement, rules }: Journey): boolean {
  const path = finalPath(entry.path, placement);
  rules.checkTaken(path, placement.conflict);
  rules.checkKind(entry, target, path);
  return entry.kind === "file" && placement.conflict !== "skip";
}

/** Throws `state_corrupt` unless `waiting`, what stands where `entry` waits, can be all of it. */
export function requireWhole(journey: Journey, entry: Entry, waiting: Deno.FileInfo | undefined): void {
  if (waiting !== undefined && isWhole(journey, entry, waiting)) return;
  throw corrupt(`${journey.dataPath}/${entry.path}`, "it is missing or not whole");
}

function isWhole(journey: Journey, entry: Entry, info: Deno.FileInfo): boolean {
  if (entry.kind === "directory") return info.isDirectory;
  return info.isFile && (journey.sizeUnknown || info.size === entry.sizeBytes);
}

/** Says whether `target` can be what was put in place, or left there, before a crash. */
function canBe(journey: Journey, entry: Entry, target: Deno.FileInfo): boolean {
  if (entry.kind === "file" && journey.placement.conflict === "skip") return !target.isDirectory;
  return isWhole(journey, entry, target);
}
