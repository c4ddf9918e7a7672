/**
 * What the plays with strangers have in common: an honest sender beside them, and bounds in place of a verdict.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { UNTRUSTED_ALERTS_MAX } from "../../lib/limits.ts";
import type { Step } from "../../lib/attacks/middle.ts";
import type { Seeded } from "../../lib/attacks/seeded.ts";
import type { Bound, Played } from "./attack.ts";
import type { StepClock } from "./step_clock.ts";
import { Door, type Stranger } from "./stranger.ts";
import type { StxWorld } from "./stx_world.ts";

/** Connections that an honest sender makes before it gives up: its first, and one after each alert that may be forged. */
const CONNECTIONS_OF_SENDER_MAX = 1 + UNTRUSTED_ALERTS_MAX;

/** A door of a world's receiver. */
export function doorOf(world: StxWorld, nowMs: () => number, addressOf?: (visit: number) => string): Door {
  return new Door((duplex, address) => world.serve(duplex, address), nowMs, addressOf);
}

/**
 * Sends the file as `stx send` does, which tries again. Resolves to the number of connections that it took.
 * @param pause what happens between two of them
 */
export async function sendUntilThere(world: StxWorld, pause = async () => {}): Promise<number> {
  for (let count = 1;; count++) {
    if (await world.send() !== undefined || count === CONNECTIONS_OF_SENDER_MAX) return count;
    await pause();
  }
}

/** The bound on {@link sendUntilThere}. */
export function connectionsOfSender(measured: number): Bound {
  return { what: "connections that the honest sender needed", measured, most: CONNECTIONS_OF_SENDER_MAX };
}

/** What became of a world in which something was measured. */
export function bounded(world: StxWorld, bounds: readonly Bound[]): Played {
  return { ...world.played(...verdictOf(bounds)), bounds };
}

/** Whether bounds were broken, and which. */
export function verdictOf(bounds: readonly Bound[]): readonly [boolean, string] {
  const over = bounds.find(({ measured, most }) => !(measured <= most));
  if (over === undefined) return [false, "everything stayed within its bounds"];
  return [true, `${over.what}: ${over.measured}, at most ${over.most} may be`];
}

/** One arrow for many that look the same. */
export function arrow(to: "server" | "attacker", name: string, sizeBytes: number, note: string): Step {
  return { from: to === "server" ? "attacker" : "server", to, name, sizeBytes, note };
}

/** The largest number; 0 of none. */
export function largest(numbers: Iterable<number>): number {
  let result = 0;
  for (const number of numbers) result = Math.max(result, number);
  return result;
}

/** So many strangers, who come one after the other. */
export async function gather(door: Door, count: number): Promise<readonly Stranger[]> {
  const strangers: Stranger[] = [];
  while (strangers.length < count) strangers.push(await door.knock());
  return strangers;
}

/** Counts the bytes of a message that had come when the server refused it; what it refuses must be said next. */
export async function takenUntilRefused(stranger: Stranger, say: () => Promise<void>): Promise<number> {
  const { visit } = stranger;
  const before = visit.takenBytes;
  visit.mark();
  await say();
  return (visit.takenAtAnswer ?? Infinity) - before;
}

/** Milliseconds between two bytes of somebody who takes its time: deadlines are whole multiples of each. */
export function paceOf(seeded: Seeded): number {
  return [100, 125, 200, 250][seeded.below(4)]!;
}

/** Somebody who takes its time. */
export interface Dripping {
  readonly strangers: readonly Stranger[];
  /** What each of them says, a byte at a time. */
  readonly message: Bytes;
  readonly paceMs: number;
  readonly clock: StepClock;
}

/** After so long a server that has no deadline is given up. */
const PATIENCE_MS = 30_000;
/** When an honest user comes. */
const MEANWHILE_MS = 5_000;

/**
 * Lets all of them say a byte, and time pass, again and again until the server has let go of the last one.
 * @param meanwhile what an honest user does while they are there
 */
export async function drip(
  { strangers, message, paceMs, clock }: Dripping,
  meanwhile: () => Promise<void>,
): Promise<void> {
  for (let said = 0; said < PATIENCE_MS / paceMs; said++) {
    if (said === MEANWHILE_MS / paceMs) await meanwhile();
    const there = strangers.filter(({ visit }) => visit.closedMs === undefined);
    if (there.length === 0) return;
    const byte = message.slice(said, said + 1);
    await Promise.all(there.map((stranger) => stranger.say(byte)));
    clock.step(paceMs);
  }
}

/**
 * Strangers come, one straight after the other, and say nothing.
 * @param evicted how many of them have had to make room so far
 * @param isMore asked before each, with the number of those before it
 */
export async function flood(
  door: Door,
  evicted: () => number,
  isMore: (count: number) => boolean,
): Promise<void> {
  const there = new Set<Stranger>();
  for (let count = 0; isMore(count); count++) {
    there.add(await door.knock());
    // Whoever is turned away is gone before the next one comes.
    await door.closed(evicted());
    for (const stranger of there) {
      if (stranger.visit.closedMs === undefined) continue;
      stranger.leave();
      there.delete(stranger);
    }
  }
}
