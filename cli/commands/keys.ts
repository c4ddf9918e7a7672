/**
 * The words and options of `stx keys`.
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

/** Keys over time. */
export const KEYS = {
  name: "keys",
  summary: "List, trust, revoke and rotate keys",
  description:
    "list shows this machine's identity and every key that is trusted or revoked here. trust KEY lets a sender in; " +
    "trust KEY HOST remembers a receiver. revoke KEY refuses a key from now on, whoever shows it, and all that follow " +
    "it. KEY is a public key in quotes, a file with one, or, to revoke, a SHA256 fingerprint. rotate makes the key that " +
    "is to follow this identity: peers that meet it in the meantime learn of it, and rotate --finish puts it in place.",
  positionals: [
    { placeholder: "ACTION", completion: ["list", "trust", "revoke", "rotate"] },
    { placeholder: "KEY", completion: "file", optional: true },
    { placeholder: "HOST[:PORT]", completion: "none", optional: true },
  ],
  flags: [
    IDENTITY_FLAG,
    AUTHORIZED_KEYS_FLAG,
    REVOKED_KEYS_FLAG,
    STATE_FLAG,
    { name: "finish", help: "rotate: let the next key take the place of the present one" },
    { name: "force", help: "rotate: make another next key; trust: replace the keys known for HOST" },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx keys trust laptop.pub", text: "Let a sender in." },
    { line: "stx keys revoke SHA256:...", text: "It is refused from the next connection on." },
    {
      line: "stx keys rotate",
      text: "Send to, or be sent to by, everybody who knows this identity, and then:",
    },
    {
      line: "stx keys rotate --finish",
      text: "The old key is gone; peers refuse it once they meet the new one.",
    },
  ],
} as const satisfies Command;
