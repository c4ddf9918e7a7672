/**
 * Shared keys: 32 random bytes that two machines hold, as text files.
 *
 * A line is `stx-psk <base64 of the 32 bytes> [comment]`, with spaces or tabs between; empty lines and lines that
 * begin with `#` are passed over. A receiver's file may hold several keys, such as one for each sender.
 * @module
 */
import { type Bytes, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { SHARED_KEY_COUNT_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";
import { formatSecretLine, isMadeUp, parseSecretLine, SECRET_SIZE } from "./secret_line.ts";
import { entryLines } from "./ssh_encoding.ts";

/** Bytes of a shared key. */
export const SHARED_KEY_SIZE = SECRET_SIZE;

/** The word before each key. */
const TYPE = "stx-psk";

/** A fresh shared key: 32 secret bytes; whoever gets it wipes it. */
export function generateSharedKey(random: Random): Bytes {
  return random.bytes(SHARED_KEY_SIZE);
}

/**
 * A shared key as a line of its file, without a line break. Throws `usage` for a comment that is not one line, and
 * `bad_key_file` for bytes that {@link parseSharedKeys} would refuse.
 */
export function formatSharedKey(key: Bytes, comment: string): string {
  return formatSecretLine("a shared key", { words: [TYPE], secret: key, comment });
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
  const line = parseSecretLine(utf8(text), 1);
  return line?.words[0] === TYPE ? line.secret : undefined;
}
