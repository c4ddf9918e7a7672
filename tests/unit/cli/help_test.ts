import assert from "node:assert/strict";
import { COMMANDS } from "../../../cli/commands.ts";
import { EXIT_STATUSES } from "../../../cli/exit_codes.ts";
import { commandHelp, generalHelp, shortUsage } from "../../../cli/help.ts";

const ALL = [shortUsage(), generalHelp(), ...COMMANDS.map(({ name }) => commandHelp(name))];

Deno.test("every help text fits 80 columns and has no trailing spaces", () => {
  for (const line of ALL.flat()) {
    assert(line.length <= 80, line);
    assert.equal(line, line.trimEnd());
  }
});

Deno.test("a command's help has its usage, every option and every example", () => {
  for (const { name, flags, examples, description } of COMMANDS) {
    const text = commandHelp(name).join("\n");
    assert(text.startsWith(`Usage: stx ${name} `));
    assert(text.replaceAll("\n", " ").includes(description));
    for (const { name: flag, short, value } of flags) {
      const left = `${short === undefined ? "    " : `-${short}, `}--${flag}${
        value ? ` ${value.placeholder}` : ""
      }`;
      assert(text.includes(`\n  ${left}  `), left);
    }
    for (const { line } of examples) assert(text.includes(`\n  ${line}\n`), line);
  }
});

Deno.test("long help texts are wrapped under themselves", () => {
  const lines = commandHelp("keygen");
  const first = lines.findIndex((line) => line.includes("--out FILE"));
  assert.equal(lines[first], "  -f, --out FILE      File for the key (default: identity, with --psk");
  assert.equal(
    lines[first + 1],
    "                      shared_key, with --base-key base_key, in the configuration",
  );
  assert.equal(lines[first + 2], "                      folder)");
});

Deno.test("the general help has every command and every exit status", () => {
  const text = generalHelp().join("\n");
  for (const { name, summary } of COMMANDS) assert.match(text, new RegExp(`\n  ${name} +${summary}\n`));
  for (const { status, meaning } of EXIT_STATUSES) {
    assert(text.includes(`  ${status.padEnd(5)}  ${meaning}\n`));
  }
  for (const option of ["-h, --help", "-V, --version"]) assert(text.includes(option));
});

Deno.test("the short usage lists the commands and where to read more", () => {
  const lines = shortUsage();
  assert.equal(lines[0], "Usage: stx COMMAND [OPTION]...");
  for (const { name } of COMMANDS) assert(lines.some((line) => line.startsWith(`  ${name} `)));
  assert.equal(lines.at(-1), 'See "stx help" for more.');
});
