/**
 * `stx keys`: lists, trusts, revokes and rotates keys.
 * @module
 */
import { join } from "node:path";
import { type Bytes, equal } from "../lib/bytes/bytes.ts";
import { escapeControls } from "../lib/bytes/escape.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { parseAuthorizedKeys } from "../lib/identity/authorized_keys.ts";
import { formatReceiverLine, linesFor, parseKnownReceivers } from "../lib/identity/known_receivers.ts";
import { parsePeer } from "../lib/identity/peer_pin.ts";
import {
  fingerprint,
  formatPublicKeyLine,
  KEY_TYPE,
  parsePublicKeyLine,
} from "../lib/identity/public_key.ts";
import { parseRevokedKeys, RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { SenderRotations } from "../lib/identity/sender_rotations.ts";
import { entryLines } from "../lib/identity/ssh_encoding.ts";
import { systemClock } from "../lib/net/tcp.ts";
import { type Action, checkAction } from "./actions.ts";
import { identityPath, inFile, quoted, readText } from "./key_files.ts";
import { listKeys, ownKeys, readRotations, receiverState } from "./key_list.ts";
import { isSet, keyWithoutQuotes, type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder } from "./paths.ts";
import { beginRotation, finishRotation, rotationPaths } from "./rotation_files.ts";
import type { Output } from "./terminal.ts";
import { readRevokedKeys, rewrite, withLine } from "./trust_files.ts";
import { type Address, formatAddress, parseRemoteAddress } from "./values.ts";

type ActionName = "list" | "trust" | "revoke" | "rotate";

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  list: {
    usage: "stx keys list [--json]",
    words: [],
    flags: ["identity", "authorized-keys", "revoked-keys", "state"],
  },
  trust: {
    usage: "stx keys trust KEY [HOST[:PORT]]",
    words: ["KEY"],
    moreWords: 1,
    flags: ["authorized-keys", "revoked-keys", "state", "force"],
  },
  revoke: { usage: "stx keys revoke KEY", words: ["KEY"], flags: ["revoked-keys"] },
  rotate: {
    usage: "stx keys rotate [--finish|--force] [--identity FILE]",
    words: [],
    flags: ["identity", "finish", "force"],
  },
};

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const [action, key, host] = command.positionals as [ActionName, string?, string?];
  checkWords(ACTIONS[action], command);
  switch (action) {
    case "list":
      return listKeys(command, output);
    case "trust":
      checkTrust(command, host);
      if (host === undefined) trustSender(command, readKey(key!), output);
      else trustReceiver(command, readKey(key!), parseRemoteAddress(host, "the receiver's address"), output);
      return 0;
    case "revoke":
      revoke(command, readKey(key!), output);
      return 0;
    case "rotate":
      await rotate(command, output);
      return 0;
  }
}

function checkWords(action: Action, command: ParsedCommand): void {
  const hint = `Usage: ${action.usage}`;
  if (command.positionals[1] === KEY_TYPE) throw keyWithoutQuotes(hint);
  checkAction(action, command);
  if (isSet(command, "finish") && isSet(command, "force")) {
    throw new StxError("usage", "Options --finish and --force exclude each other", { hint });
  }
}

/** A sender and a receiver are trusted in different files, and only for a receiver there can be another key. */
function checkTrust(command: ParsedCommand, host: string | undefined): void {
  const hint = `Usage: ${ACTIONS.trust.usage}`;
  if (host === undefined && isSet(command, "force")) {
    throw new StxError("usage", "Option --force is for a receiver, whose HOST is missing", { hint });
  }
  if (host !== undefined && command.values.has("authorized-keys")) {
    throw new StxError("usage", "Option --authorized-keys is for a sender, who has no HOST", { hint });
  }
  if (host !== undefined && command.values.has("state")) {
    throw new StxError("usage", "Option --state is for a sender, who has no HOST", { hint });
  }
}

/** A key as KEY names it: whole, or by its fingerprint alone. */
interface NamedKey {
  readonly fingerprint: string;
  readonly publicKey: Bytes | undefined;
  readonly comment: string;
}

