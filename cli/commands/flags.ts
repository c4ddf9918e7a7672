/**
 * Options that several subcommands take.
 * @module
 */
import type { Flag } from "./types.ts";

/** The options that every subcommand takes. */
export const COMMON_FLAGS = [
  { name: "quiet", short: "q", help: "Print only warnings and errors, and no progress" },
  { name: "verbose", short: "v", help: "Also print what is being done, and the causes of errors" },
  { name: "help", short: "h", help: "Print this help" },
] as const satisfies readonly Flag[];

/** Events in place of text for people. */
export const JSON_FLAG = {
  name: "json",
  help: "Print events on standard output, one JSON object a line",
} as const satisfies Flag;

/** Which identity to use. */
export const IDENTITY_FLAG = {
  name: "identity",
  short: "i",
  value: { placeholder: "FILE", completion: "file" },
  help: "Private key of this side, an OpenSSH Ed25519 key (default: identity in the configuration folder)",
} as const satisfies Flag;

/** Whom to let in. */
export const AUTHORIZED_KEYS_FLAG = {
  name: "authorized-keys",
  value: { placeholder: "FILE", completion: "file" },
  help: "Public keys of the senders to let in (default: authorized_keys in the configuration folder)",
} as const satisfies Flag;

/** Where the receiver remembers. */
export const STATE_FLAG = {
  name: "state",
  value: { placeholder: "FILE", completion: "file" },
  help: "The receiver's memory, of unfinished transfers for one (default: in the state folder)",
} as const satisfies Flag;

/** Whom to trust in no case. */
export const REVOKED_KEYS_FLAG = {
  name: "revoked-keys",
  value: { placeholder: "FILE", completion: "file" },
  help: "Keys that are trusted in no case (default: revoked_keys in the configuration folder, if it exists)",
} as const satisfies Flag;
