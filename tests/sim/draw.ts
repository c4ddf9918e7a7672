/**
 * Draws a plan from a seed.
 * @module
 */
import { Dice } from "./dice.ts";
import type { CutKind, Direction, LineFault, LineProfile } from "./line.ts";
import type { Fault, Item, Plan, SenderPlan, SourceChange } from "./plan.ts";
import { EPOCH_MS, type Step } from "./process.ts";

/** Bytes of a block of the stream in every run: the smallest there may be, so that small files have several. */
export const BLOCK_SIZE = 16 * 1024;

const NAMES = ["a", "b.txt", "c.tar.gz", "d", "e"];
const FILE_MODES = [0o644, 0o644, 0o644, 0o600, 0o444, 0o400, 0o755];
const FOLDER_MODES = [0o755, 0o755, 0o700, 0o555, 0o500];
const SIZES = [
  0,
  1,
  5,
  511,
  BLOCK_SIZE - 1,
  BLOCK_SIZE,
  BLOCK_SIZE + 1,
  2 * BLOCK_SIZE,
  40_000,
  70_000,
  160_000,
];
/** Steps of the receiver where a crash finds the most different states, and those that follow each other. */
const CRASH_STEPS: readonly (Step | "any")[] = [
  "any",
  "any",
  "any",
  "make",
  "makeFolder",
  "write",
  "truncate",
  "setTime",
  "setMode",
  "sync",
  "sync",
  "rename",
  "rename",
  "remove",
  "store",
  "store",
  "store",
  "send",
];
const ERROR_STEPS: readonly Step[] = [
  "look",
  "open",
  "make",
  "makeFolder",
  "read",
  "write",
  "truncate",
  "setTime",
  "setMode",
  "sync",
  "sync",
  "rename",
  "remove",
  "store",
];
const SLOW_STEPS: readonly Step[] = ["sync", "write", "store", "rename", "make", "remove"];
const CHANGES: readonly SourceChange[] = ["append", "shorten", "rewrite", "replace", "touch", "remove"];

/** The plan of a seed. */
export function drawPlan(seed: number): Plan {
  const dice = new Dice(seed);
  const senderCount = dice.pick([1, 1, 1, 2, 2, 3]);
  const senders = Array.from({ length: senderCount }, (_, i) => drawSender(dice.split(`sender ${i}`)));
  return {
    seed,
    conflict: dice.pick(["refuse", "refuse", "rename", "overwrite", "skip"]),
    journal: dice.pick(["alone", "folders", "whole"]),
    syncMs: dice.pick([0, 0, 0, 0.2, 10, 2_000]),
    line: drawLine(dice.split("line")),
    inbox: drawInbox(dice.split("inbox"), senders),
    senders,
    faults: drawFaults(dice.split("faults"), senderCount),
  };
}

function drawLine(dice: Dice): LineProfile {
  return {
    latencyMs: dice.log(0.05, 400),
    jitterMs: dice.chance(0.5) ? 0 : dice.log(0.1, 200),
    bytesPerMs: dice.log(4, 50_000),
    chunkSize: dice.pick([1_448, 16_384, 65_536, 65_536]),
    capacityBytes: dice.pick([16_384, 262_144, 4_194_304]),
  };
}

function drawInbox(dice: Dice, senders: readonly SenderPlan[]): readonly Item[] {
  const items: Item[] = [];
  for (const name of NAMES) {
    if (!dice.chance(0.07)) continue;
    if (dice.chance(0.7)) items.push(drawFile(dice, name));
    else items.push(drawFolder(dice, name, 0o755), drawFile(dice, `${name}/a`));
  }
  // Now and then some of what is sent is there already, so that folders are merged.
  if (!dice.chance(0.25)) return items;
  const there = new Set(items.map(({ path }) => path));
  const folders = new Set(items.filter(({ kind }) => kind === "directory").map(({ path }) => path));
  for (const { path, kind } of senders[0]!.items) {
    const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    if (there.has(path) || (parent !== "" && !folders.has(parent))) continue;
    if (kind === "directory" && dice.chance(0.8)) {
      items.push(drawFolder(dice, path, 0o755));
      folders.add(path);
    } else if (kind === "file" && parent !== "" && dice.chance(0.3)) {
      items.push(drawFile(dice, path));
    }
  }
  return items;
}

function drawFile(dice: Dice, path: string): Item {
  return {
    path,
    kind: "file",
    sizeBytes: dice.chance(0.7) ? dice.pick(SIZES) : dice.logInt(1, 100_000),
    mode: dice.pick(FILE_MODES),
    mtimeMs: drawTime(dice),
    content: dice.int(1, 1_000_000),
  };
}

function drawFolder(dice: Dice, path: string, mode: number): Item {
  return { path, kind: "directory", sizeBytes: 0, mode, mtimeMs: drawTime(dice), content: 0 };
}

function drawTime(dice: Dice): number {
  return EPOCH_MS - dice.logInt(1, 100_000_000_000);
}

function drawSender(dice: Dice): SenderPlan {
  const startMs = dice.chance(0.5) ? dice.int(0, 10) : dice.int(0, 3_000);
  if (dice.chance(0.12)) {
    const items = [drawFile(dice, dice.pick(NAMES))];
    return { items, startMs, withDigests: dice.chance(0.3), isStream: true };
  }
  const items: Item[] = [];
  const names = dice.chance(0.6) ? [dice.pick(NAMES)] : NAMES.filter(() => dice.chance(0.4));
  for (const name of names.length === 0 ? [NAMES[0]!] : names) {
    if (dice.chance(0.6)) items.push(drawFile(dice, name));
    else drawTree(dice, name, items, 0);
  }
  return { items, startMs, withDigests: dice.chance(0.3), isStream: false };
}

