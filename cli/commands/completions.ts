/**
 * The words and options of `stx completions`.
 * @module
 */
import { COMMON_FLAGS } from "./flags.ts";
import type { Command } from "./types.ts";

/** Completing command lines. */
export const COMPLETIONS = {
  name: "completions",
  summary: "Print a script that completes command lines",
  description: "Prints the script with which a shell completes subcommands, options and their values.",
  positionals: [{ placeholder: "SHELL", completion: ["bash", "zsh", "fish"] }],
  flags: [...COMMON_FLAGS],
  examples: [
    { line: "source <(stx completions bash)", text: "In ~/.bashrc." },
    { line: "source <(stx completions zsh)", text: "In ~/.zshrc, after compinit." },
    { line: "stx completions fish | source", text: "In ~/.config/fish/config.fish." },
  ],
} as const satisfies Command;
