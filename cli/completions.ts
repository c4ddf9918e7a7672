/**
 * Scripts that complete command lines in bash, zsh and fish, made from the table of commands.
 * @module
 */
import { type Command, COMMANDS, type Completion, type Flag, GLOBAL_FLAGS } from "./commands.ts";

/** A shell that a script can be made for. */
export type Shell = "bash" | "zsh" | "fish";

/**
 * The script for `shell`, to be sourced by it; it has no control characters but line breaks. `commands` is the
 * table that it is made from.
 */
export function completionScript(shell: Shell, commands: readonly Command[] = COMMANDS): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      return zshScript(commands);
    case "fish":
      return fishScript(commands);
  }
}

/** The text as one word of a shell: this quoting is the same in all three but for the quote itself. */
function quote(text: string, escapedQuote: string): string {
  return `'${text.replaceAll("'", escapedQuote)}'`;
}

function optionWords(flags: readonly Flag[]): string[] {
  return flags.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
}

/**
 * What the words of a command may be: the one right behind it, and any other. They differ where the first is one of a
 * few and others follow; elsewhere it is the first kind that is not "none" among the positionals.
 */
function wordCompletions({ positionals }: Command): { first: Completion; other: Completion } {
  const kindOf = (words: Command["positionals"]): Completion =>
    words.map(({ completion }) => completion).find((kind) => kind !== "none") ?? "none";
  const [first, ...others] = positionals;
  if (first !== undefined && others.length > 0 && typeof first.completion !== "string") {
    return { first: first.completion, other: kindOf(others) };
  }
  return { first: kindOf(positionals), other: kindOf(positionals) };
}

// ---- bash ----

function bashScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# Completion of stx for bash 4 or newer.
_stx_complete() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} index
  COMPREPLY=()
  # bash makes a word of the = in --option=value.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=( $(compgen -W '${names} ${optionWords(GLOBAL_FLAGS).join(" ")}' -- "$current") )
    return
  fi
  local options_end=
  for (( index = 2; index < COMP_CWORD; index++ )); do
    [[ \${COMP_WORDS[index]} == -- ]] && options_end=1
  done
  case \${COMP_WORDS[1]} in
${commands.map(bashCommand).join("\n")}
  esac
}
complete -F _stx_complete stx`;
}

function bashCommand(command: Command): string {
  const takingValue = command.flags.flatMap((flag) => {
    if (flag.value === undefined) return [];
    return [`        ${optionWords([flag]).join("|")}) ${bashAction(flag.value.completion)}; return ;;`];
  });
  const caseOfValue = takingValue.length === 0 ? [] : [
    "      [[ $options_end ]] || case $previous in",
    ...takingValue,
    "      esac",
  ];
  const { first, other } = wordCompletions(command);
  return [
    `    ${command.name})`,
    ...caseOfValue,
    "      if [[ ! $options_end && $current == -* ]]; then",
    `        COMPREPLY=( $(compgen -W '${optionWords(command.flags).join(" ")}' -- "$current") )`,
    ...first === other ? [] : ["      elif (( COMP_CWORD == 2 )); then", `        ${bashAction(first)}`],
    "      else",
    `        ${bashAction(other)}`,
    "      fi ;;",
  ].join("\n");
}

function bashAction(completion: Completion): string {
  // For files the shell's own completion is switched on: it knows about quotes, spaces and ~.
  if (completion === "file") return "compopt -o default";
  if (completion === "dir") return "compopt -o dirnames";
  if (completion === "none") return ":";
  return `COMPREPLY=( $(compgen -W '${completion.join(" ")}' -- "$current") )`;
}

// ---- zsh ----

function zshScript(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${zshQuote(`${name}:${summary}`)}`).join("\n");
  return `#compdef stx
# Completion of stx for zsh.
_stx() {
  local -a commands=(
${described}
  )
  if (( CURRENT == 2 )); then
    if [[ $words[2] == -* ]]; then
      _arguments -s ${GLOBAL_FLAGS.map(zshFlag).join(" ")}
    else
      _describe -t commands 'stx command' commands
    fi
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(zshCommand).join("\n")}
  esac
}
# As a file in fpath this is the body of the function; otherwise it is sourced.
if [[ $funcstack[1] == _stx ]]; then
  _stx "$@"
else
  compdef _stx stx
fi`;
}

function zshCommand(command: Command): string {
  const specs = command.flags.map(zshFlag);
  const { first, other } = wordCompletions(command);
  if (first !== other) specs.push(zshQuote(`1:argument:${zshAction(first)}`));
  if (other !== "none") specs.push(zshQuote(`*:argument:${zshAction(other)}`));
  return `    ${command.name})\n      _arguments -s -S : \\\n        ${specs.join(" \\\n        ")} ;;`;
}

function zshFlag({ name, short, value, help }: Flag): string {
  const text = `[${help.replace(/[[\]\\]/g, "\\$&")}]`;
  const argument = value === undefined
    ? ""
    : `:${value.placeholder.replaceAll(":", "\\:")}:${zshAction(value.completion)}`;
  const long = value === undefined ? `--${name}` : `--${name}=`;
  if (short === undefined) return zshQuote(`${long}${text}${argument}`);
  const letter = value === undefined ? `-${short}` : `-${short}+`;
  return `${zshQuote(`(-${short} --${name})`)}{${letter},${long}}${zshQuote(`${text}${argument}`)}`;
}

function zshAction(completion: Completion): string {
  if (completion === "file") return "_files";
  if (completion === "dir") return "_files -/";
  if (completion === "none") return " ";
  return `(${completion.join(" ")})`;
}

function zshQuote(text: string): string {
  return quote(text, "'\\''");
}

// ---- fish ----

function fishScript(commands: readonly Command[]): string {
  return `# Completion of stx for fish.
function __stx_command
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
end
function __stx_first_word
  test (count (commandline -opc)) -eq 2
end
function __stx_no_command
  test (count (commandline -opc)) -eq 1
end
complete -c stx -f
${GLOBAL_FLAGS.map((flag) => fishFlag("__stx_no_command", flag)).join("\n")}
${commands.map(fishCommand).join("\n")}`;
}

function fishCommand(command: Command): string {
  const condition = fishQuote(`__stx_command ${command.name}`);
  const { first, other } = wordCompletions(command);
  const words = first === other ? [["", other] as const] : [
    ["; and __stx_first_word", first] as const,
    ["; and not __stx_first_word", other] as const,
  ];
  return [
    `complete -c stx -n __stx_no_command -a ${command.name} -d ${fishQuote(command.summary)}`,
    ...command.flags.map((flag) => fishFlag(condition, flag)),
    ...words.filter(([, kind]) => kind !== "none").map(([more, kind]) =>
      `complete -c stx -n ${fishQuote(`__stx_command ${command.name}${more}`)} ${fishAction(kind)}`
    ),
  ].join("\n");
}

function fishFlag(condition: string, { name, short, value, help }: Flag): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  const argument = value === undefined ? "" : ` -r ${fishAction(value.completion)}`;
  return `complete -c stx -n ${condition}${letter} -l ${name}${argument} -d ${fishQuote(help)}`;
}

function fishAction(completion: Completion): string {
  if (completion === "file") return "-F";
  if (completion === "dir") return "-f -a '(__fish_complete_directories)'";
  if (completion === "none") return "-f";
  return `-f -a ${fishQuote(completion.join(" "))}`;
}

function fishQuote(text: string): string {
  return quote(text.replaceAll("\\", "\\\\"), "\\'");
}
