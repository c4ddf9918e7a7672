/**
 * Draws a plan of the rounds protocol from a seed.
 * @module
 */
import { Dice } from "../dice.ts";
import { drawLineFaultOf } from "../draw.ts";
import type { LineFault, LineProfile } from "../line.ts";
import type { Step } from "../process.ts";
import type { ClientPlan, Deviance, RoundsFault, RoundsPlan } from "./plan.ts";

/** Steps of a client that takes an epoch out of its key file, and of an enrolment. */
const FILE_STEPS: readonly Step[] = [
  "look",
  "make",
  "open",
  "read",
  "write",
  "sync",
  "sync",
  "rename",
  "rename",
];
const ADMIN_STEPS: readonly Step[] = ["make", "write", "sync", "sync", "rename", "rename", "store", "store"];
const CLIENT_STEPS: readonly (Step | "any")[] = [...FILE_STEPS, "any", "any", "send", "send"];
const SERVER_STEPS: readonly (Step | "any")[] = ["any", "any", "store", "store", "store", "send", "send"];

/** The plan of a seed. */
export function drawRoundsPlan(seed: number): RoundsPlan {
  const dice = new Dice(seed).split("rounds");
  const line = drawLine(dice.split("line"));
  const roundTripMs = 2 * (line.latencyMs + line.jitterMs);
  // What a value of the largest size takes, and as many again before it on the same line.
  const deadlineMs = Math.ceil((2 * roundTripMs + 200 + 40_000 / line.bytesPerMs) * dice.log(1, 10));
  // A group in which everybody is late, so that rounds end at their deadlines and values wait for the next ones.
  const isSlow = dice.chance(0.15);
  const spanMs = Math.ceil(Math.max(isSlow ? 8 * deadlineMs : 4 * roundTripMs, dice.log(50, 20_000)));
  const clientCount = dice.pick([2, 2, 2, 3, 3, 4, 5, 6]);
  const clients = Array.from({ length: clientCount }, (_, i): ClientPlan => {
    const own = dice.split(`client ${i}`);
    const rounds = own.logInt(1, 8);
    const patience = isSlow || own.chance(0.1) ? 6 * deadlineMs : Math.min(spanMs, deadlineMs) / 4;
    return {
      startMs: own.chance(0.5) ? own.int(0, 10) : own.int(0, spanMs),
      thinkMs: Math.ceil(patience * own.fraction()),
      rounds,
    };
  });
  const count = dice.chance(0.03) ? 0 : dice.logInt(2, 14);
  return {
    seed,
    journal: dice.pick(["alone", "folders", "whole"]),
    line,
    minClients: isSlow || dice.chance(0.4) ? 1 : dice.int(1, clientCount),
    deadlineMs,
    roundsMax: dice.chance(0.2) ? dice.logInt(1, 10) : undefined,
    healMs: 3 * spanMs + 2 * deadlineMs,
    clients,
    faults: Array.from(
      { length: count },
      (_, i) => drawFault(dice.split(`fault ${i}`), clientCount, spanMs, isSlow),
    ),
  };
}

function drawLine(dice: Dice): LineProfile {
  return {
    latencyMs: dice.log(0.05, 400),
    jitterMs: dice.chance(0.4) ? 0 : dice.log(0.1, 200),
    bytesPerMs: dice.log(20, 50_000),
    chunkSize: dice.pick([13, 60, 300, 1_448, 16_384]),
    capacityBytes: dice.pick([4_096, 262_144]),
  };
}

/** As often as they stand here. */
const KINDS: readonly RoundsFault["kind"][] = [
  "line",
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
  "shortWrite",
  "slow",
  "pause",
  "clock",
  "clock",
  "clock",
  "again",
  "again",
  "restore",
  "enroll",
  "enroll",
  "revoke",
  "replay",
  "replay",
  "deviant",
];

function drawFault(dice: Dice, clientCount: number, spanMs: number, isSlow: boolean): RoundsFault {
  const client = dice.int(0, clientCount - 1);
  const who = dice.chance(0.4) ? "server" : `client${client}`;
  const atMs = dice.int(0, 2 * spanMs);
  const downMs = dice.logInt(1, spanMs);
  const isPowerLoss = dice.chance(0.6);
  const when = dice.pick(["before", "after"] as const);
  switch (isSlow && dice.chance(0.5) ? "clock" : dice.pick(KINDS)) {
    case "line":
      return {
        kind: "line",
        connection: dice.logInt(1, 3 * clientCount) - 1,
        fault: drawLineFault(dice, spanMs),
      };
    case "crash": {
      const victim = dice.chance(0.2) ? "admin" : who;
      const step = dice.pick(
        victim === "server" ? SERVER_STEPS : victim === "admin" ? ADMIN_STEPS : CLIENT_STEPS,
      );
      const nth = dice.logInt(1, step === "any" ? 60 : victim === "admin" ? 3 : 12);
      return { kind: "crash", who: victim, step, nth, when, isPowerLoss, downMs };
    }
    case "crashAt":
      return { kind: "crashAt", who, atMs, isPowerLoss, downMs };
    case "stop":
      return { kind: "stop", atMs, downMs };
    case "error": {
      const step = who === "server" ? "store" : dice.pick(FILE_STEPS);
      const code = dice.pick(["EIO", "EIO", "EIO", "ENOSPC", "EACCES"] as const);
      // A file that is opened with an error is not open; what else fails may have been done all the same.
      const mayBeDone = step === "store" || step === "sync" || step === "rename";
      return { kind: "error", who, step, nth: dice.logInt(1, 10), when: mayBeDone ? when : "before", code };
    }
    case "shortWrite":
      return { kind: "shortWrite", who: `client${client}`, nth: dice.int(1, 4) };
    case "slow":
      return { kind: "slow", ms: dice.log(0.01, 300) };
    case "pause":
      return { kind: "pause", who, atMs, ms: dice.logInt(1, spanMs) };
    case "clock":
      return {
        kind: "clock",
        who: dice.chance(0.8) ? "server" : who,
        atMs,
        byMs: dice.pick([-1, 1]) * dice.logInt(isSlow ? 10_000 : 1, 100_000_000),
      };
    case "again":
      return { kind: "again", client, atMs };
    case "restore":
      return { kind: "restore", client, copiedAtMs: dice.int(0, atMs), atMs };
    case "enroll":
      return { kind: "enroll", client, atMs };
    case "revoke":
      return { kind: "revoke", client, atMs };
    case "replay":
      return { kind: "replay", connection: dice.int(0, 2 * clientCount), atMs };
    default:
      return {
        kind: "deviant",
        client,
        atMs,
        how: dice.pick<Deviance>(["challenge", "round", "direction", "epoch"]),
      };
  }
}

function drawLineFault(dice: Dice, spanMs: number): LineFault {
  const direction = dice.pick(["up", "down"] as const);
  const atByte = dice.chance(0.4) ? dice.int(0, 300) : dice.logInt(1, 3_000);
  const kind = dice.pick(["cut", "cut", "cut", "noise", "noise", "silence", "stall"] as const);
  return drawLineFaultOf(dice, kind, { direction, atByte, stallMaxMs: spanMs });
}
