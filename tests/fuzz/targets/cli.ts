/**
 * What is read of command lines and of standard input.
 * @module
 */
import assert from "node:assert/strict";
import { parseArguments } from "../../../cli/parse.ts";
import { InputLines } from "../../../cli/input_lines.ts";
import { COMMANDS } from "../../../cli/commands.ts";
import {
  formatAddress,
  parseCount,
  parseDuration,
  parseListenAddress,
  parseRemoteAddress,
  parseSize,
} from "../../../cli/values.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { wordsOf } from "../mutation.ts";
import { type Target, target, textTarget } from "../target.ts";

const USAGE = { codes: ["usage"] } as const;

/** The lines of standard input, which comes in pieces of these sizes. */
async function linesOf(input: Bytes, pieceSize: number): Promise<readonly string[]> {
  let at = 0;
  const lines = new InputLines({
    read(into) {
      const part = input.subarray(at, at + Math.min(into.length, pieceSize));
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
  }, 10_000);
  const all: string[] = [];
  for (let line; (line = await lines.next()) !== undefined;) all.push(line);
  return all;
}

const FLAGS = COMMANDS.flatMap(({ flags }) => flags.map(({ name }) => `--${name}`));

/** Values of options, and whole command lines. */
export const CLI_TARGETS: readonly Target[] = [
  textTarget("cli size", ["500M", "2GiB", "1.5 kb", "0", "9007199254740991"], (text) => {
    const size = parseSize(text, "--max-size");
    assert.ok(Number.isSafeInteger(size) && size >= 0);
  }, { ...USAGE, words: wordsOf("k", "MiB", ".", "9".repeat(400), " ", "-", "e9", "٣") }),
  textTarget("cli duration", ["90", "90s", "1h30m", "3d", "0.5h"], (text) => {
    const ms = parseDuration(text, "--retry-for");
    assert.ok(Number.isSafeInteger(ms) && ms >= 0);
  }, { ...USAGE, words: wordsOf("s", "m", "h", "d", ".", "9".repeat(400), "-", " ") }),
  textTarget("cli count", ["1", "64", "0", "999999999999"], (text) => {
    const count = parseCount(text, "--runs", 1000);
    assert.ok(Number.isInteger(count) && count >= 1 && count <= 1000);
  }, { ...USAGE, words: wordsOf("-", "+", ".", "e", "0x", " ") }),
  ...([["remote", parseRemoteAddress], ["listen", parseListenAddress]] as const).map(([kind, parse]) =>
    textTarget(`cli ${kind} address`, [
      "host.example:7891",
      "[2001:db8::1]:7891",
      "::1",
      ":7891",
      "fe80::1%eth0",
    ], (text) => {
      const { host, port } = parse(text, "HOST");
      assert.ok(Number.isInteger(port) && port >= 0 && port <= 65535);
      assert.match(host, /^[\p{L}\p{M}\p{N}._:%-]+$/u);
      assert.ok(!host.startsWith("-"));
      assert.deepEqual(parse(formatAddress(host, port), "HOST"), { host, port });
    }, { ...USAGE, words: wordsOf("[", "]", ":", "::", "@", "-", "%", "$(id)", ";", "/", "\u0000", "65536") })
  ),
  textTarget(
    "cli arguments",
    [
      "send file host:7891 --json",
      "recv --dir . --once",
      "help send",
      "--version",
      "keygen --psk",
      "rounds join h --key k",
    ],
    (text) => {
      // Whoever writes a command line is its user, and does not write a megabyte.
      const request = parseArguments(text.slice(0, 4096).split(/[ \n]/));
      if (request.kind === "run") assert.ok(COMMANDS.some(({ name }) => name === request.parsed.command));
    },
    {
      ...USAGE,
      words: wordsOf(...FLAGS, " ", "=", "--", "-", "__proto__", "--constructor", "toString"),
    },
  ),
  target("cli input lines", ["one\ntwo\r\nthree", "\n\n", "é\n"], async (input) => {
    const whole = await linesOf(input, 64 * 1024);
    if (input.length < 1000) assert.deepEqual(await linesOf(input, 1), whole);
  }, { ...USAGE, words: wordsOf("\n", "\r\n", "\r", "\ufeff", "x".repeat(9_999)), cost: 4 }),
];
