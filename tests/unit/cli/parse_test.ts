import assert from "node:assert/strict";
import { isSet, parseArguments, type ParsedCommand, valueOf } from "../../../cli/parse.ts";
import { throwsUsage } from "./throws_usage.ts";

function parsed(...args: string[]): ParsedCommand {
  const request = parseArguments(args);
  assert(request.kind === "run");
  return request.parsed;
}

Deno.test("options and words may stand in any order", () => {
  const command = parsed("send", "--json", "a", "-i", "key", "b", "--name=n", "host:1", "-qL");
  assert.equal(command.command, "send");
  assert.deepEqual(command.positionals, ["a", "b", "host:1"]);
  assert.equal(valueOf(command, "identity"), "key");
  assert.equal(valueOf(command, "name"), "n");
  assert.equal(valueOf(command, "peer"), undefined);
  assert.equal(isSet(command, "json"), true);
  assert.equal(isSet(command, "quiet"), true);
  assert.equal(isSet(command, "follow-links"), true);
  assert.equal(isSet(command, "checksum"), false);
});

Deno.test("values may be written in every usual way", () => {
  for (const form of [["--identity", "k"], ["--identity=k"], ["-i", "k"], ["-ik"]]) {
    assert.equal(valueOf(parsed("recv", ...form), "identity"), "k", form.join(" "));
  }
  assert.equal(valueOf(parsed("recv", "--identity=-k"), "identity"), "-k");
  assert.equal(valueOf(parsed("send", "--receipt", "-", "a", "h"), "receipt"), "-");
  assert.equal(valueOf(parsed("keygen", "-C", ""), "comment"), "");
});

Deno.test("a dash alone is a word, and so is everything behind two dashes", () => {
  assert.deepEqual(parsed("send", "-", "host", "--name", "n").positionals, ["-", "host"]);
  assert.deepEqual(parsed("send", "--", "--json", "-h").positionals, ["--json", "-h"]);
});

Deno.test("version and help", () => {
  for (const word of ["--version", "-V"]) assert.deepEqual(parseArguments([word]), { kind: "version" });
  for (const words of [["help"], ["--help"], ["-h"]]) {
    assert.deepEqual(parseArguments(words), { kind: "help", topic: undefined });
  }
  const forms = [["help", "send"], ["--help", "send"], ["send", "--help"], ["send", "-h"], ["send", "-qh"]];
  for (const words of forms) assert.deepEqual(parseArguments(words), { kind: "help", topic: "send" });
  // Whatever else is wrong.
  assert.deepEqual(parseArguments(["send", "--bogus", "--help"]), { kind: "help", topic: "send" });
  assert.deepEqual(parseArguments(["help", "--help"]), { kind: "help", topic: "help" });
});

Deno.test("a wrong command is refused, with the nearest one", () => {
  throwsUsage(() => parseArguments(["snd"]), 'Unknown command "snd"', "did you mean send? See: stx help");
  throwsUsage(
    () => parseArguments(["frob"]),
    'Unknown command "frob"',
    "choose one of send, recv, keygen, keys, rounds, doctor, attack-sim, completions, help. See: stx help",
  );
  throwsUsage(() => parseArguments([""]), 'Unknown command ""');
  throwsUsage(
    () => parseArguments(["help", "snd"]),
    'Unknown command "snd"',
    "did you mean send? See: stx help",
  );
  throwsUsage(() => parseArguments(["--version", "x"]), 'Unexpected argument "x"', "See: stx help");
});

Deno.test("an option in the place of the command is refused", () => {
  throwsUsage(
    () => parseArguments(["--json", "send"]),
    "Unknown option --json",
    "options go behind the command. See: stx help",
  );
  throwsUsage(
    () => parseArguments(["--versoin"]),
    "Unknown option --versoin",
    "did you mean --version? See: stx help",
  );
});

