/**
 * The words and options of `stx keygen`.
 * @module
 */
import { COMMON_FLAGS } from "./flags.ts";
import type { Command } from "./types.ts";

/** Making keys. */
export const KEYGEN = {
  name: "keygen",
  summary: "Make an identity, a shared key, or a base key",
  description:
    "Makes an Ed25519 key pair in the format of OpenSSH. The private key is readable by its owner alone. " +
    "The public key, in FILE.pub, goes into the authorized_keys of those who shall receive from here. With " +
    "--psk it makes a shared key in its place: one file, readable by its owner alone, that both machines " +
    "get; copy it over a channel that is already safe. With --base-key it makes the key from which stx rounds " +
    "enroll makes those of its clients, and which stays where clients are enrolled.",
  positionals: [],
  flags: [
    {
      name: "out",
      short: "f",
      value: { placeholder: "FILE", completion: "file" },
      help: "File for the key (default: identity, with --psk shared_key, with --base-key base_key, in the " +
        "configuration folder)",
    },
    {
      name: "comment",
      short: "C",
      value: { placeholder: "TEXT", completion: "none", mayBeEmpty: true },
      help: "Comment to put behind the public, the shared or the base key",
    },
    { name: "psk", help: "Make a shared key in place of an identity" },
    { name: "base-key", help: "Make a base key, for stx rounds, in place of an identity" },
    { name: "force", help: "Replace a key that is already there" },
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx keygen", text: "The identity that send and recv use by default." },
    {
      line: 'stx keygen --out backup_key --comment "nightly backup"',
      text: "A key of its own for one task.",
    },
    { line: "stx keygen --psk --out shared_key", text: "A key for two machines to share." },
    { line: "stx keygen --base-key --out base_key", text: "A key to enroll the clients of stx rounds with." },
  ],
} as const satisfies Command;
