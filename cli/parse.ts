/**
 * Reads a command line by the table of commands.
 * @module
 */
import { parseArgs } from "node:util";
import { StxError } from "../lib/errors.ts";
import {
  type Command,
  type CommandName,
  COMMANDS,
  findCommand,
  type Flag,
  GLOBAL_FLAGS,
  type SwitchName,
  usageOf,
  type ValueFlagName,
} from "./commands.ts";
import { nearest } from "./suggest.ts";

/** A subcommand that is run; help is answered by itself. */
export type RunnableName = Exclude<CommandName, "help">;

/** A subcommand with its words and options, checked against the table. */
export interface ParsedCommand {
  readonly command: RunnableName;
  /** The words that are no options, in order. */
  readonly positionals: readonly string[];
  /** The given options by long name: the value, or `true` for a switch. */
  readonly values: ReadonlyMap<string, string | true>;
}

/** What a command line asks for. */
export type Request =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly topic: CommandName | undefined }
  | { readonly kind: "run"; readonly parsed: ParsedCommand };

/** The value of an option, `undefined` if it was not given. */
export function valueOf(parsed: ParsedCommand, name: ValueFlagName): string | undefined {
  const value = parsed.values.get(name);
  return value === true ? undefined : value;
}

/** Says whether a switch was given. */
export function isSet(parsed: ParsedCommand, name: SwitchName): boolean {
  return parsed.values.has(name);
}

/** Reads the words behind `stx`, of which there is at least one; throws `usage` for what is not in the table. */
export function parseArguments(args: readonly string[]): Request {
  const first = args[0] ?? "";
  if (first === "--version" || first === "-V") {
    if (args[1] !== undefined) throw unexpectedArgument(args[1], "See: stx help");
    return { kind: "version" };
  }
  if (first === "--help" || first === "-h") return parseArguments(["help", ...args.slice(1)]);
  if (first.startsWith("-")) throw optionBeforeCommand(first);
  const command = findCommand(first);
  if (command === undefined) {
    throw unknownWord(
      "command",
      first,
      COMMANDS.map(({ name }) => name),
      "See: stx help",
    );
  }
  const { positionals, values } = parseCommand(command, args.slice(1));
  if (values.has("help")) return { kind: "help", topic: command.name };
  if (command.name === "help") {
    const [topic] = positionals;
    return { kind: "help", topic: topic === undefined ? undefined : findCommand(topic)?.name };
  }
  return { kind: "run", parsed: { command: command.name, positionals, values } };
}

function parseCommand(command: Command, args: string[]): Pick<ParsedCommand, "positionals" | "values"> {
  const values = new Map<string, string | true>();
  const positionals: string[] = [];
  const tokens = tokenize(command, args);
  // Who asks for help is answered with help, whatever else is wrong with the line.
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) {
    return { positionals, values: values.set("help", true) };
  }
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const flag = command.flags.find((candidate) => candidate.name === token.name);
    if (flag === undefined) throw unknownOption(command, token.rawName, token.name);
    const value = checkValue(command, flag, token);
    const before = values.get(flag.name);
    if (before !== undefined && flag.value?.repeated === undefined) {
      throw new StxError("usage", `Option ${token.rawName} is given twice`, {
        hint: `give it once. ${seeHelp(command)}`,
      });
    }
    values.set(flag.name, typeof before === "string" ? `${before},${value}` : value);
  }
  if (values.has("quiet") && values.has("verbose")) {
    throw new StxError("usage", "Options --quiet and --verbose exclude each other", {
      hint: "give one of them",
    });
  }
  checkPositionals(command, positionals);
  return { positionals, values };
}

