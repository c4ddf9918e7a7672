/**
 * Subcommands whose first word says what to do. The table of commands knows all their words and options together;
 * which action takes which is said and checked here.
 * @module
 */
import { StxError } from "../lib/errors.ts";
import type { SwitchName, ValueFlagName } from "./commands.ts";
import type { ParsedCommand } from "./parse.ts";

/** What an action takes, beside the options that say how to print. */
export interface Action {
  /** The line that shows how it is called. */
  readonly usage: string;
  /** The words that it needs behind its own, as the usage names them. */
  readonly words: readonly string[];
  /** How many more words it may have; none if left out. */
  readonly moreWords?: number;
  /** The options that it needs. */
  readonly needs?: readonly ValueFlagName[];
  /** The options that it may have. */
  readonly flags: readonly (ValueFlagName | SwitchName)[];
}

/** The options that say how to print. */
const PRINTING: readonly string[] = ["quiet", "verbose", "json"];

/** Throws `usage` where the words or options of a command line are not those of its action. */
export function checkAction(action: Action, { command, positionals, values }: ParsedCommand): void {
  const { usage, words, moreWords = 0, needs = [], flags } = action;
  const [name, ...given] = positionals;
  const wrong = (message: string) => new StxError("usage", message, { hint: `Usage: ${usage}` });
  if (given.length < words.length) throw wrong(`${words[given.length]} is missing`);
  const extra = given[words.length + moreWords];
  if (extra !== undefined) throw wrong(`Unexpected argument "${extra}"`);
  const taken: readonly string[] = [...PRINTING, ...needs, ...flags];
  const strange = [...values.keys()].find((flag) => !taken.includes(flag));
  if (strange !== undefined) throw wrong(`Option --${strange} has no meaning for stx ${command} ${name}`);
  const missing = needs.find((flag) => !values.has(flag));
  if (missing !== undefined) throw wrong(`Option --${missing} is missing`);
}
