/**
 * The events that `--json` prints, as types. docs/cli-events.md describes them for those who read them; the
 * two change together, and fields are only ever added.
 * @module
 */
import type { ErrorCode } from "../lib/errors.ts";

/** The version of the schema: the field `v` of every event. */
export const EVENTS_VERSION = 1;

/** What a transfer is doing. */
export type Phase = "hashing" | "connecting" | "sending" | "receiving" | "resuming" | "finishing";

/**
 * What is known of a key: ours in use, ours that is to follow it; a sender's that is let in; a receiver's; a revoked
 * one; the new one of a sender that has announced it.
 */
export type KeyKind = "identity" | "next" | "sender" | "receiver" | "revoked" | "rotation";

/** What `stx doctor` looks at. */
export type CheckName =
  | "deno"
  | "permissions"
  | "cryptography"
  | "folder"
  | "configuration"
  | "state-folder"
  | "state"
  | "address"
  | "identity"
  | "rotation"
  | "authorized-keys"
  | "known-receivers"
  | "revoked-keys"
  | "shared-keys"
  | "clock";

/** What the simulator has measured. */
export interface MeasuredBound {
  /** What, with its unit. */
  readonly what: string;
  readonly measured: number;
  /** What it may be at most. */
  readonly most: number;
}

/** The fields of each event, besides `v` and `event`. Sizes are in bytes. */
export interface Events {
  listening: {
    /** The IP address listened on. */
    readonly address: string;
    readonly port: number;
    /** The receiver's own fingerprint, `SHA256:...`; `null` for `stx rounds serve`, which has no such key. */
    readonly fingerprint: string | null;
    /** A command line that sends to this receiver, with PATH to be filled in; or that joins, with FILE. */
    readonly command: string;
  };
  connected: {
    /** The fingerprint of the verified peer, `SHA256:...`. */
    readonly peer: string;
    /** The peer's end of the connection, `host:port`, an IPv6 address in brackets. */
    readonly address: string;
  };
  rotation: {
    /** The fingerprint of the verified peer that has changed its key, or is going to. */
    readonly peer: string;
    /** The fingerprint of the key that is given up. */
    readonly oldKey: string;
    /** The fingerprint of the one that follows it. */
    readonly newKey: string;
    /** Whether the new key is in use, so that the old one counts no longer. */
    readonly complete: boolean;
  };
  offer: {
    /** The transfer's id in lower-case hexadecimal. */
    readonly transfer: string;
    readonly peer: string;
    /** The top-level names of the transfer, the first 100 at most. */
    readonly names: readonly string[];
    /** `null` while unknown, as with standard input. */
    readonly totalBytes: number | null;
    readonly totalFiles: number;
  };
  progress: {
    /** `null` before the receiver is known, on which the id depends. */
    readonly transfer: string | null;
    readonly phase: Phase;
    /** Bytes that the phase has dealt with, counted from the transfer's first byte, not from where it resumed. */
    readonly bytes: number;
    readonly totalBytes: number | null;
    readonly files: number;
    readonly totalFiles: number | null;
  };
  resumed: {
    readonly transfer: string;
    /** Where in the transfer's data the connection goes on. */
    readonly offsetBytes: number;
  };
  retry: {
    /** 1 for the first new connection; 1 again after progress was made. */
    readonly attempt: number;
    readonly delayMs: number;
    /** Why the connection before was given up. */
    readonly code: ErrorCode;
    readonly message: string;
  };
  file: {
    readonly transfer: string;
    /** The path inside the transfer; for recv with the name that it has got in the receiving folder. */
    readonly path: string;
    readonly sizeBytes: number;
  };
  done: {
    readonly transfer: string;
    readonly bytes: number;
    readonly files: number;
    /** From the start of the command, or of the connection that carried the offer, to now. */
    readonly seconds: number;
    /** The file that the receipt was written to, `null` if none was asked for. */
    readonly receipt: string | null;
  };
  key: {
    readonly kind: KeyKind;
    readonly fingerprint: string;
    /** The key as a line, without a comment; `null` where only its fingerprint is known. */
    readonly publicKey: string | null;
    /** As it stands in the file; `null` if there is none. */
    readonly comment: string | null;
    /** The file that says so. */
    readonly file: string;
    /** The line in that file, from 1; `null` where it has no lines. */
    readonly line: number | null;
    /** A receiver's `host:port`; `null` for all else. */
    readonly address: string | null;
    /** The last millisecond since 1970 at which a sender's line counts; `null` if there is no end. */
    readonly expiresMs: number | null;
    /** The addresses from which a sender's line counts, as they stand there; `null`: all. */
    readonly from: string | null;
    /** The fingerprints of the keys that it has followed, the last one's first. */
    readonly follows: readonly string[];
    /** Whether it counts: not if it has expired, is revoked or was replaced, and not yet for `next`. */
    readonly counts: boolean;
  };
  round: {
    /** The number of the round that has closed, counted from the server's start, in decimal. */
    readonly round: string;
    /** How many clients' values are in it, in decimal. */
    readonly clients: string;
    /** The product of the clients' numbers, exact. */
    readonly product: string;
    /** Each client's number by its id, exact. */
    readonly sums: Readonly<Record<string, string>>;
    /** The ids of the clients whose value did not come in time. */
    readonly late: readonly string[];
  };
  refused: {
    /** The client in whose name it came; `null` for whoever is not enrolled. */
    readonly client: string | null;
    /** What was wrong. */
    readonly code: ErrorCode;
    /** How often, in decimal. */
    readonly count: string;
  };
  aggregate: {
    /** The server's number of the round, in decimal. */
    readonly round: string;
    /** This client's own number, exact. */
    readonly sum: string;
    /** The product of all clients' numbers, exact. */
    readonly product: string;
    /** How many clients' values are in it, in decimal. */
    readonly clients: string;
  };
  client: {
    /** The name of a client that is enrolled. */
    readonly id: string;
    /** The epoch of its next session, in decimal. */
    readonly epoch: string;
  };
  verdict: {
    readonly protocol: "stx" | "rounds";
    readonly attack: string;
    /** `failed` where the attack did not come to what it must, or its control did not. */
    readonly verdict: "stopped" | "survived" | "failed";
    /** By which error it was stopped; `null` where nothing had to be. */
    readonly error: string | null;
    /** The end that noticed. */
    readonly side: "client" | "server" | null;
    /** What that end said. */
    readonly message: string | null;
    /** What the attack came to with its defences off; `none` where bounds are measured instead. */
    readonly control: "succeeded" | "failed" | "none";
    /** What the attacker wanted. */
    readonly goal: string;
    /** The defences that the control switched off. */
    readonly defences: readonly string[];
    /** What was measured, and what it may be at most. */
    readonly bounds: readonly MeasuredBound[];
    /** What it does to the first design's protocol; `null` where it was not played there. */
    readonly firstDesign: "succeeded" | "stopped" | null;
    /** What did not come out as it must, in words; `null` if everything did. */
    readonly problem: string | null;
    readonly elapsedMs: number;
  };
  summary: {
    readonly attacks: number;
    readonly failed: number;
    /** The seed that repeats this run. */
    readonly seed: number;
    readonly elapsedMs: number;
    /** The file of the report, `null` if none was asked for. */
    readonly report: string | null;
  };
  step: {
    /** The connection through the proxy, from 1. */
    readonly connection: number;
    readonly from: "client" | "server" | "attacker";
    readonly to: "client" | "server" | "attacker";
    /** The name of what went: `HELLO`, `record 3`, `DATA`. */
    readonly name: string;
    readonly bytes: number;
    /** What the attacker did; `null` where it let it go on as it came. */
    readonly note: string | null;
  };
  check: {
    /** What was looked at. */
    readonly name: CheckName;
    /** `problem` for what stands in the way, or is not safe. */
    readonly status: "ok" | "warning" | "problem";
    /** What was found. */
    readonly message: string;
    /** What to do about it. */
    readonly hint: string | null;
  };
  log: {
    /** `warning`: always told. `info` and `detail`: only under `--verbose`. */
    readonly level: "warning" | "info" | "detail";
    /** What people are told. */
    readonly message: string;
  };
  error: {
    /** `unexpected` for what has no code: a fault in stx. */
    readonly code: ErrorCode | "unexpected";
    readonly message: string;
    readonly hint: string | null;
    /** The exit status that follows, `null` if the program goes on. */
    readonly exit: number | null;
    /** The transfer that failed, `null` if none had begun. */
    readonly transfer: string | null;
    /** The verified peer that it failed with, `null` if there is none. */
    readonly peer: string | null;
  };
}

/** The name of an event. */
export type EventName = keyof Events;
