/**
 * The sender's list of receivers that it trusts, in the manner of OpenSSH's known_hosts, one to a line:
 * `[host]:port ssh-ed25519 AAAA... comment`. A line `@revoked NAME ssh-ed25519 AAAA...` says that a key is
 * never to be trusted, whichever receiver shows it. A line that cannot be read is an error and never passed
 * over: it may be the one that says a receiver's key, or that a key is revoked.
 *
 * The comment `follows SHA256:A,SHA256:B TIME` is stx's own: the receiver's earlier key A, which had followed B, has
 * named this one as its successor. If one of them is revoked, the line counts no longer.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { parseAddress } from "./address_patterns.ts";
import { fingerprint, formatPublicKeyLine, parsePublicKeyLine } from "./public_key.ts";
import { RevokedKeys } from "./revoked_keys.ts";
import { entryLines } from "./ssh_encoding.ts";

/** One line. */
export type ReceiverEntry =
  | {
    readonly kind: "trusted";
    /** In lower case; an IP address in its canonical form. */
    readonly host: string;
    readonly port: number;
    readonly publicKey: Bytes;
    /** Whose successor it is, where nobody but the receiver has said so. */
    readonly follows?: Follows;
  }
  | { readonly kind: "revoked"; readonly publicKey: Bytes };

/** The keys that a receiver's key has followed. */
export interface Follows {
  /** Their fingerprints, the last one's first. */
  readonly fingerprints: readonly string[];
  /** The time in the statement of the last change, in milliseconds since 1970. */
  readonly timeMs: number;
}

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
  const { publicKey, comment } = parsePublicKeyLine(key);
  const follows = parseFollows(comment);
  return {
    kind: "trusted",
    host: normalizeHost(parts[1]!),
    port,
    publicKey,
    ...(follows === undefined ? {} : { follows }),
  };
}

/** What such a comment says; `undefined` for any other comment. */
function parseFollows(comment: string): Follows | undefined {
  const parts = /^follows (SHA256:[A-Za-z0-9+/,:]+) ([0-9TZ:.+-]+)$/.exec(comment);
  const timeMs = Date.parse(parts?.[2] ?? "");
  return Number.isNaN(timeMs) ? undefined : { fingerprints: parts![1]!.split(","), timeMs };
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
export function formatReceiverLine(
  host: string,
  port: number,
  publicKey: Bytes,
  follows?: Follows,
): string {
  try {
    assertName(host, port);
  } catch {
    throw new StxError("usage", "Cannot remember this receiver: its host or port is not a valid one");
  }
  const comment = follows === undefined
    ? ""
    : `follows ${follows.fingerprints.join(",")} ${new Date(follows.timeMs).toISOString()}`;
  return `[${normalizeHost(host)}]:${port} ${formatPublicKeyLine(publicKey, comment)}`;
}

/** The keys that the list trusts for a receiver; those that are revoked are left out. */
export function findReceiver(
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
  revoked: RevokedKeys = NOTHING_REVOKED,
): readonly Bytes[] {
  return linesFor(entries, host, port)
    .filter((line) => !isRevoked(entries, revoked, line))
    .map(({ publicKey }) => publicKey);
}

/**
 * Says what the list makes of a receiver that shows `publicKey`. "changed" means that it has other keys for
 * this receiver, even if all of those are revoked.
 * @param revoked keys that are trusted for no receiver, whatever the list says
 */
export function checkReceiver(
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
  publicKey: Bytes,
  revoked: RevokedKeys = NOTHING_REVOKED,
): ReceiverVerdict {
  if (isRevoked(entries, revoked, { publicKey })) return "revoked";
  const lines = linesFor(entries, host, port);
  const own = lines.filter((line) => equal(line.publicKey, publicKey));
  if (own.length === 0) return lines.length === 0 ? "unknown" : "changed";
  return own.every((line) => isRevoked(entries, revoked, line)) ? "revoked" : "known";
}

const NOTHING_REVOKED = new RevokedKeys();

/** A line that trusts a key. */
export type TrustedReceiver = Extract<ReceiverEntry, { readonly kind: "trusted" }>;

/** The lines for a receiver. */
export function linesFor(
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
): readonly TrustedReceiver[] {
  const name = normalizeHost(host);
  return entries.filter((entry): entry is TrustedReceiver =>
    entry.kind === "trusted" && entry.host === name && entry.port === port
  );
}

/** Says whether a key is revoked, by a line or by the other list, or one that it has followed. */
function isRevoked(
  entries: readonly ReceiverEntry[],
  revoked: RevokedKeys,
  line: Pick<TrustedReceiver, "publicKey" | "follows">,
): boolean {
  const lineage = [fingerprint(line.publicKey), ...(line.follows?.fingerprints ?? [])];
  return lineage.some((name) => revoked.hasFingerprint(name)) ||
    entries.some((entry) => entry.kind === "revoked" && lineage.includes(fingerprint(entry.publicKey)));
}
