/**
 * What the SSH file and message formats have in common: strings behind a four-byte length (RFC 4251,
 * section 5), strict base64, base64 between a BEGIN and an END line, and text files of one entry a line.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { type ErrorCode, StxError } from "../errors.ts";
import { ByteReader, u32 } from "../wire/fields.ts";

/**
 * Reads all of `bytes` with `read`. Throws `malformed` if they end too early or something is left.
 * @param what the name of what is read, for the error
 */
export function readWhole<T>(bytes: Bytes, what: string, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes, what);
  const value = read(reader);
  reader.end();
  return value;
}

/** Reads an SSH string: four bytes of length and as many bytes. Throws `malformed` if fewer are there. */
export function readString(reader: ByteReader): Bytes {
  return reader.bytes(reader.u32());
}

/** An SSH string of these bytes, or of the UTF-8 of this text. */
export function encodeString(value: Uint8Array | string): Bytes {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return concat(u32(bytes.length), bytes);
}

/**
 * The name of an algorithm as a text that is safe to print: anything but the letters, digits and signs that
 * such names are made of (RFC 4251, section 6), or more than 64 of them, becomes "unknown".
 */
export function printableName(name: Uint8Array | string): string {
  const text = typeof name === "string" ? name : new TextDecoder().decode(name);
  return /^[A-Za-z0-9@._+-]{1,64}$/.test(text) ? text : "unknown";
}

/** Runs `body`; a failure that it throws on purpose goes on under `code`, its words unchanged. */
export function underCode<T>(code: ErrorCode, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
    throw new StxError(code, error.message, error.hint === undefined ? {} : { hint: error.hint });
  }
}

/**
 * The bytes of a base64 text (RFC 4648, section 4), `undefined` if it is not exactly what an encoder writes:
 * white space, missing padding and bits set behind the end are refused, so no two texts mean the same bytes.
 */
export function decodeBase64(text: string): Bytes | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  // The platform's decoder passes over all of these.
  if (btoa(binary) !== text) return undefined;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The base64 of `bytes`, padded. Uint8Array's own methods for it are younger than Node 24. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Characters a line, as ssh-keygen writes them. */
const ARMOR_LINE_LENGTH = 70;

/** `bytes` in base64 between "-----BEGIN label-----" and "-----END label-----", with a final newline. */
export function wrapArmor(label: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).match(new RegExp(`.{1,${ARMOR_LINE_LENGTH}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * The bytes in such a text, `undefined` if it is not one. White space around it, carriage returns and empty
 * lines are accepted, since files pass through editors and mail; anything else around it is not.
 */
export function unwrapArmor(label: string, text: string): Bytes | undefined {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (lines[0] !== `-----BEGIN ${label}-----` || lines.at(-1) !== `-----END ${label}-----`) return undefined;
  return decodeBase64(lines.slice(1, -1).join(""));
}

/** The lines of a text that say something: without blank ones and comments, trimmed, numbered from 1. */
export function entryLines(text: string): readonly { readonly number: number; readonly text: string }[] {
  return text.split("\n")
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter((line) => line.text !== "" && !line.text.startsWith("#"));
}
