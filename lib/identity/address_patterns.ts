/**
 * IP addresses as text, and the lists of address patterns that authorized_keys has in `from="..."`
 * (sshd(8), and PATTERNS in ssh_config(5)).
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";

/** An IP address. */
export interface Address {
  /** 4 bytes for IPv4, 16 for IPv6. */
  readonly bytes: Bytes;
  /** The one canonical way to write it: dotted decimal, or RFC 5952. */
  readonly text: string;
}

/** One pattern of a list. */
export type AddressPattern =
  & { readonly negated: boolean }
  & (
    | { readonly kind: "network"; readonly bytes: Bytes; readonly prefixBits: number }
    | { readonly kind: "wildcard"; readonly text: string }
  );

/** A list of patterns, parsed. */
export interface AddressPatterns {
  /** Those that addresses can match, in the list's order. */
  readonly patterns: readonly AddressPattern[];
  /** How many host names stood in the list; they match nothing, since names are not looked up. */
  readonly nameCount: number;
  /** The list as it was written: escape it before printing. */
  readonly text: string;
}

/** The first 12 bytes of an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/**
 * Parses an IPv4 address in four decimal numbers or an IPv6 address without brackets and zone; `undefined`
 * for anything else. An IPv4 address inside IPv6 (::ffff:a.b.c.d), which is how a socket for both families
 * shows IPv4 peers, gives the IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return v4;
  const v6 = parseV6(text);
  if (v6 === undefined || !isMapped(v6)) return v6;
  const bytes = v6.bytes.slice(MAPPED_PREFIX.length);
  return { bytes, text: bytes.join(".") };
}

function isMapped(address: Address): boolean {
  return equal(address.bytes.subarray(0, MAPPED_PREFIX.length), MAPPED_PREFIX);
}

function parseV4(text: string): Address | undefined {
  // Leading zeros are refused: some systems read them as octal.
  if (!/^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/.test(text)) return undefined;
  const numbers = text.split(".").map(Number);
  return numbers.every((number) => number <= 255) ? { bytes: Uint8Array.from(numbers), text } : undefined;
}

function parseV6(text: string): Address | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  // The platform's URL parser is strict about IPv6 and writes it canonically.
  const url = URL.parse(`http://[${text}]/`);
  if (url === null) return undefined;
  const canonical = url.hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return { bytes: Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255])), text: canonical };
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
}

/**
 * Parses a comma-separated list. A pattern is an address, a network as address/bits, or an address with the
 * wildcards `*` and `?`; `!` before it negates. Host names are counted and otherwise passed over. Throws
 * `bad_trust_file` for a pattern that is none of these, a network with bits set behind its prefix, an IPv4
 * address inside IPv6, and a negated host name, which could not be honoured.
 */
export function parseAddressPatterns(list: string): AddressPatterns {
  const patterns: AddressPattern[] = [];
  let nameCount = 0;
  for (const item of list.split(",")) {
    const negated = item.startsWith("!");
    const pattern = parsePattern(negated ? item.slice(1) : item, negated);
    if (pattern !== undefined) patterns.push(pattern);
    else if (negated) throw bad("it excludes a host by name, and names are not looked up");
    else nameCount++;
  }
  return { patterns, nameCount, text: list };
}

/** One pattern; `undefined` for a host name. */
function parsePattern(text: string, negated: boolean): AddressPattern | undefined {
  if (text === "") throw bad("it has an empty pattern");
  if (text.includes("/")) return { negated, ...parseNetwork(text) };
  const address = parseV4(text) ?? parseV6(text);
  if (address !== undefined) return { negated, ...network(address, address.bytes.length * 8) };
  // A host name may be of hexadecimal digits alone, but it has no colon.
  const isAddressLike = /^[0-9.*?]+$/.test(text) || (text.includes(":") && /^[0-9A-Fa-f:.*?]+$/.test(text));
  if (isAddressLike && /[*?]/.test(text)) {
    return { negated, kind: "wildcard", text: text.toLowerCase() };
  }
  if (!/^[A-Za-z0-9._*?-]+$/.test(text)) throw bad("it has a pattern that no address or host name matches");
  return undefined;
}

function parseNetwork(text: string): { kind: "network"; bytes: Bytes; prefixBits: number } {
  const parts = /^([^/]+)\/([0-9]{1,3})$/.exec(text);
  const address = parts === null ? undefined : parseV4(parts[1]!) ?? parseV6(parts[1]!);
  if (address === undefined) throw bad("it has a network that is not address/bits");
  return network(address, Number(parts![2]));
}

function network(
  address: Address,
  prefixBits: number,
): { kind: "network"; bytes: Bytes; prefixBits: number } {
  const { bytes } = address;
  if (prefixBits > bytes.length * 8) throw bad("it has a network with more bits than the address");
  if (isMapped(address)) throw bad("it has an IPv4 address written as IPv6");
  if (!equal(masked(bytes, prefixBits), bytes)) throw bad("it has a network with bits set behind its prefix");
  return { kind: "network", bytes, prefixBits };
}

/** `bytes` with all but the first `prefixBits` bits cleared. */
function masked(bytes: Bytes, prefixBits: number): Bytes {
  return bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixBits - index * 8));
    return byte & (0xff00 >> kept);
  });
}

function bad(why: string): StxError {
  return new StxError("bad_trust_file", `The list in from="..." cannot be used: ${why}.`);
}

/**
 * Says whether an address matches a list: at least one pattern, and none that is negated. What is not an
 * address matches nothing. The zone of an IPv6 address (%eth0) is passed over.
 */
export function matchesAddress(list: AddressPatterns, address: string): boolean {
  const parsed = parseAddress(address.replace(/%.*$/, ""));
  if (parsed === undefined) return false;
  const matching = list.patterns.filter((pattern) => matchesPattern(pattern, parsed));
  return matching.length > 0 && matching.every((pattern) => !pattern.negated);
}

function matchesPattern(pattern: AddressPattern, address: Address): boolean {
  if (pattern.kind === "wildcard") return matchesWildcard(pattern.text, address.text);
  // Masking keeps the length, so an IPv4 network never equals an IPv6 address.
  return equal(masked(address.bytes, pattern.prefixBits), pattern.bytes);
}

/** Matches `*` (any characters) and `?` (one), in a time of at most the product of the two lengths. */
function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let textAt = 0;
  // Where to go on if what follows the last asterisk does not fit: let it take one character more.
  let afterStar = -1;
  let starTextAt = 0;
  while (textAt < text.length) {
    if (pattern[at] === "*") {
      afterStar = ++at;
      starTextAt = textAt;
    } else if (pattern[at] === "?" || pattern[at] === text[textAt]) {
      at++;
      textAt++;
    } else if (afterStar !== -1) {
      at = afterStar;
      textAt = ++starTextAt;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
