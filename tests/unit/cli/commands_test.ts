import assert from "node:assert/strict";
import { COMMANDS, findCommand, usageOf } from "../../../cli/commands.ts";
import { parseArguments } from "../../../cli/parse.ts";
import { DEFAULT_PORT, parseDuration } from "../../../cli/values.ts";
import { RETRY_FOR_MS, ROUND_DEADLINE_MS, ROUNDS_CLIENTS_MAX } from "../../../lib/limits.ts";

Deno.test("the table lists the commands and options of the contract", () => {
  const options = Object.fromEntries(
    COMMANDS.map(({ name, flags }) => [name, flags.map((flag) => flag.name)]),
  );
  const common = ["quiet", "verbose", "help"];
  assert.deepEqual(options, {
    send: [
      "identity",
      "peer",
      "revoked-keys",
      "psk-file",
      "auth",
      "name",
      "follow-links",
      "checksum",
      "receipt",
      "retry-for",
      "cipher",
      "json",
      ...common,
    ],
    recv: [
      "listen",
      "dir",
      "identity",
      "authorized-keys",
      "revoked-keys",
      "psk-file",
      "auth",
      "once",
      "on-conflict",
      "max-size",
      "allow-dotfiles",
      "state",
      "json",
      ...common,
    ],
    keygen: ["out", "comment", "psk", "base-key", "force", ...common],
    keys: [
      "identity",
      "authorized-keys",
      "revoked-keys",
      "state",
      "finish",
      "force",
      "json",
      ...common,
    ],
    rounds: [
      "listen",
      "keys",
      "min-clients",
      "deadline",
      "rounds",
      "key",
      "data",
      "base-key",
      "out",
      "force",
      "json",
      ...common,
    ],
    doctor: [
      "listen",
      "dir",
      "identity",
      "authorized-keys",
      "revoked-keys",
      "psk-file",
      "state",
      "json",
      ...common,
    ],
    "attack-sim": ["protocol", "attack", "seed", "list", "report", "listen", "upstream", "json", ...common],
    completions: common,
    help: common,
  });
});

Deno.test("no letter stands for two options of one command", () => {
  for (const { flags } of COMMANDS) {
    const letters = flags.flatMap(({ short }) => (short === undefined ? [] : [short]));
    assert.equal(new Set(letters).size, letters.length);
  }
});

Deno.test("every example is a command line that stx takes", () => {
  for (const { name, examples } of COMMANDS) {
    assert(examples.length > 0);
    for (const { line } of examples) {
      const words = /stx ([^|)]*)/.exec(line)![1]!.trim().match(/"[^"]*"|\S+/g)!.map((word) =>
        word.replaceAll('"', "")
      );
      const request = parseArguments(words);
      const command = request.kind === "run" ? request.parsed.command : "help";
      assert.equal(command, name, line);
    }
  }
});

Deno.test("the defaults that help tells are the ones that are used", () => {
  const helpOf = (command: string, flag: string) =>
    findCommand(command)!.flags.find(({ name }) => name === flag)!.help;
  const retryFor = /default: ([0-9a-z]+)/.exec(helpOf("send", "retry-for"))![1]!;
  assert.equal(parseDuration(retryFor, "help"), RETRY_FOR_MS);
  const deadline = /default: ([0-9a-z]+)/.exec(helpOf("rounds", "deadline"))![1]!;
  assert.equal(parseDuration(deadline, "help"), ROUND_DEADLINE_MS);
  assert.match(findCommand("rounds")!.description, new RegExp(`up to ${ROUNDS_CLIENTS_MAX} clients`));
  assert.match(helpOf("recv", "listen"), new RegExp(`0\\.0\\.0\\.0:${DEFAULT_PORT}\\)`));
  assert.match(findCommand("send")!.description, new RegExp(`port ${DEFAULT_PORT} `));
});

Deno.test("help offers every command, itself too", () => {
  assert.deepEqual(findCommand("help")!.positionals[0]!.completion, COMMANDS.map(({ name }) => name));
});

Deno.test("usage shows what is needed, repeated and optional", () => {
  assert.equal(usageOf(findCommand("send")!), "stx send [OPTION]... PATH... HOST[:PORT]");
  assert.equal(usageOf(findCommand("help")!), "stx help [OPTION]... [COMMAND]");
  assert.equal(findCommand("toString"), undefined);
});
