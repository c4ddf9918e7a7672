/**
 * Virtual time. Whatever takes time in a run is an event here: events happen one after the other, in the order of
 * their times, and those of one moment in an order that the seed decides. Between two events everything runs that
 * runs by itself, so a run's schedule depends on nothing but its seed.
 * @module
 */
import type { Dice } from "./dice.ts";

/** The platform's own, taken before a run puts others in their places. */
const nextTurn = setImmediate;

/** Who events happen to: nothing happens to the dead, and whoever is busy gets its events later. */
export interface EventOwner {
  readonly isAlive: boolean;
  readonly busyUntilMs: number;
}

interface Event {
  atMs: number;
  readonly order: number;
  readonly label: string;
  readonly owner: EventOwner | undefined;
  readonly action: () => void;
  isCancelled: boolean;
}

/** See the module's text. */
export class Scheduler {
  readonly #dice: Dice;
  /** A binary heap. */
  readonly #events: Event[] = [];
  readonly #log: string[] | undefined;
  #nowMs = 0;
  #hash = 0x811c9dc5;
  #count = 0;

  /** @param isLogging whether every event is kept as a line of text too */
  constructor(dice: Dice, isLogging = false) {
    this.#dice = dice;
    this.#log = isLogging ? [] : undefined;
  }

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A number that two runs have in common if, and in all likelihood only if, the same happened in them at the same times. */
  get traceHash(): number {
    return this.#hash >>> 0;
  }

  /** Events that have happened. */
  get eventCount(): number {
    return this.#count;
  }

  /** What has happened, if it was to be kept. */
  get log(): readonly string[] {
    return this.#log ?? [];
  }

  /** Lets `action` happen in `delayMs`; the returned function cancels that. */
  after(delayMs: number, label: string, owner: EventOwner | undefined, action: () => void): () => void {
    const event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#dice.fraction(),
      label,
      owner,
      action,
      isCancelled: false,
    };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Resolves after `delayMs`; never, if `owner` dies before. */
  wait(delayMs: number, label: string, owner?: EventOwner): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, label, owner, resolve));
  }

  /** Writes down what somebody does; it becomes part of the trace. */
  note(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.#hash = Math.imul(this.#hash ^ Math.floor(this.#nowMs * 1000), 0x01000193);
    this.#log?.push(`${this.#nowMs.toFixed(3).padStart(12)} ${text}`);
  }

  /** Lets everything happen until `isOver`, which is asked after each event. Returns `false` if nothing is left before. */
  async run(isOver: () => boolean): Promise<boolean> {
    for (;;) {
      await new Promise<void>((resolve) => void nextTurn(resolve));
      if (isOver()) return true;
      const event = this.#take();
      if (event === undefined) return false;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      this.#count += 1;
      this.note(event.label);
      event.action();
    }
  }

  /** The next event that may happen. */
  #take(): Event | undefined {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return undefined;
      const { owner } = event;
      if (event.isCancelled || owner?.isAlive === false) continue;
      if (owner === undefined || owner.busyUntilMs <= event.atMs) return event;
      event.atMs = owner.busyUntilMs;
      this.#push(event);
    }
  }

  #push(event: Event): void {
    const events = this.#events;
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  #pop(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child += 1;
      if (!isBefore(events[child]!, last)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