Deno.test("an unknown option is refused, with the nearest one", () => {
  throwsUsage(
    () => parsed("keygen", "--forse"),
    "Unknown option --forse",
    "did you mean --force? See: stx help keygen",
  );
  throwsUsage(() => parsed("keygen", "--foo=1"), "Unknown option --foo", "See: stx help keygen");
  throwsUsage(() => parsed("recv", "-qx"), "Unknown option -x", "See: stx help recv");
  throwsUsage(() => parsed("keygen", "--json"), "Unknown option --json");
  throwsUsage(() => parsed("recv", "--constructor"), "Unknown option --constructor");
  throwsUsage(() => parsed("recv", "--__proto__"), "Unknown option --__proto__");
  throwsUsage(() => parsed("recv", "--no-once"), "Unknown option --no-once");
});

Deno.test("options of scp are answered with what to do here", () => {
  throwsUsage(() => parsed("send", "-r", "a", "h"), "Unknown option -r", /always sent with all below/);
  throwsUsage(() => parsed("send", "-P", "22", "a", "h"), "Unknown option -P", /HOST:PORT/);
  throwsUsage(() => parsed("send", "--r", "a", "h"), "Unknown option --r", "See: stx help send");
});

Deno.test("an option given twice is refused, by either name", () => {
  throwsUsage(
    () => parsed("recv", "-i", "a", "--identity", "b"),
    "Option --identity is given twice",
    "give it once. See: stx help recv",
  );
  throwsUsage(() => parsed("recv", "--once", "--once"), "Option --once is given twice");
});

Deno.test("a missing value is refused", () => {
  const hint = "write --identity FILE. See: stx help recv";
  throwsUsage(() => parsed("recv", "--identity"), "Option --identity needs a value", hint);
  throwsUsage(() => parsed("recv", "-i"), "Option -i needs a value", hint);
  throwsUsage(() => parsed("recv", "--identity="), "Option --identity needs a value", hint);
  throwsUsage(() => parsed("recv", "--identity", ""), "Option --identity needs a value", hint);
  throwsUsage(() => parsed("keygen", "-C"), "Option -C needs a value");
  throwsUsage(
    () => parsed("recv", "--identity", "--once"),
    "Option --identity needs a value, and --once looks like an option",
    "write --identity=--once if that is the value",
  );
});

Deno.test("a value where none belongs is refused", () => {
  throwsUsage(() => parsed("recv", "--once=yes"), "Option --once takes no value", "See: stx help recv");
});

Deno.test("a value outside the list is refused", () => {
  throwsUsage(
    () => parsed("send", "--cipher", "aes", "a", "h"),
    'Unknown value of --cipher: "aes"',
    "did you mean aes-256-gcm? See: stx help send",
  );
  throwsUsage(
    () => parsed("recv", "--on-conflict=x"),
    'Unknown value of --on-conflict: "x"',
    "choose one of refuse, rename, overwrite, skip. See: stx help recv",
  );
  assert.equal(valueOf(parsed("recv", "--on-conflict=skip"), "on-conflict"), "skip");
});

Deno.test("quiet and verbose exclude each other", () => {
  throwsUsage(() => parsed("recv", "-qv"), /--quiet and --verbose/);
});

Deno.test("missing and surplus words are refused", () => {
  const usage = "Usage: stx send [OPTION]... PATH... HOST[:PORT]";
  throwsUsage(() => parsed("send"), "PATH is missing", usage);
  throwsUsage(() => parsed("send", "a"), "HOST[:PORT] is missing", usage);
  throwsUsage(() => parsed("completions"), "SHELL is missing");
  throwsUsage(() => parsed("recv", "a"), 'Unexpected argument "a"', "Usage: stx recv [OPTION]...");
  throwsUsage(() => parsed("completions", "bash", "zsh"), 'Unexpected argument "zsh"');
  throwsUsage(() => parseArguments(["help", "send", "recv"]), 'Unexpected argument "recv"');
});

Deno.test("a word outside the list is refused", () => {
  throwsUsage(
    () => parsed("completions", "tcsh"),
    'Unknown shell "tcsh"',
    "choose one of bash, zsh, fish. See: stx help completions",
  );
  assert.deepEqual(parsed("completions", "zsh").positionals, ["zsh"]);
});
