/**
 * The sender's list of receivers that it trusts, in the manner of OpenSSH's known_hosts, one to a line:
 * `[host]:port ssh-ed25519 AAAA... comment`. A line `@revoked NAME ssh-ed25519 AAAA...` says that a key is
 * never to be trusted, whichever receiver shows it. A line that cannot be read is an error and never passed
 * over: it may be the one that says a receiver's key, or that a key is revoked.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { parseAddress } from "./address_patterns.ts";
import { formatPublicKeyLine, parsePublicKeyLine } from "./public_key.ts";
import { entryLines } from "./ssh_encoding.ts";

/** One line. */
export type ReceiverEntry =
  | {
    readonly kind: "trusted";
    /** In lower case; an IP address in its canonical form. */
    readonly host: string;
    readonly port: number;
    readonly publicKey: Bytes;
  }
  | { readonly kind: "revoked"; readonly publicKey: Bytes };

/** What the list says of a receiver that shows a key. */
export type ReceiverVerdict = "known" | "unknown" | "changed" | "revoked";

/** Parses the list. Throws `bad_trust_file`, naming the line, if one cannot be read. */
export function parseKnownReceivers(text: string): readonly ReceiverEntry[] {
  return entryLines(text).map((line) => {
    try {
      return parseEntry(line.text);
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      throw new StxError(
        "bad_trust_file",
        `Line ${line.number} of the known receivers cannot be used. ${error.message}`,
        { hint: `Correct line ${line.number}, or delete it if you no longer need it, and try again.` },
      );
    }
  });
}

function parseEntry(text: string): ReceiverEntry {
  const [, marker, name = "", key = ""] = /^(?:(@\S*)[ \t]+)?(\S+)[ \t]*(.*)$/.exec(text) ?? [];
  if (marker === "@revoked") return { kind: "revoked", publicKey: parsePublicKeyLine(key).publicKey };
  if (marker !== undefined) throw bad("It has a marker other than @revoked, which stx does not support.");
  if (name.startsWith("|")) throw bad("It names a host by its hash, which stx does not support.");
  const parts = /^\[([^\]]*)\]:([0-9]+)$/.exec(name);
  if (parts === null) throw bad("It does not begin with a name such as [host]:port.");
  const port = Number(parts[2]);
  assertName(parts[1]!, port);
  return {
    kind: "trusted",
    host: normalizeHost(parts[1]!),
    port,
    publicKey: parsePublicKeyLine(key).publicKey,
  };
}

function bad(why: string): StxError {
  return new StxError("bad_trust_file", why);
}

/** Throws if a name is one that a line cannot hold, or that names more than one receiver. */
function assertName(host: string, port: number): void {
  if (!/^[^\s\p{Cc}[\],*?!|@]+$/u.test(host)) {
    throw bad("Its host is empty or has a character that no host name has; one line names one host.");
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw bad("Its port is not one from 1 to 65535.");
}

/** The one way to write a host that stands for all the ways to write it. */
function normalizeHost(host: string): string {
  return parseAddress(host)?.text ?? host.toLowerCase();
}

/**
 * A line for the list, without a newline at its end. Throws `usage` if the host or port is one that the list
 * cannot hold.
 * @param host a name or an IP address, IPv6 without brackets
 */
export function formatReceiverLine(host: string, port: number, publicKey: Bytes): string {
  try {
    assertName(host, port);
  } catch {
    throw new StxError("usage", "Cannot remember this receiver: its host or port is not a valid one");
  }
  return `[${normalizeHost(host)}]:${port} ${formatPublicKeyLine(publicKey, "")}`;
}

/** The keys that the list trusts for a receiver; those that it revokes are left out. */
export function findReceiver(
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
): readonly Bytes[] {
  return keysFor(entries, host, port).filter((key) => !isRevoked(entries, key));
}

/**
 * Says what the list makes of a receiver that shows `publicKey`. "changed" means that it has other keys for
 * this receiver, even if all of those are revoked.
 */
export function checkReceiver(
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
  publicKey: Bytes,
): ReceiverVerdict {
  if (isRevoked(entries, publicKey)) return "revoked";
  const keys = keysFor(entries, host, port);
  if (keys.some((key) => equal(key, publicKey))) return "known";
  return keys.length === 0 ? "unknown" : "changed";
}

function keysFor(entries: readonly ReceiverEntry[], host: string, port: number): readonly Bytes[] {
  const name = normalizeHost(host);
  return entries
    .filter((entry) => entry.kind === "trusted" && entry.host === name && entry.port === port)
    .map((entry) => entry.publicKey);
}

function isRevoked(entries: readonly ReceiverEntry[], publicKey: Bytes): boolean {
  return entries.some((entry) => entry.kind === "revoked" && equal(entry.publicKey, publicKey));
}
