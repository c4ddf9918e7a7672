/**
 * The receiver's list of senders: a file in the format of OpenSSH's authorized_keys (sshd(8)). The options
 * `expiry-time` and `from` are honoured. A line with any other option is skipped with a warning, since to
 * pass over a restriction would grant more than its writer meant; and so is a line that cannot be read.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { type AddressPatterns, matchesAddress, parseAddressPatterns } from "./address_patterns.ts";
import { parsePublicKeyLine } from "./public_key.ts";
import { entryLines } from "./ssh_encoding.ts";

/** One line that grants something. */
export interface AuthorizedKey {
  /** The sender's key, 32 bytes. */
  readonly publicKey: Bytes;
  /** As it stands in the file: escape it before printing. */
  readonly comment: string;
  /** Its line in the file, from 1. */
  readonly line: number;
  /** The last millisecond since 1970 at which the key is accepted; `undefined`: always. */
  readonly expiresMs: number | undefined;
  /** The addresses that the key is accepted from; `undefined`: all. */
  readonly from: AddressPatterns | undefined;
}

/** What a file grants. */
export interface AuthorizedKeys {
  /** The lines that grant something, in the file's order. */
  readonly keys: readonly AuthorizedKey[];
  /** A sentence for each line that was skipped, or in part; nothing in them needs escaping. */
  readonly warnings: readonly string[];
}

/**
 * Parses an authorized_keys file. Never throws: what cannot be read grants nothing and is warned of.
 *
 * @example Who may send, until when and from where
 * ```ts
 * import assert from "node:assert/strict";
 * import { findAuthorized, parseAuthorizedKeys, parsePublicKeyLine } from "@stx/stx";
 *
 * const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEQpkwZQBKoeTEj03QFYGUwCNJvMZkzZbkAOommRio1R alice@laptop";
 * const options = 'expiry-time="20311231Z",from="192.0.2.0/24,2001:db8::/32"';
 * const { keys, warnings } = parseAuthorizedKeys(`${options} ${line}\n`);
 * assert.deepEqual(warnings, []);
 * const alice = parsePublicKeyLine(line).publicKey;
 * const [in2030, in2040] = [Date.UTC(2030, 0), Date.UTC(2040, 0)];
 * assert.equal(findAuthorized(keys, alice, "192.0.2.7", in2030), "authorized");
 * assert.equal(findAuthorized(keys, alice, "198.51.100.7", in2030), "wrong_address");
 * assert.equal(findAuthorized(keys, alice, "192.0.2.7", in2040), "expired");
 * ```
 */
export function parseAuthorizedKeys(text: string): AuthorizedKeys {
  const keys: AuthorizedKey[] = [];
  const warnings: string[] = [];
  for (const line of entryLines(text)) {
    try {
      const key = parseLine(line.text, line.number);
      keys.push(key);
      if (key.from !== undefined && key.from.nameCount > 0) {
        warnings.push(
          `Line ${line.number} has a host name in from="...", which matches nothing: names are not looked up.`,
        );
      }
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      warnings.push(`Line ${line.number} is skipped. ${error.message}`);
    }
  }
  return { keys, warnings };
}

function parseLine(text: string, line: number): AuthorizedKey {
  // As in sshd, a line that begins with the type of a key has no options.
  const options = /^(ssh|ecdsa|sk)-/.test(text) ? "" : optionsOf(text);
  const { publicKey, comment } = parsePublicKeyLine(text.slice(options.length));
  return { publicKey, comment, line, ...parseOptions(options) };
}

/** The options at the start of a line: all to the first space or tab outside double quotes. */
function optionsOf(text: string): string {
  let quoted = false;
  let at = 0;
  for (; at < text.length; at++) {
    const character = text[at]!;
    if (!quoted && (character === " " || character === "\t")) break;
    // A quote behind a backslash neither begins nor ends a quoted text.
    if (character === "\\" && text[at + 1] === '"') at++;
    else if (character === '"') quoted = !quoted;
  }
  if (quoted) throw bad("A quoted text in its options has no end.");
  return text.slice(0, at);
}

function parseOptions(text: string): Pick<AuthorizedKey, "expiresMs" | "from"> {
  let expiresMs: number | undefined;
  let from: AddressPatterns | undefined;
  let at = 0;
  while (at < text.length) {
    // A name, perhaps a quoted value, and a comma if there is more.
    const option = /([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\"|\\(?!"))*)")?(,(?!$)|$)/y;
    option.lastIndex = at;
    const parts = option.exec(text);
    if (parts === null) throw bad("Its options cannot be read.");
    const [whole, name, quotedValue] = parts;
    const value = quotedValue?.replaceAll('\\"', '"');
    switch (name!.toLowerCase()) {
      case "expiry-time":
        // Several are allowed, and the earliest counts, as in sshd.
        expiresMs = Math.min(expiresMs ?? Infinity, parseExpiry(value));
        break;
      case "from":
        if (from !== undefined) throw bad('It has the option "from" twice.');
        if (value === undefined) throw bad('Its option "from" has no value.');
        from = parseAddressPatterns(value);
        break;
      default:
        throw bad(`It has the option "${name}", which stx does not support.`);
    }
    at += whole.length;
  }
  return { expiresMs, from };
}

/**
 * The moment that `YYYYMMDD[HHMM[SS]][Z]` names, in milliseconds since 1970: in UTC with a Z, else in this
 * machine's time zone, as sshd has it.
 */
function parseExpiry(value = ""): number {
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?(Z?)$/i.exec(value);
  if (parts === null) throw badExpiry();
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const utc = new Date(Date.UTC(year!, month! - 1, day!, hour!, minute!, second!));
  // Date carries what is too large over into the next field: the 31st of February would become March.
  const digits = utc.toISOString().replace(/[-T:]/g, "").slice(0, 14);
  if (utc.getTime() < 0 || digits !== parts.slice(1, 7).join("").padEnd(14, "0")) throw badExpiry();
  if (parts[7] !== "") return utc.getTime();
  return new Date(year!, month! - 1, day!, hour!, minute!, second!).getTime();
}

function badExpiry(): StxError {
  return bad("Its expiry-time is not a date YYYYMMDD[Z] or a time YYYYMMDDHHMM[SS][Z].");
}

function bad(why: string): StxError {
  return new StxError("bad_trust_file", why);
}

/** What a list says about a sender. */
export type Authorization = "authorized" | "unknown" | "expired" | "wrong_address";

/**
 * Says whether a list grants anything to a sender. If a key stands on several lines, any line that grants
 * is enough; if none does, the first of them names the reason.
 * @param address the sender's IP address, without a port
 * @param nowMs the time, in milliseconds since 1970
 */
export function findAuthorized(
  keys: readonly AuthorizedKey[],
  publicKey: Bytes,
  address: string,
  nowMs: number,
): Authorization {
  // All lines are compared, so that the time taken does not tell where a key stands.
  const verdicts = keys.filter((key) => equal(key.publicKey, publicKey)).map((key): Authorization => {
    if (key.expiresMs !== undefined && nowMs > key.expiresMs) return "expired";
    if (key.from !== undefined && !matchesAddress(key.from, address)) return "wrong_address";
    return "authorized";
  });
  return verdicts.includes("authorized") ? "authorized" : verdicts[0] ?? "unknown";
}
