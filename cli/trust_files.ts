/**
 * Files of trust on disk: who may send here, which receivers are known, which keys are revoked.
 * @module
 */
import { join } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { type AuthorizedKeys, parseAuthorizedKeys } from "../lib/identity/authorized_keys.ts";
import {
  formatReceiverLine,
  parseKnownReceivers,
  type ReceiverEntry,
} from "../lib/identity/known_receivers.ts";
import { parsePeer, type PeerPin } from "../lib/identity/peer_pin.ts";
import { parsePublicKeyLine } from "../lib/identity/public_key.ts";
import { parseRevokedKeys, RevokedKeys } from "../lib/identity/revoked_keys.ts";
import type { Identity } from "../lib/ports.ts";
import { inFile, quoted, readText, replaceFile, rereading } from "./key_files.ts";
import { configFolder } from "./paths.ts";

const WRITABLE_BY_OTHERS = 0o022;

/** As {@link readAuthorizedKeys}, and {@link rereading} it. */
export function authorizedKeysReader(path: string): () => AuthorizedKeys["keys"] {
  return rereading(path, () => readAuthorizedKeys(path)?.keys ?? []);
}

/** Reads an authorized_keys file; `undefined` if there is none. Throws `bad_trust_file` if others may change it. */
export function readAuthorizedKeys(path: string): AuthorizedKeys | undefined {
  const file = readText(path, "the authorized keys");
  if (file === undefined) return undefined;
  refuseIfWritable(path, file.mode);
  return parseAuthorizedKeys(file.text);
}

/** Reads the known receivers; there are none where there is no file. */
export function readKnownReceivers(path: string): readonly ReceiverEntry[] {
  const file = readText(path, "the known receivers");
  if (file === undefined) return [];
  refuseIfWritable(path, file.mode);
  return inFile(path, () => parseKnownReceivers(file.text));
}

function refuseIfWritable(path: string, mode: number | null): void {
  if (mode === null || (mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new StxError(
    "bad_trust_file",
    `Will not trust ${escapeControls(path)}: others may change it (mode ${(mode & 0o777).toString(8)})`,
    { hint: `run: chmod go-w ${quoted(path)}` },
  );
}

/** Adds a receiver to the known ones. */
export function rememberReceiver(
  path: string,
  host: string,
  port: number,
  publicKey: Identity["publicKey"],
): void {
  const line = formatReceiverLine(host, port, publicKey);
  rewrite(path, "the known receivers", (text) => withLine(text, line));
}

/**
 * Reads a list of revoked keys; `undefined` if there is none. Throws `bad_trust_file` if others may change it or a line
 * cannot be read: nobody is trusted then.
 */
export function readRevokedKeys(path: string): RevokedKeys | undefined {
  const file = readText(path, "the revoked keys");
  if (file === undefined) return undefined;
  refuseIfWritable(path, file.mode);
  return inFile(path, () => parseRevokedKeys(file.text));
}

/**
 * The revoked keys, read for every connection: from the file of `--revoked-keys`, which must exist, or from the one in
 * the configuration folder, if there is any. Throws `bad_trust_file` at once, and whenever it is called, for a file that
 * cannot be used.
 */
export function revokedKeysReader(option: string | undefined): () => RevokedKeys {
  const path = option ?? defaultRevokedKeys();
  if (path === undefined) return () => new RevokedKeys();
  const read = rereading(path, () => {
    const revoked = readRevokedKeys(path);
    if (revoked === undefined && option !== undefined) {
      throw new StxError(
        "bad_trust_file",
        `Cannot read the revoked keys ${escapeControls(path)}: there is no such file`,
        { hint: "it holds public keys or fingerprints, one a line; an empty one revokes none" },
      );
    }
    return revoked ?? new RevokedKeys();
  });
  read();
  return read;
}

/** Where the list is unless the command line says; `undefined` where there is no configuration folder to look in. */
function defaultRevokedKeys(): string | undefined {
  try {
    return join(configFolder("--revoked-keys FILE"), "revoked_keys");
  } catch (error) {
    if (codeOf(error) !== "usage") throw error;
    return undefined;
  }
}

/**
 * Rewrites a file of trust, whole or not at all, and only if something changes; makes it if there is none. A symbolic
 * link stays one. Returns whether it was written. Throws `bad_trust_file` if others may change it.
 */
export function rewrite(path: string, what: string, change: (text: string) => string): boolean {
  const target = isLink(path) ? targetOf(path) : path;
  const file = readText(target, what);
  if (file !== undefined) refuseIfWritable(target, file.mode);
  const text = change(file?.text ?? "");
  if (text === (file?.text ?? "")) return false;
  replaceFile(target, text, (file?.mode ?? 0o600) & 0o777);
  return true;
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    // Missing or out of reach: reading it says so.
    return false;
  }
}

function targetOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    throw diskError(error, "follow the link", path);
  }
}

/** A text with one line more. */
export function withLine(text: string, line: string): string {
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
}

/** What `--peer` names: a key, a fingerprint, or a file with a public key. */
export function readPeer(option: string): PeerPin {
  const pin = parsePeer(option);
  if (pin !== undefined) return pin;
  const file = readText(option, "the receiver's public key");
  if (file === undefined) {
    throw new StxError(
      "bad_key_file",
      `Cannot use --peer ${escapeControls(option)}: it is no key, no fingerprint, and there is no such file`,
      { hint: "give the fingerprint that the receiver prints, SHA256:..." },
    );
  }
  return { kind: "key", publicKey: inFile(option, () => parsePublicKeyLine(file.text.trim())).publicKey };
}