function readKey(text: string): NamedKey {
  const pin = parsePeer(text);
  if (pin?.kind === "fingerprint") {
    return { fingerprint: pin.fingerprint, publicKey: undefined, comment: "" };
  }
  const { publicKey, comment } = pin === undefined ? readKeyFile(text) : parsePublicKeyLine(text);
  return { fingerprint: fingerprint(publicKey), publicKey, comment };
}

function readKeyFile(path: string): { publicKey: Bytes; comment: string } {
  const file = readText(path, "the public key");
  if (file === undefined) {
    throw new StxError(
      "bad_key_file",
      `Cannot use ${escapeControls(path)}: it is no key, no fingerprint, and there is no such file`,
      { hint: 'give a file such as id_ed25519.pub, or the key itself in quotes: "ssh-ed25519 AAAA..."' },
    );
  }
  return inFile(path, () => parsePublicKeyLine(file.text));
}

/** The whole key; throws `usage` where only its fingerprint was given. */
function wholeKey(key: NamedKey): Bytes {
  if (key.publicKey !== undefined) return key.publicKey;
  throw new StxError("usage", "Cannot trust a fingerprint alone: the list holds whole public keys", {
    hint: "give the .pub file of the key; for a receiver, stx send --peer takes the fingerprint",
  });
}

function revokedPath(command: ParsedCommand): string {
  return valueOf(command, "revoked-keys") ?? join(configFolder("--revoked-keys FILE"), "revoked_keys");
}

function refuseRevoked(command: ParsedCommand, key: NamedKey): void {
  const path = revokedPath(command);
  const entry = readRevokedKeys(path)?.entries.find((each) => each.fingerprint === key.fingerprint);
  if (entry === undefined) return;
  throw new StxError(
    "unauthorized",
    `Will not trust ${key.fingerprint}: it is revoked in line ${entry.line} of ${path}`,
    {
      hint: "take that line out if it was a mistake",
    },
  );
}

function trustSender(command: ParsedCommand, key: NamedKey, output: Output): void {
  const publicKey = wholeKey(key);
  refuseRevoked(command, key);
  const path = valueOf(command, "authorized-keys") ??
    join(configFolder("--authorized-keys FILE"), "authorized_keys");
  const line = formatPublicKeyLine(publicKey, key.comment);
  let before: number | undefined;
  rewrite(path, "the authorized keys", (text) => {
    const lines = parseAuthorizedKeys(text).keys.filter((each) => equal(each.publicKey, publicKey));
    before = lines[0]?.line;
    if (before === undefined) return withLine(text, line);
    const nowMs = systemClock.nowMs();
    if (lines.every(({ expiresMs }) => expiresMs !== undefined && expiresMs < nowMs)) {
      throw new StxError(
        "exists",
        `Will not trust ${key.fingerprint}: it has expired in line ${before} of ${path}`,
        {
          hint: "change the expiry-time there, or delete the line and try again",
        },
      );
    }
    return text;
  });
  const successor = successorOf(command, publicKey, output);
  if (successor !== undefined) {
    output.warn(
      `${key.fingerprint} may not send here, although it stands in ${path}: ${successor} has replaced it; ` +
        "stx keys list shows which key follows which",
    );
    return;
  }
  output.info(
    before === undefined
      ? `${key.fingerprint} may send here: added to ${path}.`
      : `${key.fingerprint} stands in line ${before} of ${path} already; its options, if any, were left as they are.`,
  );
}

/** The key that counts in the place of a sender's, as far as this machine's receiver knows. */
function successorOf(command: ParsedCommand, publicKey: Bytes, output: Output): string | undefined {
  try {
    const store = readRotations(receiverState(command));
    const rotations = new SenderRotations(store);
    // The revoked keys were looked through before.
    if (rotations.refusal(new RevokedKeys(), publicKey) !== "replaced") return undefined;
    const row = store.list().find(({ oldKey, isComplete }) => isComplete && equal(oldKey, publicKey));
    return fingerprint(row!.newKey);
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
    // Where nobody knows of a memory, nobody knows of a change.
    if (error.code !== "usage") {
      output.warn(`cannot tell whether another key has replaced this one: ${error.message}`);
    }
    return undefined;
  }
}

