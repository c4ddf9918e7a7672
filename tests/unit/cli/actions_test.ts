import assert from "node:assert/strict";
import { type Action, checkAction } from "../../../cli/actions.ts";
import type { ParsedCommand } from "../../../cli/parse.ts";

const ACTION: Action = {
  usage: "stx rounds enroll ID --keys DB [--force]",
  words: ["ID", "PLACE"],
  moreWords: 1,
  needs: ["keys"],
  flags: ["force"],
};

function command(words: readonly string[], ...flags: readonly string[]): ParsedCommand {
  return {
    command: "rounds",
    positionals: ["enroll", ...words],
    values: new Map(flags.map((flag) => [flag, flag === "keys" ? "db" : true])),
  };
}

function wrong(message: string, words: readonly string[], ...flags: readonly string[]): void {
  assert.throws(() => checkAction(ACTION, command(words, ...flags)), {
    code: "usage",
    message,
    hint: `Usage: ${ACTION.usage}`,
  });
}

Deno.test("an action takes its words, the options that it needs and may have, and those about printing", () => {
  for (const words of [["a", "b"], ["a", "b", "c"]]) {
    checkAction(ACTION, command(words, "keys"));
    checkAction(ACTION, command(words, "keys", "force", "quiet", "verbose", "json"));
  }
});

Deno.test("words that are missing or too many are named", () => {
  wrong("ID is missing", [], "keys");
  wrong("PLACE is missing", ["a"], "keys");
  wrong('Unexpected argument "d"', ["a", "b", "c", "d"], "keys");
});

Deno.test("options that are missing or of another action are named", () => {
  wrong("Option --keys is missing", ["a", "b"], "force");
  wrong("Option --listen has no meaning for stx rounds enroll", ["a", "b"], "keys", "listen");
});