function drawTree(dice: Dice, path: string, items: Item[], depth: number): void {
  items.push(drawFolder(dice, path, dice.pick(FOLDER_MODES)));
  for (const name of NAMES) {
    if (!dice.chance(0.45)) continue;
    if (depth < 2 && dice.chance(0.25)) drawTree(dice, `${path}/${name}`, items, depth + 1);
    else items.push(drawFile(dice, `${path}/${name}`));
  }
}

function drawFaults(dice: Dice, senderCount: number): readonly Fault[] {
  const count = dice.chance(0.03) ? 0 : dice.logInt(1, 12);
  return Array.from({ length: count }, (_, i) => drawFault(dice.split(`fault ${i}`), senderCount));
}

function drawFault(dice: Dice, senderCount: number): Fault {
  const sender = dice.int(0, senderCount - 1);
  const who = dice.chance(0.75) ? "receiver" : `sender${sender}`;
  const atMs = dice.logInt(1, 20_000);
  const downMs = dice.logInt(1, 20_000);
  const isPowerLoss = dice.chance(0.6);
  const when = dice.pick(["before", "before", "after"] as const);
  switch (dice.pick(KINDS)) {
    case "line":
      return { kind: "line", connection: dice.logInt(1, senderCount + 3) - 1, fault: drawLineFault(dice) };
    case "crash": {
      const step = who === "receiver" ? dice.pick(CRASH_STEPS) : dice.pick(["any", "read", "send"] as const);
      const nth = dice.logInt(1, step === "any" ? 400 : 40);
      const when = dice.pick(["before", "after"] as const);
      return { kind: "crash", who, step, nth, when, isPowerLoss, downMs };
    }
    case "crashAt":
      return { kind: "crashAt", who, atMs, isPowerLoss, downMs };
    case "stop":
      return { kind: "stop", atMs, downMs };
    case "error": {
      const step = dice.pick(ERROR_STEPS);
      // Where modes cannot be changed, as on a memory stick, they stay as they are, and that is no failure.
      const codes = step === "setMode"
        ? ["EIO"] as const
        : ["EIO", "EIO", "EIO", "ENOSPC", "EACCES"] as const;
      const times = dice.chance(0.7) ? 1 : dice.logInt(1, 30);
      const mayBeDone = step === "store" || step === "rename" || step === "remove";
      return {
        kind: "error",
        step,
        nth: dice.logInt(1, 25),
        times,
        code: dice.pick(codes),
        ...(mayBeDone && when === "after" ? { when } : {}),
      };
    }
    case "shortWrite":
      return { kind: "shortWrite", nth: dice.logInt(1, 20), times: dice.logInt(1, 20) };
    case "full":
      return { kind: "full", nth: dice.logInt(1, 20), roomBytes: dice.int(0, 40_000) };
    case "slow":
      return { kind: "slow", step: dice.pick(SLOW_STEPS), ms: dice.log(0.01, 3_000) };
    case "clock":
      return { kind: "clock", who, atMs, byMs: dice.pick([-1, 1]) * dice.logInt(1, 100_000_000) };
    case "source":
      return {
        kind: "source",
        sender,
        nth: dice.logInt(1, 20),
        item: dice.int(0, 20),
        change: dice.pick(CHANGES),
      };
    case "meddle":
      return {
        kind: "meddle",
        before: dice.pick(["connection", "start"] as const),
        nth: dice.int(1, senderCount + 2),
        item: dice.int(0, 20),
        how: dice.pick(["remove", "append", "shorten", "partial", "partial"] as const),
      };
    case "again":
      return { kind: "again", sender, atMs };
    default:
      return { kind: "appear", atMs, name: dice.pick(NAMES) };
  }
}

/** As often as they stand here. */
const KINDS: readonly Fault["kind"][] = [
  "line",
  "line",
  "line",
  "line",
  "line",
  "crash",
  "crash",
  "crash",
  "crash",
  "crash",
  "crash",
  "crashAt",
  "crashAt",
  "stop",
  "error",
  "error",
  "error",
  "shortWrite",
  "full",
  "slow",
  "clock",
  "source",
  "again",
  "again",
  "appear",
  "meddle",
  "meddle",
  "meddle",
  "meddle",
];

function drawLineFault(dice: Dice): LineFault {
  const direction: Direction = dice.chance(0.65) ? "up" : "down";
  const atByte = dice.chance(0.3) ? dice.int(0, 2_500) : dice.logInt(1, direction === "up" ? 120_000 : 3_000);
  const kind = dice.pick(["cut", "cut", "noise", "noise", "silence", "stall"] as const);
  return drawLineFaultOf(dice, kind, { direction, atByte, stallMaxMs: 40_000 });
}

/** The rest of a line's fault, once it is known what happens and where. */
export function drawLineFaultOf(
  dice: Dice,
  kind: LineFault["kind"],
  { stallMaxMs, ...where }: {
    readonly direction: Direction;
    readonly atByte: number;
    readonly stallMaxMs: number;
  },
): LineFault {
  switch (kind) {
    case "cut":
      return { kind, ...where, how: dice.pick<CutKind>(["reset", "reset", "end", "halfOpen"]) };
    case "noise":
      return { kind, ...where, xor: dice.int(1, 255) };
    case "silence":
      return { kind, ...where };
    case "stall":
      return { kind, ...where, ms: dice.logInt(1, stallMaxMs) };
  }
}
