/**
 * Files of trust on disk: who may send here, which receivers are known, which keys are revoked.
 * @module
 */
import { join } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { codeOf, StxError } from "../lib/errors.ts";
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
import { inFile, quoted, readText, rereading, throughLink } from "./key_files.ts";
import { replaceWith } from "./replace_file.ts";
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
 * link stays one. Returns whether it was changed. Throws `bad_trust_file` if others may change it, or if it is not
 * text. `change` may be called twice: what another stx has written meanwhile is kept.
 */
export function rewrite(path: string, what: string, change: (text: string) => string): boolean {
  const target = throughLink(path);
  const read = () => {
    const file = readText(target, what);
    if (file === undefined) return { text: "", mode: 0o600 };
    refuseIfWritable(target, file.mode);
    if (file.text.includes("\ufffd")) throw notText(target);
    return { text: file.text, mode: file.mode ?? 0o600 };
  };
  const { text, mode } = read();
  if (change(text) === text) return false;
  let isChanged = false;
  replaceWith(target, mode & 0o777, () => {
    const found = read().text;
    const changed = change(found);
    isChanged = changed !== found;
    return changed;
  });
  return isChanged;
}

/** What cannot be decoded would be lost, in another program's line for example. */
function notText(path: string): StxError {
  return new StxError(
    "bad_trust_file",
    `Will not change ${
      escapeControls(path)
    }: it has a character that is not UTF-8, or U+FFFD in place of one`,
    { hint: "Correct it in an editor." },
  );
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
