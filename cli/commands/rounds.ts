/**
 * The words and options of `stx rounds`.
 * @module
 */
import { COMMON_FLAGS, JSON_FLAG } from "./flags.ts";
import type { Command } from "./types.ts";

/** The second protocol: a group whose values are summed and multiplied, round by round. */
export const ROUNDS = {
  name: "rounds",
  summary: "Sum and multiply the values of a group, round by round",
  description:
    "A server and up to 100 clients that it has enrolled, each with a key of its own, all symmetric. serve holds " +
    "rounds: each takes one value of every client that is there, and everybody is told the own sum and the product of " +
    "all. join HOST:PORT takes part: a line of standard input is one value, numbers separated by commas or spaces, or " +
    "else text, which counts its bytes. enroll ID makes a client's key file, to be copied to it over a channel that is " +
    "already safe; revoke ID refuses the client from its next connection on, and a session that is open goes on until " +
    "it ends, so restart serve to end it; list shows who is enrolled. A key file changes with every session: one that " +
    "is restored from a copy does not work any more, and its client has to be enrolled again.",
  positionals: [
    { placeholder: "ACTION", completion: ["serve", "join", "enroll", "revoke", "list"] },
    { placeholder: "ID|HOST:PORT", completion: "none", optional: true },
  ],
  flags: [
    {
      name: "listen",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "serve: address to listen on; port 0 takes any free port",
    },
    {
      name: "keys",
      value: { placeholder: "DB", completion: "file" },
      help: "serve, enroll, revoke, list: the server's database of its clients' keys; enroll makes it",
    },
    {
      name: "min-clients",
      value: { placeholder: "N", completion: "none" },
      help: "serve: begin no round with fewer clients than this (default: 1)",
    },
    {
      name: "deadline",
      value: { placeholder: "DURATION", completion: "none" },
      help: "serve: close a round after this long, without the clients that are late (default: 10s)",
    },
    {
      name: "rounds",
      value: { placeholder: "N", completion: "none" },
      help: "serve: end after this many rounds (default: hold rounds until stopped)",
    },
    {
      name: "key",
      value: { placeholder: "FILE", completion: "file" },
      help: "join: the client's key file, which is rewritten for every session",
    },
    {
      name: "data",
      value: { placeholder: "TEXT", completion: "none" },
      help: "join: take part in one round with this value, and read no standard input",
    },
    {
      name: "base-key",
      value: { placeholder: "FILE", completion: "file" },
      help: "enroll: the key that clients' keys are made from, made with stx keygen --base-key",
    },
    {
      name: "out",
      value: { placeholder: "FILE", completion: "file" },
      help: "enroll: file for the client's key",
    },
    {
      name: "force",
      help: "enroll: enroll a client again, and replace FILE; its key so far is useless then",
    },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    {
      line: "stx rounds enroll roof --base-key base_key --keys clients.db --out roof.key",
      text: "Let a client called roof take part.",
    },
    {
      line: "stx rounds serve --listen 192.0.2.7:7892 --keys clients.db --min-clients 3",
      text: "Hold rounds as soon as three are there.",
    },
    {
      line: 'stx rounds join 192.0.2.7:7892 --key roof.key --data "20.5, 21"',
      text: "Take part in one round.",
    },
    {
      line: "sensor | stx rounds join 192.0.2.7:7892 --key roof.key",
      text: "Take part with every line that a program prints.",
    },
  ],
} as const satisfies Command;
