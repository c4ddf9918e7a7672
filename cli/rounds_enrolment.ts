/**
 * `stx rounds enroll`, `revoke` and `list`: who may take part.
 * @module
 */
import { escapeControls } from "../lib/bytes/escape.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { ROUNDS_CLIENTS_MAX, ROUNDS_ID_SIZE_MAX } from "../lib/limits.ts";
import { systemRandom } from "../lib/net/tcp.ts";
import type { RoundsKeyStore } from "../lib/ports.ts";
import { isClientId } from "../lib/rounds/packet.ts";
import { deriveRoot, SALT_SIZE } from "../lib/rounds/root.ts";
import { quoted, refuseIfExists } from "./key_files.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import {
  openOrMakeRoundsKeys,
  openRoundsKeys,
  readBaseKey,
  readClientKey,
  writeClientKey,
} from "./rounds_key_files.ts";
import { nearest } from "./suggest.ts";
import type { Output } from "./terminal.ts";

/**
 * Enrols a client: first its file is on the disk under another name, then the server knows the key, then the file gets
 * its own. A crash in between leaves the client as it was before, or enrolled without a file, which the next attempt
 * says; at no time are there two keys that the server takes.
 */
export function enroll(id: string, command: ParsedCommand, output: Output): void {
  checkId(id);
  const out = valueOf(command, "out")!;
  const database = valueOf(command, "keys")!;
  const force = isSet(command, "force");
  const baseKey = readBaseKey(valueOf(command, "base-key")!);
  const salt = systemRandom.bytes(SALT_SIZE);
  const root = deriveRoot(baseKey, id, salt);
  baseKey.fill(0);
  try {
    if (force) refuseIfForeign(out, id);
    else refuseIfExists(out);
    const keys = openOrMakeRoundsKeys(database);
    try {
      checkPlace(keys, id, database, force);
      writeClientKey(out, { id, epoch: 0, root, comment: "" }, () => keys.enroll(id, root));
    } finally {
      keys.close();
    }
  } finally {
    root.fill(0);
  }
  if (!isSet(command, "json")) output.print(out);
  output.event("client", { id, epoch: "0" });
  output.info(`${id} may take part: it is enrolled in ${database}.`);
  output.info(
    "Move the file to the client over a channel that is already safe, such as scp, and keep no copy. Then",
  );
  output.info(`join with: stx rounds join HOST:PORT --key ${quoted(out)}`);
}

function checkId(id: string): void {
  if (isClientId(id)) return;
  throw new StxError("usage", `Cannot use the name "${escapeControls(id)}" for a client`, {
    hint: `write 1 to ${ROUNDS_ID_SIZE_MAX} letters, digits, dots, dashes and underscores`,
  });
}

/** Throws `exists` for a client that is enrolled, `limit_exceeded` for one more than there may be. */
function checkPlace(keys: RoundsKeyStore, id: string, database: string, force: boolean): void {
  const clients = keys.list();
  if (clients.some((client) => client.id === id)) {
    if (force) return;
    throw new StxError(
      "exists",
      `Will not enroll ${id}: it is enrolled in ${escapeControls(database)} already`,
      {
        hint: "give --force to enroll it again; its key file so far is useless then",
      },
    );
  }
  if (clients.length < ROUNDS_CLIENTS_MAX) return;
  throw new StxError("limit_exceeded", `Will not enroll ${id}: there are ${clients.length} clients already`, {
    hint: "revoke one that is gone, or begin another database with another server",
  });
}

/** Throws `exists` if a file is anything but a key of this client: --force is not meant for that. */
function refuseIfForeign(path: string, id: string): void {
  try {
    const key = readClientKey(path);
    key.root.fill(0);
    if (key.id === id) return;
  } catch (error) {
    if (codeOf(error) !== "bad_key_file") throw error;
    // There is none: nothing is in the way.
    if (!exists(path)) return;
  }
  throw new StxError("exists", `Will not overwrite ${escapeControls(path)}: it is not a key of ${id}`, {
    hint: "choose another name with --out, or delete that file first",
  });
}

function exists(path: string): boolean {
  try {
    refuseIfExists(path);
    return false;
  } catch {
    return true;
  }
}

/** Revokes a client. Throws `usage` if there is none of that name. */
export function revoke(id: string, command: ParsedCommand, output: Output): void {
  const database = valueOf(command, "keys")!;
  const keys = openRoundsKeys(database);
  try {
    if (!keys.revoke(id)) {
      const meant = nearest(id, keys.list().map((client) => client.id));
      const list = `see: stx rounds list --keys ${quoted(database)}`;
      throw new StxError(
        "usage",
        `Cannot revoke "${escapeControls(id)}": no client of that name is enrolled in ${
          escapeControls(database)
        }`,
        { hint: meant === undefined ? list : `did you mean ${meant}? ${list}` },
      );
    }
  } finally {
    keys.close();
  }
  output.info(`${id} is revoked: it is refused from its next connection on.`);
  output.info("A session that it has open goes on until it ends; to end it, start stx rounds serve again.");
}

/** Lists who is enrolled. */
export function list(command: ParsedCommand, output: Output): void {
  const keys = openRoundsKeys(valueOf(command, "keys")!);
  try {
    const clients = keys.list();
    if (clients.length === 0) output.info("No client is enrolled.");
    for (const { id, epoch } of clients) {
      if (isSet(command, "json")) output.event("client", { id, epoch: String(epoch) });
      else output.print(`${id}, epoch ${epoch}`);
    }
  } finally {
    keys.close();
  }
}
