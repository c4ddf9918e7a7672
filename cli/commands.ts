/**
 * Every subcommand with its options, as data. The parser, the help texts and the shell completions are all
 * made from this one table, so they cannot disagree.
 * @module
 */
import { ATTACK_SIM } from "./commands/attack_sim.ts";
import { COMPLETIONS } from "./commands/completions.ts";
import { DOCTOR } from "./commands/doctor.ts";
import { COMMON_FLAGS } from "./commands/flags.ts";
import { KEYGEN } from "./commands/keygen.ts";
import { KEYS } from "./commands/keys.ts";
import { RECV } from "./commands/recv.ts";
import { ROUNDS } from "./commands/rounds.ts";
import { SEND } from "./commands/send.ts";
import type { Command, Flag } from "./commands/types.ts";

export type { Command, Completion, Example, Flag, FlagValue, Positional } from "./commands/types.ts";

const HELP = {
  name: "help",
  summary: "Print help, in general or on one command",
  description: "Prints what stx can do, or everything about one command.",
  positionals: [
    {
      placeholder: "COMMAND",
      completion: [
        SEND.name,
        RECV.name,
        KEYGEN.name,
        KEYS.name,
        ROUNDS.name,
        DOCTOR.name,
        ATTACK_SIM.name,
        COMPLETIONS.name,
        "help",
      ],
      optional: true,
    },
  ],
  flags: [...COMMON_FLAGS],
  examples: [{ line: "stx help send", text: "Everything about sending." }],
} as const satisfies Command;

const TABLE = [SEND, RECV, KEYGEN, KEYS, ROUNDS, DOCTOR, ATTACK_SIM, COMPLETIONS, HELP] as const;

type AnyFlag = (typeof TABLE)[number]["flags"][number];

/** The name of a subcommand. */
export type CommandName = (typeof TABLE)[number]["name"];
/** The name of an option with a value, of any subcommand. */
export type ValueFlagName = Extract<AnyFlag, { readonly value: unknown }>["name"];
/** The name of an option without a value, of any subcommand. */
export type SwitchName = Exclude<AnyFlag, { readonly value: unknown }>["name"];

/** Every subcommand, in the order in which help lists them. */
export const COMMANDS: readonly (Command & { readonly name: CommandName })[] = TABLE;

/** The options that stand in the place of a subcommand. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print the version" },
];

/** Finds a subcommand by its name. */
export function findCommand(name: string): (Command & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/** The line that shows how a subcommand is called. */
export function usageOf(command: Command): string {
  const words = command.positionals.map(({ placeholder, repeated, optional }) => {
    const word = repeated ? `${placeholder}...` : placeholder;
    return optional ? `[${word}]` : word;
  });
  return ["stx", command.name, "[OPTION]...", ...words].join(" ");
}