function trustReceiver(command: ParsedCommand, key: NamedKey, address: Address, output: Output): void {
  const publicKey = wholeKey(key);
  refuseRevoked(command, key);
  const { host, port } = address;
  const path = join(configFolder("STX_CONFIG_DIR"), "known_receivers");
  const line = formatReceiverLine(host, port, publicKey);
  rewrite(path, "the known receivers", (text) => {
    const entries = inFile(path, () => parseKnownReceivers(text));
    if (entries.some((entry) => entry.kind === "revoked" && equal(entry.publicKey, publicKey))) {
      throw new StxError("unauthorized", `Will not trust ${key.fingerprint}: it is revoked in ${path}`, {
        hint: "take that line out if it was a mistake",
      });
    }
    const known = linesFor(entries, host, port);
    const others = known.filter((entry) => !equal(entry.publicKey, publicKey));
    if (others.length > 0 && !isSet(command, "force")) {
      throw new StxError(
        "exists",
        `Will not trust ${key.fingerprint} for ${formatAddress(host, port)}: another key is known for it, ` +
          fingerprint(others[0]!.publicKey),
        { hint: "give --force if the receiver has a new key and you have compared it" },
      );
    }
    if (others.length === 0 && known.some(({ follows }) => follows === undefined)) return text;
    // A line that its receiver has brought about becomes one that somebody has entered.
    const numbers = entryLines(text).filter((_, index) =>
      (known as readonly unknown[]).includes(entries[index])
    )
      .map(({ number }) => number);
    return withLine(text.split("\n").filter((_, index) => !numbers.includes(index + 1)).join("\n"), line);
  });
  output.info(`${key.fingerprint} is the receiver at ${formatAddress(host, port)}: remembered in ${path}.`);
}

function revoke(command: ParsedCommand, key: NamedKey, output: Output): void {
  const path = revokedPath(command);
  const line = key.publicKey === undefined
    ? key.fingerprint
    : formatPublicKeyLine(key.publicKey, key.comment);
  const isNew = rewrite(path, "the revoked keys", (text) => {
    const revoked = inFile(path, () => parseRevokedKeys(text));
    return revoked.hasFingerprint(key.fingerprint) ? text : withLine(text, line);
  });
  output.info(
    isNew
      ? `${key.fingerprint} is revoked in ${path}: it is refused from the next connection on, and so is every key ` +
        "that is trusted only because it has followed this one."
      : `${key.fingerprint} is revoked in ${path} already.`,
  );
  if (isOwn(key)) {
    output.warn("that is this machine's own key: others trust it until they revoke it too");
  }
}

/** Whether a key is that of this machine's identity, as far as its files may be read. */
function isOwn(key: NamedKey): boolean {
  try {
    return ownKeys(identityPath(undefined)).some((own) => own.fingerprint === key.fingerprint);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}

async function rotate(command: ParsedCommand, output: Output): Promise<void> {
  const option = valueOf(command, "identity");
  const identity = identityPath(option);
  const { key, next } = rotationPaths(identity);
  const print = (newKey: Bytes) => {
    if (!isSet(command, "json")) output.print(fingerprint(newKey));
    for (const each of ownKeys(identity)) output.event("key", each);
  };
  if (isSet(command, "finish")) {
    const { oldKey, newKey } = finishRotation(identity);
    output.info(`${key} is now the key ${fingerprint(newKey)}; ${fingerprint(oldKey)} is gone.`);
    output.info("Start a stx recv that runs with it again; ssh-agent needs the new key with ssh-add.");
    print(newKey);
    return;
  }
  const { newKey } = await beginRotation(identity, isSet(command, "force"));
  const finish = ["stx keys rotate --finish", ...option === undefined ? [] : ["--identity", quoted(option)]];
  output.info(`Next key:     ${next}, without a passphrase`);
  output.info(`Until then:   ${key} stays in use, and its sessions announce the change`);
  output.info(`When all who know this identity have met it: ${finish.join(" ")}`);
  if (option !== undefined) {
    output.warn(
      `--finish deletes the key ${key}: if ssh or git use it too, give ${next}.pub to their servers first`,
    );
  }
  print(newKey);
}
