/**
 * Files of trust on disk: who may send here, which receivers are known.
 * @module
 */
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { type AuthorizedKeys, parseAuthorizedKeys } from "../lib/identity/authorized_keys.ts";
import {
  formatReceiverLine,
  parseKnownReceivers,
  type ReceiverEntry,
} from "../lib/identity/known_receivers.ts";
import { parsePeer, type PeerPin } from "../lib/identity/peer_pin.ts";
import { parsePublicKeyLine } from "../lib/identity/public_key.ts";
import type { Identity } from "../lib/ports.ts";
import { inFile, quoted, readText, replaceFile, rereading } from "./key_files.ts";

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
  const before = readText(path, "the known receivers")?.text ?? "";
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  replaceFile(path, `${before}${separator}${formatReceiverLine(host, port, publicKey)}\n`, 0o600);
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
