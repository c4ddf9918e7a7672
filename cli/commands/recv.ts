/**
 * The words and options of `stx recv`.
 * @module
 */
import {
  AUTHORIZED_KEYS_FLAG,
  COMMON_FLAGS,
  IDENTITY_FLAG,
  JSON_FLAG,
  REVOKED_KEYS_FLAG,
  STATE_FLAG,
} from "./flags.ts";
import type { Command } from "./types.ts";

/** Receiving files. */
export const RECV = {
  name: "recv",
  summary: "Listen, and take files from authorized senders",
  description:
    "Listens for senders and puts what they send into a folder, under the names that it has there. Only " +
    "senders whose public key is in the file of authorized keys, or who have a shared key, are let in. On " +
    "start it prints its address, its fingerprint, and a line with which to send to it.",
  positionals: [],
  flags: [
    {
      name: "listen",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "Address to listen on (default: 0.0.0.0:7891); port 0 takes any free port",
    },
    {
      name: "dir",
      value: { placeholder: "DIR", completion: "dir" },
      help: "Folder in which files arrive (default: the current folder)",
    },
    IDENTITY_FLAG,
    AUTHORIZED_KEYS_FLAG,
    REVOKED_KEYS_FLAG,
    {
      name: "psk-file",
      value: { placeholder: "FILE", completion: "file" },
      help: "File of the keys that are shared with senders, one a line, made with stx keygen --psk",
    },
    {
      name: "auth",
      value: { placeholder: "MODE", completion: ["identity", "psk", "identity+psk", "either"] },
      help:
        "What a sender has to prove: identity (an authorized key; the default without --psk-file), psk (a " +
        "shared key; the default with --psk-file), identity+psk (both) or either (the default with " +
        "--psk-file and --authorized-keys)",
    },
    { name: "once", help: "End after one finished transfer" },
    {
      name: "on-conflict",
      value: { placeholder: "POLICY", completion: ["refuse", "rename", "overwrite", "skip"] },
      help: "What to do where a name is taken: refuse (the default), rename, overwrite or skip",
    },
    {
      name: "max-size",
      value: { placeholder: "SIZE", completion: "none" },
      help: "Refuse a transfer that is larger than this, such as 500M or 2G",
    },
    { name: "allow-dotfiles", help: "Take files and folders whose name begins with a dot" },
    STATE_FLAG,
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx recv --dir ~/incoming", text: "Take files until stopped." },
    { line: "stx recv --once --listen 192.0.2.7:9000", text: "Take one transfer on one address." },
    {
      line: "stx recv -i ~/.ssh/id_ed25519 --authorized-keys ~/.ssh/authorized_keys",
      text: "Use the keys that ssh uses.",
    },
    { line: "stx recv --psk-file shared_key", text: "From whoever has the shared key, and nobody else." },
  ],
} as const satisfies Command;
