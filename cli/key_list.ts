/**
 * `stx keys list`: every key that this machine has, trusts or revokes.
 * @module
 */
import { join } from "node:path";
import type { Bytes } from "../lib/bytes/bytes.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import type { AuthorizedKey } from "../lib/identity/authorized_keys.ts";
import { checkReceiver } from "../lib/identity/known_receivers.ts";
import { fingerprint, formatPublicKeyLine } from "../lib/identity/public_key.ts";
import { RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { type SenderLists, SenderRotations } from "../lib/identity/sender_rotations.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { KnownRotation, RotationStore } from "../lib/ports.ts";
import { MemoryRotationStore } from "../lib/store/memory_rotation_store.ts";
import { SqliteRotationStore } from "../lib/store/sqlite_rotation_store.ts";
import { SqliteState } from "../lib/store/sqlite_state.ts";
import type { Events } from "./events.ts";
import { identityPath } from "./key_files.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder, stateFolder } from "./paths.ts";
import { publicHalf, rotationPaths } from "./rotation_files.ts";
import type { Output } from "./terminal.ts";
import { readAuthorizedKeys, readKnownReceivers, readRevokedKeys } from "./trust_files.ts";
import { formatAddress } from "./values.ts";

type Key = Events["key"];

/** Where it looks. */
interface Places {
  readonly identity: string;
  readonly authorizedKeys: string;
  readonly knownReceivers: string;
  readonly revokedKeys: string;
  readonly state: string;
}

/**
 * Runs the action; returns the exit status. A file that cannot be used is an error at the end, and what the others say is
 * listed all the same: only without the revoked keys nothing would be true of any.
 */
export function listKeys(command: ParsedCommand, output: Output): number {
  const inConfig = (name: string, instead: string) => join(configFolder(instead), name);
  const places: Places = {
    identity: identityPath(valueOf(command, "identity")),
    authorizedKeys: valueOf(command, "authorized-keys") ??
      inConfig("authorized_keys", "--authorized-keys FILE"),
    knownReceivers: inConfig("known_receivers", "STX_CONFIG_DIR"),
    revokedKeys: valueOf(command, "revoked-keys") ?? inConfig("revoked_keys", "--revoked-keys FILE"),
    state: receiverState(command),
  };
  const isJson = isSet(command, "json");
  const section = (title: string, file: string, keys: readonly Key[], stillLetsIn?: ReadonlySet<Key>) => {
    if (isJson) return keys.forEach((key) => output.event("key", key));
    const lines = keys.map((key) => describe(key, stillLetsIn?.has(key) === true));
    output.print(`${title} (${file}):`, ...lines.length === 0 ? ["  none"] : lines);
  };
  const revoked = readRevokedKeys(places.revokedKeys) ?? new RevokedKeys();
  const failures: StxError[] = [];
  const orElse = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      failures.push(error);
      return otherwise;
    }
  };
  const list = orElse(() => readAuthorizedKeys(places.authorizedKeys), undefined);
  for (const warning of list?.warnings ?? []) output.warn(`${places.authorizedKeys}: ${warning}`);
  const store = orElse(() => readRotations(places.state), new MemoryRotationStore());
  const own = orElse(() => ownKeys(places.identity), []).map((key) => ({
    ...key,
    counts: key.counts && !revoked.hasFingerprint(key.fingerprint),
  }));
  section("This machine's identity", places.identity, own);
  const { keys, replaced } = senders(places.authorizedKeys, list?.keys ?? [], store, revoked);
  section("Senders that are let in", places.authorizedKeys, keys, replaced);
  section(
    "Known receivers",
    places.knownReceivers,
    orElse(() => receivers(places.knownReceivers, revoked), []),
  );
  section("Revoked keys", places.revokedKeys, revokedKeys(places.revokedKeys, revoked));
  section(
    "Changes that senders have announced",
    places.state,
    changes(places.state, list?.keys ?? [], store, revoked),
  );
  const last = failures.pop();
  for (const error of failures) output.error(error, { continues: true });
  return last === undefined ? 0 : output.error(last);
}

/** The receiver's memory, which knows of changes of its senders' keys. */
export function receiverState(command: ParsedCommand): string {
  return valueOf(command, "state") ?? join(stateFolder("--state FILE"), "recv.db");
}

