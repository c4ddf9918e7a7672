/**
 * A change of identity on this machine's disk, beside the private key FILE: the new key in FILE.next and FILE.next.pub
 * until it takes its place, and the statement for the peers in FILE.rotation.
 * @module
 */
import { type Bytes, equal } from "../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { generateSeed, identityFromSeed } from "../lib/identity/identity.ts";
import { formatPrivateKey, parsePrivateKey } from "../lib/identity/openssh_key.ts";
import { formatPublicKeyLine, parsePublicKeyLine } from "../lib/identity/public_key.ts";
import { formatRotation, parseRotation, signRotation, verifyRotation } from "../lib/identity/rotation.ts";
import { systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { Rotation } from "../lib/wire/message.ts";
import {
  inFile,
  loadIdentity,
  quoted,
  readText,
  refuseIfReadable,
  rereading,
  throughLink,
} from "./key_files.ts";
import { replaceFile } from "./replace_file.ts";
import type { Output } from "./terminal.ts";

/** The files of one identity. */
export interface RotationPaths {
  /** The private key in use. */
  readonly key: string;
  readonly keyPublic: string;
  /** The one that is to follow it. */
  readonly next: string;
  readonly nextPublic: string;
  /** The statement that both have signed. */
  readonly statement: string;
}

/** The files beside the one that `--identity` names, which may be the public half of a key in ssh-agent. */
export function rotationPaths(identity: string): RotationPaths {
  const key = identity.replace(/\.pub$/, "");
  return {
    key,
    keyPublic: `${key}.pub`,
    next: `${key}.next`,
    nextPublic: `${key}.next.pub`,
    statement: `${key}.rotation`,
  };
}

/** What a change consists of. */
export interface Change {
  readonly oldKey: Bytes;
  readonly newKey: Bytes;
}

/**
 * Makes the next key of an identity, and the statement that the sessions of the present one announce from now on. Throws
 * `exists` if there is one already, unless `force` is given.
 */
export async function beginRotation(identityFile: string, force: boolean): Promise<Change> {
  const paths = rotationPaths(identityFile);
  const { key, next, nextPublic } = paths;
  refuseLink(key);
  const old = await loadIdentity(identityFile);
  if (!force) {
    for (const path of [next, nextPublic]) {
      if (!exists(path)) continue;
      throw new StxError("exists", `Will not overwrite the key ${path}: a change of identity is under way`, {
        hint: "finish it with --finish, or give --force to begin anew with another key",
      });
    }
  }
  const comment = commentOf(publicLineOf(paths.keyPublic));
  const seed = generateSeed(systemRandom);
  const identity = await identityFromSeed(seed);
  const privateText = formatPrivateKey(seed, comment);
  seed.fill(0);
  // Before anything is written: the old key may be in an agent, which can refuse.
  const statement = await signRotation(old, identity, systemClock.nowMs());
  replaceFile(next, privateText, 0o600);
  replaceFile(nextPublic, `${formatPublicKeyLine(identity.publicKey, comment)}\n`, 0o644);
  replaceFile(paths.statement, formatRotation(statement), 0o644);
  return { oldKey: old.publicKey, newKey: identity.publicKey };
}

/**
 * Puts the next key in the place of the present one, which is gone then; the statement stays. After a crash at any
 * point, calling it again does the rest. Throws `usage` if nothing is to be done, `bad_key_file` if the files do not
 * belong together.
 */
export function finishRotation(identityFile: string): Change {
  const paths = rotationPaths(identityFile);
  const { key, keyPublic, next, nextPublic, statement } = paths;
  refuseLink(key);
  const rotation = readStatement(statement)?.rotation;
  const nextKey = publicKeyOf(next);
  const present = publicHalf(key, keyPublic)?.publicKey;
  const isHalfDone = nextKey === undefined && exists(nextPublic) && is(present, rotation?.newKey);
  if (nextKey === undefined && !isHalfDone) {
    throw new StxError("usage", `There is no change of ${key} to finish: there is no ${next}`, {
      hint: "begin one with: stx keys rotate",
    });
  }
  if (
    rotation === undefined || (!isHalfDone && !(is(nextKey, rotation.newKey) && is(present, rotation.oldKey)))
  ) {
    throw new StxError(
      "bad_key_file",
      `Cannot finish the change of ${key}: ${statement} is not about these keys`,
      {
        hint: "begin anew with: stx keys rotate --force",
      },
    );
  }
  const line = publicLineOf(nextPublic);
  const comment = commentOf(is(line?.publicKey, rotation.newKey) ? line : undefined);
  if (!isHalfDone) rename(next, key);
  replaceFile(keyPublic, `${formatPublicKeyLine(rotation.newKey, comment)}\n`, 0o644);
  remove(nextPublic);
  return rotation;
}

/**
 * The statement that an identity announces, read again when its file changes; `undefined` while there is none. One that
 * cannot be used, or is about other keys, is warned of and not announced: no transfer fails for it.
 * @param publicKey the identity's own key
 */
export function ownRotationReader(
  identityFile: string,
  publicKey: Bytes,
  output: Output,
): () => Bytes | undefined {
  const path = rotationPaths(identityFile).statement;
  return rereading(path, () => {
    try {
      const found = readStatement(path);
      if (found === undefined) return undefined;
      const { rotation, statement } = found;
      if (is(publicKey, rotation.oldKey) || is(publicKey, rotation.newKey)) return statement;
      output.warn(
        `${path} is about other keys than the one in use, so it is not announced: start a receiver again after ` +
          "stx keys rotate --finish, or delete the file",
      );
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      output.warn(`cannot announce the change of this identity: ${(error as Error).message}`);
    }
    return undefined;
  });
}

/** Reads and verifies a statement; `undefined` if there is none. Throws `bad_key_file`. */
export function readStatement(path: string): { statement: Bytes; rotation: Rotation } | undefined {
  const file = readText(path, "the change of identity");
  if (file === undefined) return undefined;
  return inFile(path, () => {
    try {
      const statement = parseRotation(file.text) ?? new Uint8Array(0);
      return { statement, rotation: verifyRotation(statement) };
    } catch (cause) {
      throw new StxError("bad_key_file", "Cannot use it: it is no statement of a change of identity", {
        hint: `delete it, or begin anew with: stx keys rotate --force`,
        cause,
      });
    }
  });
}

function is(one: Bytes | undefined, other: Bytes | undefined): boolean {
  return one !== undefined && other !== undefined && equal(one, other);
}

/** The public half of a private key's file, locked or not; `undefined` if there is no file. */
function publicKeyOf(path: string): Bytes | undefined {
  const file = readText(path, "the private key");
  if (file === undefined) return undefined;
  refuseIfReadable(path, file.mode, "the private key");
  const parsed = inFile(path, () => parsePrivateKey(file.text));
  if (parsed.kind === "plain") parsed.seed.fill(0);
  return parsed.publicKey;
}

/**
 * The public half of an identity whose files are these: of its private key, or, where an agent alone has that, of the
 * other. The comment is the other's, if the two belong together. `undefined` if there is neither.
 */
export function publicHalf(
  key: string,
  keyPublic: string,
): { readonly publicKey: Bytes; readonly comment: string } | undefined {
  const publicKey = publicKeyOf(key);
  const line = publicLineOf(keyPublic);
  if (publicKey === undefined) return line;
  return { publicKey, comment: is(publicKey, line?.publicKey) ? line!.comment : "" };
}

/** What a `.pub` file says; `undefined` if there is none, or none that can be read. */
function publicLineOf(path: string): { publicKey: Bytes; comment: string } | undefined {
  const file = readText(path, "the public key");
  try {
    return file === undefined ? undefined : parsePublicKeyLine(file.text);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

function commentOf(line: { readonly comment: string } | undefined): string {
  const comment = line?.comment ?? "";
  return comment === "" || /\p{Cc}|\p{Zl}|\p{Zp}/u.test(comment) ? "stx" : comment;
}

/** Replacing a link would leave the old key where the link led. */
function refuseLink(path: string): void {
  if (!look(path)?.isSymlink) return;
  throw new StxError("bad_key_file", `Cannot change the identity ${path}: it is a symbolic link`, {
    hint: `name the file itself with --identity ${quoted(throughLink(path))}`,
  });
}

function exists(path: string): boolean {
  return look(path) !== undefined;
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
}

function rename(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    throw diskError(error, "replace", to);
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw diskError(error, "remove", path);
  }
}
