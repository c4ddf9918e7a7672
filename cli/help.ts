/**
 * The help texts, made from the table of commands to fit 80 columns.
 * @module
 */
import {
  type Command,
  type CommandName,
  COMMANDS,
  findCommand,
  type Flag,
  GLOBAL_FLAGS,
  usageOf,
} from "./commands.ts";
import { EXIT_STATUSES } from "./exit_codes.ts";

const WIDTH = 80;

/** What `stx` alone prints: how it is called, and where to read more. */
export function shortUsage(): string[] {
  return [
    "Usage: stx COMMAND [OPTION]...",
    "",
    "Commands:",
    ...commandList(),
    "",
    'See "stx help" for more.',
  ];
}

/** What `stx help` prints. */
export function generalHelp(): string[] {
  return [
    "Sends files securely to another machine, and resumes them after a cut.",
    "",
    "Usage: stx COMMAND [OPTION]...",
    "",
    "Commands:",
    ...commandList(),
    "",
    "Options:",
    ...flagList(GLOBAL_FLAGS),
    "",
    "Examples:",
    ...examples([
      { line: "stx recv --dir ~/incoming", text: "On one machine: take files from authorized senders." },
      { line: "stx send photos host.example", text: "On another: send a folder to it." },
    ]),
    "",
    "Exit status:",
    ...aligned(EXIT_STATUSES.map(({ status, meaning }) => [status, meaning])),
    "",
    'See "stx help COMMAND" for everything about one command.',
  ];
}

/** What `stx help COMMAND` and `stx COMMAND --help` print. */
export function commandHelp(name: CommandName): string[] {
  const command = findCommand(name) as Command;
  return [
    `Usage: ${usageOf(command)}`,
    "",
    ...wrap(command.description, WIDTH),
    "",
    "Options:",
    ...flagList(command.flags),
    "",
    "Examples:",
    ...examples(command.examples),
  ];
}

function commandList(): string[] {
  return aligned(COMMANDS.map(({ name, summary }) => [name, summary]));
}

function flagList(flags: readonly Flag[]): string[] {
  return aligned(flags.map(({ name, short, value, help }) => {
    const letter = short === undefined ? "    " : `-${short}, `;
    return [`${letter}--${name}${value === undefined ? "" : ` ${value.placeholder}`}`, help];
  }));
}

function examples(all: Command["examples"]): string[] {
  return all.flatMap((
    { line, text },
  ) => [`  ${line}`, ...wrap(text, WIDTH - 6).map((part) => `      ${part}`)]);
}

/** Two columns: the left as wide as its widest text, the right wrapped. */
export function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const leftWidth = Math.max(...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) =>
    wrap(right, WIDTH - leftWidth - 4).map((line, index) =>
      `  ${(index === 0 ? left : "").padEnd(leftWidth)}  ${line}`
    )
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
