/**
 * The files of the rounds protocol's keys, as text of one line:
 *
 * - a server's base key: `stx-base-key <base64 of the 32 bytes> [comment]`
 * - a client's key: `stx-rounds-key <id> <epoch> <base64 of the root, 32 bytes> [comment]`; the epoch is the one of the
 *   client's next session, in decimal
 *
 * Words are separated by spaces or tabs; empty lines and lines that begin with `#` are passed over. They are read as
 * bytes, which whoever reads them can overwrite: a client's file is replaced at every session, so that nobody finds the
 * root of a session under way in it, and a copy in memory would be worth as much.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { formatSecretLine, isMadeUp, parseSecretLine, type SecretLine } from "../identity/secret_line.ts";
import { COUNTER_MAX, isClientId } from "./packet.ts";

const BASE_TYPE = "stx-base-key";
const CLIENT_TYPE = "stx-rounds-key";

/** What a client's file holds. */
export interface ClientKey {
  readonly id: string;
  /** The epoch of the next session; {@link COUNTER_MAX} + 1 where there can be none. */
  readonly epoch: number;
  /** The root of that epoch, 32 bytes; whoever gets it wipes it. */
  readonly root: Bytes;
  /** In one line; empty if there is none. Escape it before printing. */
  readonly comment: string;
}

/**
 * A base key as a line, without a line break. Throws `usage` for a comment that is not one line, and `bad_key_file` for
 * bytes that {@link parseBaseKey} would refuse.
 */
export function formatBaseKey(key: Bytes, comment: string): string {
  return formatSecretLine("a base key", { words: [BASE_TYPE], secret: key, comment });
}

/**
 * The base key in a file; whoever gets it wipes it. Throws `bad_key_file`, which never tells what stands in the file, for
 * anything but one line with a key, and for a key that is plainly not random.
 */
export function parseBaseKey(file: Bytes): Bytes {
  const line = onlyLine(file, 1);
  const hint = "copy it whole, or make one with: stx keygen --base-key; a passphrase cannot take its place";
  if (line?.words[0] !== BASE_TYPE) throw badFile("it is not a whole base key", hint);
  if (isMadeUp(line.secret)) throw badFile("its key is not random", hint);
  return line.secret;
}

/** A client's key as a line, without a line break. Throws as {@link formatBaseKey}. */
export function formatClientKey({ id, epoch, root, comment }: ClientKey): string {
  const words = [CLIENT_TYPE, id, String(epoch)];
  return formatSecretLine("a client's key", { words, secret: root, comment });
}

/**
 * The client's key in a file. Throws `bad_key_file`, which never tells what stands in the file, for anything but one
 * line with a key, and for a root that was wiped or made up.
 */
export function parseClientKey(file: Bytes): ClientKey {
  const line = onlyLine(file, 3);
  const [type, id, epoch] = line?.words ?? [];
  const hint = "copy it whole from where the client was enrolled, or enroll the client again";
  if (
    line === undefined || type !== CLIENT_TYPE || !isClientId(id!) ||
    !/^(?:0|[1-9][0-9]{0,9})$/.test(epoch!) ||
    Number(epoch) > COUNTER_MAX + 1
  ) throw badFile("it is not a whole client's key", hint);
  if (isMadeUp(line.secret)) throw badFile("its key is not random", hint);
  // What a comment of a person's own may have, and a line that is written again may not.
  const comment = line.comment.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
  return { id: id!, epoch: Number(epoch), root: line.secret, comment };
}

function badFile(why: string, hint: string): StxError {
  return new StxError("bad_key_file", `Cannot use the file: ${why}`, { hint });
}

/** The one line of a file that says something; `undefined` if there is none, more than one, or it is no secret's. */
function onlyLine(file: Bytes, wordCount: number): SecretLine | undefined {
  let only: Bytes | undefined;
  for (let start = 0, end; start <= file.length; start = end + 1) {
    end = file.indexOf(LINE_FEED, start);
    if (end < 0) end = file.length;
    const line = trimmed(file.subarray(start, end));
    if (line.length === 0 || line[0] === NUMBER_SIGN) continue;
    if (only !== undefined) return undefined;
    only = line;
  }
  return only === undefined ? undefined : parseSecretLine(only, wordCount);
}

const LINE_FEED = 0x0a;
const NUMBER_SIGN = 0x23;

/** Without the spaces, tabs and carriage returns at its ends. */
function trimmed(line: Bytes): Bytes {
  const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0x09 || byte === 0x0d;
  let [start, end] = [0, line.length];
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  return line.subarray(start, end);
}