/** A key of which nothing more is known. */
function plain(kind: Key["kind"], file: string, publicKey: Bytes): Key {
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

/** The key of an identity, and the one that is to follow it. */
export function ownKeys(identity: string): readonly Key[] {
  const { key, keyPublic, next, nextPublic } = rotationPaths(identity);
  return ([["identity", key, keyPublic], ["next", next, nextPublic]] as const).flatMap(
    ([kind, path, half]) => {
      const found = publicHalf(path, half);
      if (found === undefined) return [];
      const { publicKey, comment } = found;
      return [{ ...plain(kind, path, publicKey), comment: comment || null, counts: kind === "identity" }];
    },
  );
}

/** The keys of the list, and those of them that count no longer while their line lets in a key that follows them. */
function senders(
  file: string,
  list: readonly AuthorizedKey[],
  store: RotationStore,
  revoked: RevokedKeys,
): { keys: readonly Key[]; replaced: ReadonlySet<Key> } {
  const rotations = new SenderRotations(store);
  const nowMs = systemClock.nowMs();
  const replaced = new Set<Key>();
  const keys = list.map((line) => {
    const isRefused = rotations.refusal(revoked, line.publicKey) !== undefined;
    const key: Key = {
      ...plain("sender", file, line.publicKey),
      comment: line.comment || null,
      line: line.line,
      expiresMs: line.expiresMs ?? null,
      from: line.from?.text ?? null,
      counts: nowMs <= (line.expiresMs ?? Infinity) && !isRefused,
    };
    const letsIn = ({ newKey }: KnownRotation) => isLetIn(rotations, { keys: [line], revoked }, newKey);
    if (isRefused && store.list().some(letsIn)) replaced.add(key);
    return key;
  });
  return { keys, replaced };
}

function isLetIn(rotations: SenderRotations, lists: SenderLists, publicKey: Bytes): boolean {
  // From nowhere: a key that counts from some addresses counts.
  const verdict = rotations.judge(lists, publicKey, "", systemClock.nowMs());
  return verdict === "authorized" || verdict === "wrong_address";
}

function receivers(file: string, revoked: RevokedKeys): readonly Key[] {
  const entries = readKnownReceivers(file);
  const refused = entries.filter(({ kind }) => kind === "revoked");
  return entries.map((entry) => {
    if (entry.kind === "revoked") return plain("revoked", file, entry.publicKey);
    const { host, port, publicKey, follows } = entry;
    return {
      ...plain("receiver", file, publicKey),
      address: formatAddress(host, port),
      follows: follows?.fingerprints ?? [],
      counts: checkReceiver([...refused, entry], host, port, publicKey, revoked) === "known",
    };
  });
}

function revokedKeys(file: string, revoked: RevokedKeys): readonly Key[] {
  return revoked.entries.map(({ fingerprint, comment, line }) => ({
    kind: "revoked",
    fingerprint,
    publicKey: null,
    comment: comment || null,
    file,
    line,
    address: null,
    expiresMs: null,
    from: null,
    follows: [],
    counts: true,
  }));
}

function changes(
  file: string,
  list: readonly AuthorizedKey[],
  store: RotationStore,
  revoked: RevokedKeys,
): readonly Key[] {
  const rotations = new SenderRotations(store);
  return store.list().map(({ oldKey, newKey }) => ({
    ...plain("rotation", file, newKey),
    follows: [fingerprint(oldKey)],
    counts: isLetIn(rotations, { keys: list, revoked }, newKey),
  }));
}

/** What a receiver has learned, nothing if it has no memory yet; read whole, so that the file is free again at once. */
export function readRotations(path: string): RotationStore {
  const store = new MemoryRotationStore();
  if (readInfo(path) === undefined) return store;
  const state = new SqliteState(path);
  try {
    const rows: readonly KnownRotation[] = new SqliteRotationStore(state).list();
    for (const row of rows) store.save(row);
  } finally {
    state.close();
  }
  return store;
}

function readInfo(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw diskError(error, "look at", path);
  }
}

/**
 * A key as one line.
 * @param stillLetsIn whether its line in a list is needed all the same, for the key that follows it
 */
function describe(key: Key, stillLetsIn: boolean): string {
  const { kind, address, comment, line, expiresMs, from, follows, counts } = key;
  const words = [
    ...address === null ? [] : [address],
    key.fingerprint,
    ...comment === null ? [] : [comment],
    ...line === null ? [] : [`line ${line}`],
    ...expiresMs === null ? [] : [`until ${new Date(expiresMs).toISOString()}`],
    ...from === null ? [] : [`from ${from}`],
    ...follows.length === 0 ? [] : [`follows ${follows.join(", ")}`],
    ...kind === "next" ? ["not in use yet"] : counts ? [] : ["does not count"],
    ...stillLetsIn ? ["but lets in the key that follows it"] : [],
  ];
  return `  ${words.join(", ")}`;
}
