/**
 * Shared keys: 32 random bytes that two machines hold, as text files.
 *
 * A line is `stx-psk <base64 of the 32 bytes> [comment]`, with spaces or tabs between; empty lines and lines that
 * begin with `#` are passed over. A receiver's file may hold several keys, such as one for each sender. The word
 * in front keeps what is no key, such as a passphrase, from being used as one by mistake: from a recorded HELLO
 * anybody can try passphrases until one fits.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { SHARED_KEY_COUNT_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";
import { assertComment } from "./public_key.ts";
import { decodeBase64, encodeBase64, entryLines } from "./ssh_encoding.ts";

/** Bytes of a shared key. */
export const SHARED_KEY_SIZE = 32;

/** Fewer different values among 32 random bytes come about once in 2^54 keys. */
const DIFFERENT_BYTES_MIN = 16;

/** A fresh shared key: 32 secret bytes; whoever gets it wipes it. */
export function generateSharedKey(random: Random): Bytes {
  return random.bytes(SHARED_KEY_SIZE);
}

/**
 * A shared key as a line of its file, without a line break. Throws `usage` for a comment that is not one line, and
 * `bad_key_file` for bytes that {@link parseSharedKeys} would refuse.
 */
export function formatSharedKey(key: Bytes, comment: string): string {
  assertComment(comment);
  if (key.length !== SHARED_KEY_SIZE) {
    throw new StxError(
      "bad_key_file",
      `Cannot write a shared key: ${key.length} bytes, expected ${SHARED_KEY_SIZE}`,
    );
  }
  if (isMadeUp(key)) throw new StxError("bad_key_file", "Cannot write a shared key: it is not random");
  return `stx-psk ${encodeBase64(key)}${comment === "" ? "" : ` ${comment}`}`;
}

/**
 * The keys of a file, in its order; whoever gets them wipes them. Throws `bad_key_file`, naming the line and never
 * what stands in it, for a line that is not a key, for a key that is plainly not random, and for one that stands
 * twice, since to take away one of its lines would not take it away. Throws it for no key and for more than
 * {@link SHARED_KEY_COUNT_MAX}, too.
 */
export function parseSharedKeys(text: string): readonly Bytes[] {
  const keys: Bytes[] = [];
  for (const line of entryLines(text)) {
    // Before the line is read, so that a huge file is not compared with itself.
    if (keys.length === SHARED_KEY_COUNT_MAX) {
      throw new StxError("bad_key_file", `Cannot use more than ${SHARED_KEY_COUNT_MAX} shared keys`);
    }
    const key = parseLine(line.text);
    if (key === undefined) {
      throw badLine(line.number, "it is not a whole shared key", "copy the line whole, or make a key with");
    }
    if (isMadeUp(key)) throw badLine(line.number, "its key is not random", "make one with");
    if (keys.some((each) => equal(each, key))) {
      throw new StxError("bad_key_file", `Cannot use line ${line.number}: the same key stands above it`, {
        hint: "delete one of the two lines",
      });
    }
    keys.push(key);
  }
  if (keys.length === 0) {
    throw new StxError("bad_key_file", "There is no shared key in it", { hint: `make one with: ${MAKE}` });
  }
  return keys;
}

const MAKE = "stx keygen --psk";

function badLine(number: number, why: string, what: string): StxError {
  return new StxError("bad_key_file", `Cannot use line ${number}: ${why}`, {
    hint: `${what}: ${MAKE}; a passphrase cannot take its place`,
  });
}

/** The key of a line, `undefined` if it is not exactly what {@link formatSharedKey} writes. */
function parseLine(text: string): Bytes | undefined {
  // A dot stands for no line break, such as a lone carriage return: no comment hides another key.
  const encoded = /^stx-psk[ \t]+([^ \t]+)(?:[ \t].*)?$/.exec(text)?.[1];
  const key = encoded === undefined ? undefined : decodeBase64(encoded);
  return key?.length === SHARED_KEY_SIZE ? key : undefined;
}

/**
 * Says whether a key was made up by a person or left empty: bytes that repeat, that count up or down, or that are
 * ordinary characters, such as a passphrase in base64. Of random keys about one in 2^45 is taken for such.
 */
function isMadeUp(key: Bytes): boolean {
  const step = (key[1]! - key[0]!) & 0xff;
  return new Set(key).size < DIFFERENT_BYTES_MIN ||
    key.every((byte) => byte >= 0x20 && byte <= 0x7e) ||
    key.every((byte, index) => index === 0 || ((byte - key[index - 1]!) & 0xff) === step);
}
