/**
 * stx as a child process of a script, from the sources in this project.
 * @module
 */
import type { EventName, Events } from "../cli/events.ts";
import type { Child, Children } from "./process.ts";
import { ENTRY_POINT } from "./project.ts";

/** An event that stx has printed, as cli/events.ts describes it. */
export type StxEvent = { [Name in EventName]: { readonly event: Name } & Events[Name] }[EventName];

/** The words behind `deno` that run stx from the sources under `flags`. */
export function stxArguments(flags: readonly string[], args: readonly string[]): readonly string[] {
  return ["run", ...flags, ENTRY_POINT, ...args];
}

/** A running `stx … --json`. */
export class StxProcess {
  readonly child: Child;
  readonly #past: StxEvent[] = [];
  readonly #reading: Promise<void>;
  #change = Promise.withResolvers<void>();
  #ended = false;

  /** Starts it; `onEvent` sees every event as it comes. */
  constructor(
    children: Children,
    flags: readonly string[],
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    onEvent: (event: StxEvent) => void = () => {},
  ) {
    this.child = children.start(Deno.execPath(), stxArguments(flags, [...args, "--json"]), { env });
    this.#reading = this.#read(onEvent);
  }

  /**
   * The first event called `name` that `accept` takes, past or to come. Throws with what stx printed if it ends
   * without one.
   */
  async first<Name extends EventName>(
    name: Name,
    accept: (event: Extract<StxEvent, { event: Name }>) => boolean = () => true,
  ): Promise<Extract<StxEvent, { event: Name }>> {
    for (let index = 0;; index++) {
      while (index >= this.#past.length) {
        if (this.#ended) {
          throw new Error(`stx ended without "${name}": ${(await this.child.end).stderr.trim()}`);
        }
        await this.#change.promise;
      }
      const event = this.#past[index]!;
      if (isNamed(event, name) && accept(event)) return event;
    }
  }

  /** Resolves when stx has ended well. Throws with what it printed if it failed. */
  async succeed(): Promise<void> {
    await this.#reading;
    const { code, stderr } = await this.child.end;
    if (code !== 0) throw new Error(`stx ended with ${code}: ${stderr.trim()}`);
  }

  async #read(onEvent: (event: StxEvent) => void): Promise<void> {
    for await (const line of this.child.lines) {
      const event = JSON.parse(line) as StxEvent;
      this.#past.push(event);
      onEvent(event);
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function isNamed<Name extends EventName>(
  event: StxEvent,
  name: Name,
): event is Extract<StxEvent, { event: Name }> {
  return event.event === name;
}
