/**
 * The words and options of `stx attack-sim`.
 * @module
 */
import { COMMON_FLAGS, JSON_FLAG } from "./flags.ts";
import type { Command } from "./types.ts";

/** The attacks on both protocols, played against real ends. */
export const ATTACK_SIM = {
  name: "attack-sim",
  summary: "Attack stx itself, and show what each attack comes to",
  description:
    "Starts real senders and receivers on the loopback interface, puts an attacker between them or in the place " +
    "of one, and shows what each attack comes to: stopped, by whom and by which error, or survived. Each attack " +
    "is then played again as its own control, with the defences against it switched off, and must succeed: a " +
    "verdict without that proves nothing. Limits, clocks and floods are measured instead. Exits with 0 only if " +
    "everything came out as it must. No key, file or port of yours is touched. With the word proxy it stands in " +
    "the middle between your own stx send and stx recv, and plays one attack on whatever passes; it listens on, " +
    "and connects to, loopback and private addresses alone.",
  positionals: [{
    placeholder: "proxy|NAME",
    completion: ["proxy"],
    optional: true,
    repeated: true,
    open: true,
  }],
  flags: [
    {
      name: "protocol",
      value: { placeholder: "PROTOCOL", completion: ["stx", "rounds", "all"] },
      help: "Attacks on the file transfer, on the rounds protocol, or on both (default: all; proxy: stx)",
    },
    {
      name: "attack",
      value: { placeholder: "NAME", completion: "none", repeated: true },
      help: "Only this attack; may be given several times, or with several names behind it",
    },
    {
      name: "seed",
      value: { placeholder: "N", completion: "none" },
      help:
        "Fix the attacker's choices; the same seed gives the same verdicts (default: another one each time)",
    },
    { name: "list", help: "Only list the attacks, and what each one wants" },
    {
      name: "report",
      value: { placeholder: "FILE.html", completion: "file" },
      help: "Also write a page that shows every attack, message by message",
    },
    {
      name: "listen",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "proxy: address to listen on, for the sender; port 0 takes any free port",
    },
    {
      name: "upstream",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "proxy: address of the receiver",
    },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx attack-sim", text: "Play every attack, with its control." },
    { line: "stx attack-sim --report attacks.html", text: "And write a page to read and to show." },
    {
      line: "stx attack-sim --attack replay --attack splice --seed 7",
      text: "Two of them, the same each time.",
    },
    {
      line: "stx attack-sim proxy --listen [::1]:7999 --upstream localhost --attack drop",
      text: "Stand between a receiver on port 7891 and a sender that is told to connect to port 7999.",
    },
  ],
} as const satisfies Command;
