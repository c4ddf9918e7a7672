/**
 * Secrets of 32 random bytes as lines of text files: `WORD... BASE64 [COMMENT]`, with spaces or tabs between. The first
 * word says what the secret is for, and keeps what is none, such as a passphrase, from being used as one by mistake:
 * whoever records what was made with it can try passphrases until one fits.
 *
 * Lines are read as bytes, so that whoever reads a secret can overwrite every copy of it; strings stay in memory.
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { assertComment } from "./public_key.ts";
import { encodeBase64 } from "./ssh_encoding.ts";

/** Bytes of a secret. */
export const SECRET_SIZE = 32;

/** Characters of a secret in base64. */
const ENCODED_SIZE = 44;
/** Bytes of a word before it; the largest one in use is a client's id, of 64. */
const WORD_SIZE_MAX = 64;
/** Fewer different values among 32 random bytes come about once in 2^54 keys. */
const DIFFERENT_BYTES_MIN = 16;

/** What a line holds. */
export interface SecretLine {
  /** The words before the secret. */
  readonly words: readonly string[];
  /** {@link SECRET_SIZE} bytes; whoever gets them wipes them. */
  readonly secret: Bytes;
  /** What stands behind it; empty if there is nothing. Escape it before printing. */
  readonly comment: string;
}

/**
 * A secret as a line, without a line break. Throws `usage` for a comment that is not one line, and `bad_key_file` for a
 * secret that no reader would take.
 * @param what names the secret in errors
 */
export function formatSecretLine(
  what: string,
  { words, secret, comment }: SecretLine,
): string {
  assertComment(comment);
  if (secret.length !== SECRET_SIZE) {
    throw new StxError(
      "bad_key_file",
      `Cannot write ${what}: ${secret.length} bytes, expected ${SECRET_SIZE}`,
    );
  }
  if (isMadeUp(secret)) throw new StxError("bad_key_file", `Cannot write ${what}: it is not random`);
  return [...words, encodeBase64(secret), ...comment === "" ? [] : [comment]].join(" ");
}

/**
 * Reads a line without spaces at its ends; `undefined` if it is not exactly what {@link formatSecretLine} writes, apart
 * from the number of spaces and tabs between. The line itself is left as it is.
 */
export function parseSecretLine(line: Bytes, wordCount: number): SecretLine | undefined {
  const words: string[] = [];
  let at = 0;
  while (words.length < wordCount) {
    const end = wordEnd(line, at);
    if (end - at > WORD_SIZE_MAX) return undefined;
    words.push(String.fromCharCode(...line.subarray(at, end)));
    at = nextWord(line, end);
  }
  const end = wordEnd(line, at);
  const comment = new TextDecoder().decode(line.subarray(nextWord(line, end)));
  // A comment hides no further line: these end one for some programs.
  if (/[\n\r\u2028\u2029]/.test(comment)) return undefined;
  const secret = decodeSecret(line.subarray(at, end));
  return secret === undefined ? undefined : { words, secret, comment };
}

/**
 * Says whether a secret was made up by a person or left empty: bytes that repeat, that count up or down, or that are
 * ordinary characters, such as a passphrase in base64. Of random ones about one in 2^45 is taken for such.
 */
export function isMadeUp(secret: Bytes): boolean {
  const step = (secret[1]! - secret[0]!) & 0xff;
  return new Set(secret).size < DIFFERENT_BYTES_MIN ||
    secret.every((byte) => byte >= 0x20 && byte <= 0x7e) ||
    secret.every((byte, index) => index === 0 || ((byte - secret[index - 1]!) & 0xff) === step);
}

const ALPHABET = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** Strict base64 (RFC 4648, section 4) of 32 bytes, without a string on the way. */
function decodeSecret(encoded: Bytes): Bytes | undefined {
  if (encoded.length !== ENCODED_SIZE || encoded[ENCODED_SIZE - 1] !== 0x3d) return undefined;
  // A buffer of its own stays in one place, so that overwriting it leaves no copy: engines move small arrays.
  const secret = new Uint8Array(new ArrayBuffer(SECRET_SIZE));
  let [bits, bitCount, size] = [0, 0, 0];
  for (const character of encoded.subarray(0, -1)) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    bits = (bits << 6 | value) & 0xfff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    secret[size++] = bits >> bitCount;
  }
  // Bits behind the last byte: the same secret to a careless reader.
  return (bits & 3) === 0 ? secret : undefined;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function wordEnd(line: Bytes, from: number): number {
  let at = from;
  while (at < line.length && !isBlank(line[at])) at++;
  return at;
}

function nextWord(line: Bytes, from: number): number {
  let at = from;
  while (isBlank(line[at])) at++;
  return at;
}
