/**
 * `stx keys list`: every key that this machine trusts, revokes or has.
 * @module
 */
import { join } from "node:path";
import type { Bytes } from "../lib/bytes/bytes.ts";
import { parseKnownReceivers } from "../lib/identity/known_receivers.ts";
import { checkReceiver, type TrustedReceiver } from "../lib/identity/known_receivers.ts";
import { fingerprint, formatPublicKeyLine, parsePublicKeyLine } from "../lib/identity/public_key.ts";
import { RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { SenderRotations, type SenderVerdict } from "../lib/identity/sender_rotations.ts";
import { entryLines } from "../lib/identity/ssh_encoding.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { KnownRotation } from "../lib/ports.ts";
import { MemoryRotationStore } from "../lib/store/memory_rotation_store.ts";
import { SqliteRotationStore } from "../lib/store/sqlite_rotation_store.ts";
import { SqliteState } from "../lib/store/sqlite_state.ts";
import type { Events } from "./events.ts";
import { identityPath, inFile, readText } from "./key_files.ts";
import { type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder, stateFolder } from "./paths.ts";
import { rotationPaths } from "./rotation_files.ts";
import type { Output } from "./terminal.ts";
import { readAuthorizedKeys, readKnownReceivers, readRevokedKeys } from "./trust_files.ts";
import { formatAddress } from "./values.ts";

type Key = Events["key"];

/** Keys of one kind, with the heading under which people read them. */
interface Section {
  readonly title: string;
  readonly file: string;
  readonly keys: readonly Key[];
}

/** Runs the action. */
export function listKeys(command: ParsedCommand, output: Output): void {
  const revokedPath = valueOf(command, "revoked-keys") ?? join(configFolder("--revoked-keys FILE"), "revoked_keys");
  const revoked = readRevokedKeys(revokedPath) ?? new RevokedKeys();
  const statePath = valueOf(command, "state") ?? join(stateFolder("--state FILE"), "recv.db");
  const changes = readRotations(statePath);
  const sections = [
    ownKeys(identityPath(valueOf(command, "identity"))),
    senders(command, changes, revoked, output),
    receivers(revoked),
    revokedKeys(revokedPath, revoked),
    rotations(statePath, changes, revoked),
  ];
  for (const { title, file, keys } of sections) {
    output.info(`${title} (${file}):${keys.length === 0 ? " none" : ""}`);
    for (const key of keys) {
      output.event("key", key);
      if (!command.values.has("json")) output.print(`  ${describe(key)}`);
    }
  }
}

/** A key about which nothing is said yet. */
function blank(kind: Key["kind"], file: string, publicKey: Bytes): Key {
  return {
    kind,
    fingerprint: fingerprint(publicKey),
    publicKey: formatPublicKeyLine(publicKey, ""),
    comment: null,
    file,
    line: null,
    address: null,
    expiresMs: null,
    from: null,
    follows: [],
    counts: true,
  };
}

function ownKeys(identity: string): Section {
  const paths = rotationPaths(identity);
  const keys = ([["identity", paths.keyPublic], ["next", paths.nextPublic]] as const).flatMap(([kind, path]) => {
    const file = readText(path, "the public key");
    if (file === undefined) return [];
    const { publicKey, comment } = inFile(path, () => parsePublicKeyLine(file.text));
    return [{ ...blank(kind, path, publicKey), comment: comment || null, line: 1, counts: kind === "identity" }];
  });
  return { title: "Own identity", file: paths.key, keys };
}

function senders(
  command: ParsedCommand,
  changes: readonly KnownRotation[],
  revoked: RevokedKeys,
  output: Output,
): Section {
  const file = valueOf(command, "authorized-keys") ??
    join(configFolder("--authorized-keys FILE"), "authorized_keys");
  const list = readAuthorizedKeys(file);
  for (const warning of list?.warnings ?? []) output.warn(`${file}: ${warning}`);
  const store = new MemoryRotationStore();
  for (const change of changes) store.save(change);
  const judge = new SenderRotations(store);
  const nowMs = systemClock.nowMs();
  const keys = (list?.keys ?? []).map((key): Key => ({
    ...blank("sender", file, key.publicKey),
    comment: key.comment || null,
    line: key.line,
    expiresMs: key.expiresMs ?? null,
    from: key.from?.text ?? null,
    counts: (key.expiresMs ?? Infinity) >= nowMs && judge.refusal(revoked, key.publicKey) === undefined,
  }));
  return { title: "Senders that are let in", file, keys };
}

function receivers(revoked: RevokedKeys): Section {
  const file = join(configFolder("--peer"), "known_receivers");
  const entries = readKnownReceivers(file);
  const keys = entries.map((entry): Key => {
    const kind = entry.kind === "trusted" ? "receiver" : "revoked";
    const key = blank(kind, file, entry.publicKey);
    if (entry.kind === "revoked") return key;
    const { host, port, publicKey, follows } = entry;
    return {
      ...key,
      address: formatAddress(host, port),
      follows: follows?.fingerprints ?? [],
      counts: checkReceiver([...entries.filter((each) => each.kind === "revoked"), entry], host, port, publicKey, revoked) === "known",
    };
  });
  return { title: "Receivers that are known", file, keys };
}

function revokedKeys(file: string, revoked: RevokedKeys): Section {
  const keys = revoked.entries.map((entry): Key => ({
    kind: "revoked",
    fingerprint: entry.fingerprint,
    publicKey: null,
    comment: entry.comment || null,
    file,
    line: entry.line,
    address: null,
    expiresMs: null,
    from: null,
    follows: [],
    counts: true,
  }));
  return { title: "Revoked keys", file, keys };
}
