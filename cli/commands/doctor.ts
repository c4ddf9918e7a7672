/**
 * The words and options of `stx doctor`.
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

/** Looking for what would stand in the way. */
export const DOCTOR = {
  name: "doctor",
  summary: "Check keys, permissions, clock, disk and port, and say what to do",
  description:
    "Looks at everything that send and recv rest on: this machine's identity, the lists of trust, shared keys, their " +
    "modes and owners, the folders, the receiver's memory, the clock, the address to listen on, and the cryptography " +
    "of this runtime. Each finding is a line: ok, warning or problem, what was looked at, what was found, and what to " +
    "do about it. Give it the options that recv is given. Nothing is changed, save that a folder is made and " +
    "removed again in the receiving folder and in those of the configuration and the state, or where they are to be " +
    "made; the time of their last change is then now. Exits with 0 if there is no problem, and with 7 if there is one.",
  positionals: [],
  flags: [
    {
      name: "listen",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "Address that recv is to listen on (default: 0.0.0.0:7891)",
    },
    {
      name: "dir",
      value: { placeholder: "DIR", completion: "dir" },
      help: "Folder in which files are to arrive (default: the current folder)",
    },
    IDENTITY_FLAG,
    AUTHORIZED_KEYS_FLAG,
    REVOKED_KEYS_FLAG,
    {
      name: "psk-file",
      value: { placeholder: "FILE", completion: "file" },
      help:
        "File of the keys that are shared with peers (default: shared_key in the configuration folder, if it exists)",
    },
    STATE_FLAG,
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx doctor", text: "Check what send and recv use by default." },
    {
      line: "stx doctor --dir ~/incoming --listen 192.0.2.7:9000",
      text: "Check what a recv with these options would use.",
    },
    { line: "stx doctor --quiet", text: "Show only what is wrong." },
  ],
} as const satisfies Command;