function tokenize(command: Command, args: string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const { name, short, value } of command.flags) {
    options[name] = {
      type: value === undefined ? "boolean" : "string",
      ...(short === undefined ? {} : { short }),
    };
  }
  // Not Node's strict mode: its messages are not ours, and it stops at the first thing that it does not know.
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkValue(command: Command, flag: Flag, token: OptionToken): string | true {
  const { rawName, value } = token;
  if (flag.value === undefined) {
    if (value === undefined) return true;
    throw new StxError("usage", `Option ${rawName} takes no value`, { hint: seeHelp(command) });
  }
  const { placeholder, completion, mayBeEmpty } = flag.value;
  if (value === undefined || (value === "" && mayBeEmpty === undefined)) {
    throw new StxError("usage", `Option ${rawName} needs a value`, {
      hint: `write --${flag.name} ${placeholder}. ${seeHelp(command)}`,
    });
  }
  // A value was forgotten more often than it begins with a dash.
  if (token.inlineValue === false && value.startsWith("-") && value !== "-") {
    throw new StxError("usage", `Option ${rawName} needs a value, and ${value} looks like an option`, {
      hint: `write --${flag.name}=${value} if that is the value`,
    });
  }
  if (typeof completion !== "string" && !completion.includes(value)) {
    throw unknownWord(`value of ${rawName}:`, value, completion, seeHelp(command));
  }
  return value;
}

function checkPositionals(command: Command, words: readonly string[]): void {
  const { positionals } = command;
  const needed = positionals.filter((positional) => positional.optional === undefined);
  const missing = needed[words.length];
  if (missing !== undefined) {
    throw new StxError("usage", `${missing.placeholder} is missing`, { hint: `Usage: ${usageOf(command)}` });
  }
  const extra = words[positionals.length];
  if (extra !== undefined && !positionals.some(({ repeated }) => repeated)) {
    if (words.includes("ssh-ed25519")) throw keyWithoutQuotes(`Usage: ${usageOf(command)}`);
    throw unexpectedArgument(extra, `Usage: ${usageOf(command)}`);
  }
  positionals.forEach(({ placeholder, completion, open }, index) => {
    if (open) return;
    const word = words[index];
    if (word !== undefined && typeof completion !== "string" && !completion.includes(word)) {
      throw unknownWord(placeholder.toLowerCase(), word, completion, seeHelp(command));
    }
  });
}

function unknownOption(command: Command, rawName: string, name: string): StxError {
  const instead = command.instead?.[name];
  if (instead !== undefined && !rawName.startsWith("--")) {
    return new StxError("usage", `Unknown option ${rawName}`, { hint: instead });
  }
  const meant = nearest(name, command.flags.map((flag) => flag.name));
  const hint = meant === undefined ? seeHelp(command) : `did you mean --${meant}? ${seeHelp(command)}`;
  return new StxError("usage", `Unknown option ${rawName}`, { hint });
}

function optionBeforeCommand(word: string): StxError {
  const meant = nearest(word.replace(/^-+/, ""), GLOBAL_FLAGS.map(({ name }) => name));
  const hint = meant === undefined ? "options go behind the command." : `did you mean --${meant}?`;
  return new StxError("usage", `Unknown option ${word}`, { hint: `${hint} See: stx help` });
}

function unknownWord(kind: string, word: string, known: readonly string[], see: string): StxError {
  const meant = nearest(word, known);
  const hint = meant === undefined
    ? `choose one of ${known.join(", ")}. ${see}`
    : `did you mean ${meant}? ${see}`;
  return new StxError("usage", `Unknown ${kind} "${word}"`, { hint });
}

/** The error for a public key that the shell has taken apart. */
export function keyWithoutQuotes(hint: string): StxError {
  return new StxError(
    "usage",
    "A public key has spaces: put it in quotes, or name the file that it is in",
    { hint },
  );
}

function unexpectedArgument(word: string, hint: string): StxError {
  return new StxError("usage", `Unexpected argument "${word}"`, { hint });
}

function seeHelp(command: Command): string {
  return command.name === "help" ? "See: stx help" : `See: stx help ${command.name}`;
}
