/**
 * `stx rounds`: a group whose values are summed and multiplied, round by round.
 * @module
 */
import { type Action, checkAction } from "./actions.ts";
import type { ParsedCommand } from "./parse.ts";
import type { Output } from "./terminal.ts";

type ActionName = "serve" | "join" | "enroll" | "revoke" | "list";

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  serve: {
    usage:
      "stx rounds serve --listen HOST:PORT --keys DB [--min-clients N] [--deadline DURATION] [--rounds N] [--json]",
    words: [],
    needs: ["listen", "keys"],
    flags: ["min-clients", "deadline", "rounds"],
  },
  join: {
    usage: "stx rounds join HOST:PORT --key FILE [--data TEXT] [--json]",
    words: ["HOST:PORT"],
    needs: ["key"],
    flags: ["data"],
  },
  enroll: {
    usage: "stx rounds enroll ID --base-key FILE --keys DB --out FILE [--force]",
    words: ["ID"],
    needs: ["base-key", "keys", "out"],
    flags: ["force"],
  },
  revoke: { usage: "stx rounds revoke ID --keys DB", words: ["ID"], needs: ["keys"], flags: [] },
  list: { usage: "stx rounds list --keys DB [--json]", words: [], needs: ["keys"], flags: [] },
};

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const [action, word = ""] = command.positionals as [ActionName, string?];
  checkAction(ACTIONS[action], command);
  switch (action) {
    case "serve": {
      const { serveRounds } = await import("./rounds_serve.ts");
      return await serveRounds(command, output);
    }
    case "join": {
      const { takePart } = await import("./rounds_join.ts");
      return await takePart(word, command, output);
    }
    default: {
      const { enroll, list, revoke } = await import("./rounds_enrolment.ts");
      if (action === "enroll") enroll(word, command, output);
      else if (action === "revoke") revoke(word, command, output);
      else list(command, output);
      return 0;
    }
  }
}
