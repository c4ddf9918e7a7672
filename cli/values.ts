/**
 * Sizes, durations and addresses: reading them from the command line and printing them.
 * @module
 */
import { StxError } from "../lib/errors.ts";

export { formatBytes } from "../lib/bytes/format_bytes.ts";

/** The port that is meant where none is given: "STX1" on a telephone's keys. */
export const DEFAULT_PORT = 7891;

/** Where to listen or to connect. */
export interface Address {
  /** A name or an IP address, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

// K, KiB: 1024, as dd and rsync have them. KB: 1000. Letters may be of either case.
const SIZE_UNITS: ReadonlyMap<string, number> = new Map(
  ["k", "m", "g", "t"].flatMap((letter, index) => [
    [letter, 1024 ** (index + 1)],
    [`${letter}ib`, 1024 ** (index + 1)],
    [`${letter}b`, 1000 ** (index + 1)],
  ]),
);

/**
 * Reads a size: `100`, `10K`, `1.5M`, `2G`, `1GiB`. K, M, G, T and KiB, MiB, GiB, TiB are powers of 1024, KB, MB,
 * GB, TB powers of 1000, in either case. Returns whole bytes, rounded down.
 *
 * `option` is named in the `usage` error that anything else throws.
 */
export function parseSize(text: string, option: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([a-z]*)$/i.exec(text);
  if (match === null) throw badValue(option, text, "it is not a size", SIZE_HINT);
  const unit = match[2]!.toLowerCase();
  const factor = unit === "" || unit === "b" ? 1 : SIZE_UNITS.get(unit);
  if (factor === undefined) throw badValue(option, text, `${match[2]} is not a unit of size`, SIZE_HINT);
  const size = Math.floor(Number(match[1]) * factor);
  if (!Number.isSafeInteger(size)) throw badValue(option, text, "it is too large", SIZE_HINT);
  return size;
}

const SIZE_HINT = "write a number and a unit, such as 500M or 2GiB";

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a duration: `90` (seconds), `90s`, `10m`, `2h`, `1h30m`, `3d`, `0`. Returns whole milliseconds.
 *
 * `option` is named in the `usage` error that anything else throws.
 */
export function parseDuration(text: string, option: string): number {
  const hint = "write seconds, or numbers with s, m, h or d, such as 90s or 1h30m";
  if (!/^(?:[0-9]+(?:\.[0-9]+)?|(?:[0-9]+(?:\.[0-9]+)?[smhd])+)$/i.test(text)) {
    throw badValue(option, text, "it is not a duration", hint);
  }
  let durationMs = 0;
  for (const [, amount, unit] of text.toLowerCase().matchAll(/([0-9.]+)([smhd]?)/g)) {
    durationMs += Number(amount) * DURATION_UNITS_MS[unit || "s"]!;
  }
  durationMs = Math.round(durationMs);
  if (!Number.isSafeInteger(durationMs)) throw badValue(option, text, "it is too long", hint);
  return durationMs;
}

/**
 * Reads a whole number from 1 to `max`.
 *
 * `option` is named in the `usage` error that anything else throws.
 */
export function parseCount(text: string, option: string, max: number): number {
  const hint = `write a whole number from 1 to ${max}`;
  if (!/^[0-9]+$/.test(text)) throw badValue(option, text, "it is not a whole number", hint);
  const count = Number(text);
  if (count < 1 || count > max) {
    throw badValue(option, text, `it is too ${count < 1 ? "small" : "large"}`, hint);
  }
  return count;
}

/**
 * Reads an address to connect to: `host`, `host:port`, `[::1]:7891`, or `::1`, an IPv6 address without a port.
 *
 * `what` names the word in the `usage` error that anything else throws.
 */
export function parseRemoteAddress(text: string, what: string): Address {
  const address = parseAddress(text, what);
  if (address.host === "") throw badValue(what, text, "the host is missing", ADDRESS_HINT);
  if (address.port === 0) throw badValue(what, text, "0 is not a port to connect to", ADDRESS_HINT);
  return address;
}

/**
 * Reads an address to listen on: as {@link parseRemoteAddress}, but `:7891` stands for every IPv4 address of this
 * machine, and port 0 for any free port.
 *
 * `option` is named in the `usage` error that anything else throws.
 */
export function parseListenAddress(text: string, option: string): Address {
  const address = parseAddress(text, option);
  return address.host === "" ? { host: "0.0.0.0", port: address.port } : address;
}

const ADDRESS_HINT = "write HOST or HOST:PORT, such as host.example:7891 or [2001:db8::1]:7891";

function parseAddress(text: string, what: string): Address {
  if (text.includes("@")) {
    throw badValue(what, text, "there are no user names in stx", "write the host alone: keys say who is who");
  }
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  // More than one colon without brackets can only be an IPv6 address, and then no colon is left for a port.
  const bare = bracketed === null && text.split(":").length > 2;
  if (bracketed !== null || bare) {
    const host = bracketed?.[1] ?? text;
    if (!isIpv6(host)) throw badValue(what, text, "that is not an IPv6 address", ADDRESS_HINT);
    return { host, port: parsePort(bracketed?.[2], text, what) };
  }
  const colon = text.indexOf(":");
  const host = colon < 0 ? text : text.slice(0, colon);
  if (host === "" && colon < 0) throw badValue(what, text, "the host is missing", ADDRESS_HINT);
  if (!/^[\p{L}\p{M}\p{N}._-]*$/u.test(host) || host.startsWith("-")) {
    throw badValue(what, text, "that is not a host name", ADDRESS_HINT);
  }
  // The system would take it for the IP address 0.0.N.N.
  if (colon < 0 && /^[0-9]{1,5}$/.test(text)) {
    const hint = `write a port behind a colon: HOST:${text}, or :${text} to listen on every address`;
    throw badValue(what, text, "that is a host of digits alone", hint);
  }
  return { host, port: parsePort(colon < 0 ? undefined : text.slice(colon + 1), text, what) };
}

function parsePort(port: string | undefined, text: string, what: string): number {
  if (port === undefined) return DEFAULT_PORT;
  if (!/^[0-9]{1,5}$/.test(port)) {
    throw badValue(what, text, "behind the colon goes a port number, not a path", ADDRESS_HINT);
  }
  if (Number(port) > 65535) throw badValue(what, text, "ports end at 65535", ADDRESS_HINT);
  return Number(port);
}

function isIpv6(host: string): boolean {
  // A zone such as %eth0 is for the system to judge; the URL parser knows the rest, but passes over line breaks and what
  // stands behind a bracket.
  const address = host.replace(/%[0-9A-Za-z._-]+$/, "");
  return /^[0-9A-Fa-f:.]+$/.test(address) && URL.canParse(`http://[${address}]/`);
}

function badValue(option: string, text: string, why: string, hint: string): StxError {
  return new StxError("usage", `Cannot use ${option} "${text}": ${why}`, { hint });
}

/** A duration for people: `0.4s`, `12s`, `1m05s`, `2h03m`, `3d04h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 9950) return `${(durationMs / 1000).toFixed(1)}s`;
  const seconds = Math.round(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds}s`;
  if (hours === 0) return `${minutes}m${twoDigits(seconds % 60)}s`;
  if (hours < 24) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${twoDigits(hours % 24)}h`;
}

function twoDigits(count: number): string {
  return String(count).padStart(2, "0");
}

/** An address as it is written: `host:port`, with brackets about an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
