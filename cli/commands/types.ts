/**
 * What a subcommand, its words and its options are made of.
 * @module
 */

/** What a shell offers for a word: nothing, file names, folder names, or one of a few fixed words. */
export type Completion = "none" | "file" | "dir" | readonly string[];

/** The value that an option takes. */
export interface FlagValue {
  /** How help names it, for example `FILE`. */
  readonly placeholder: string;
  /** What a shell offers for it. Where this is a list, the parser takes nothing outside the list. */
  readonly completion: Completion;
  /** Says that the option may be given several times; its values are then joined by commas. */
  readonly repeated?: true;
  /** Says that an empty value means something. Elsewhere it is an error: most often an unset shell variable. */
  readonly mayBeEmpty?: true;
}

/** One option of a subcommand. */
export interface Flag {
  /** The long name without its dashes. */
  readonly name: string;
  /** The letter behind a single dash, where people know one from ssh, scp or ssh-keygen. */
  readonly short?: string;
  /** The value that it takes; an option without one is a switch. */
  readonly value?: FlagValue;
  readonly help: string;
}

/** One word, or run of words, that is no option. */
export interface Positional {
  /** How help names it, for example `PATH`. */
  readonly placeholder: string;
  readonly completion: Completion;
  /** Says that one or more words are taken. */
  readonly repeated?: true;
  readonly optional?: true;
  /** Says that other words are taken too than those that a shell offers. */
  readonly open?: true;
}

/** A command line to show, and what it does. */
export interface Example {
  readonly line: string;
  readonly text: string;
}

/** One subcommand. */
export interface Command {
  readonly name: string;
  /** Half a line for the list of subcommands. */
  readonly summary: string;
  /** A few sentences for the subcommand's own help. */
  readonly description: string;
  readonly positionals: readonly Positional[];
  readonly flags: readonly Flag[];
  readonly examples: readonly Example[];
  /** Options of scp that people will try here, each with what to do in its place. */
  readonly instead?: Readonly<Record<string, string>>;
}
