/**
 * The words and options of `stx send`.
 * @module
 */
import { COMMON_FLAGS, IDENTITY_FLAG, JSON_FLAG, REVOKED_KEYS_FLAG } from "./flags.ts";
import type { Command } from "./types.ts";

/** Sending files. */
export const SEND = {
  name: "send",
  summary: "Send files and folders to a receiver",
  description:
    "Sends each PATH to the receiver that listens at HOST, on port 7891 unless another is given. A " +
    "folder is sent with all below it. PATH - is standard input and needs --name. A receiver that is not " +
    "known yet is shown by its fingerprint and asked about on a terminal, and refused without one. With a " +
    "shared key, which the receiver has too, it is remembered without a question. A transfer that was cut is " +
    "resumed where it stopped.",
  positionals: [
    { placeholder: "PATH", completion: "file", repeated: true },
    { placeholder: "HOST[:PORT]", completion: "none" },
  ],
  flags: [
    IDENTITY_FLAG,
    {
      name: "peer",
      value: { placeholder: "KEY", completion: "file" },
      help:
        "Send to this receiver and no other: its public key, its SHA256 fingerprint, or a file with its key",
    },
    REVOKED_KEYS_FLAG,
    {
      name: "psk-file",
      value: { placeholder: "FILE", completion: "file" },
      help: "File of the one key that is shared with the receiver, made with stx keygen --psk",
    },
    {
      name: "auth",
      value: { placeholder: "MODE", completion: ["identity", "psk", "identity+psk"] },
      help: "What proves the two ends to each other: identity (the default without --psk-file), psk (the " +
        "shared key alone) or identity+psk (both); with --psk-file the default is psk, or both where the " +
        "receiver asks for both",
    },
    {
      name: "name",
      value: { placeholder: "NAME", completion: "none" },
      help: "Name under which standard input, or a single PATH, arrives",
    },
    { name: "follow-links", short: "L", help: "Follow symbolic links and send what they point to" },
    {
      name: "checksum",
      help: "Compare the SHA-256 of each file with what the receiver reads back from its disk",
    },
    {
      name: "receipt",
      value: { placeholder: "FILE", completion: "file" },
      help: "Write the receipt that the receiver signs to FILE",
    },
    {
      name: "retry-for",
      value: { placeholder: "DURATION", completion: "none" },
      help:
        "Give up after this long without progress, such as 90s or 1h30m (default: 10m; 0: at the first cut)",
    },
    {
      name: "cipher",
      short: "c",
      value: { placeholder: "CIPHER", completion: ["auto", "aes-256-gcm", "chacha20-poly1305"] },
      help: "Encryption of data: auto (the default: what is faster here), aes-256-gcm or chacha20-poly1305",
    },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx send report.pdf photos host.example", text: "A file and a folder, to the default port." },
    { line: "stx send backup.tar 192.0.2.7:9000 --retry-for 2h", text: "Keep trying over a bad line." },
    { line: "tar c src | stx send - host.example --name src.tar", text: "From a pipe." },
    {
      line: "stx send --psk-file shared_key photos host.example",
      text: "With a shared key, to a receiver that was given the same file.",
    },
  ],
  instead: {
    r: "leave it out: a folder is always sent with all below it",
    p: "leave it out: times and permissions are always kept",
    P: "write the port behind the host, as in HOST:PORT",
  },
} as const satisfies Command;
