/**
 * `stx recv`: waits for senders and puts what they send into a folder.
 * @module
 */
import { join, resolve } from "node:path";
import { toHex } from "../lib/bytes/bytes.ts";
import { keepLargeBlocks } from "../lib/bytes/memory.ts";
import { availableSuites } from "../lib/crypto/suite.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { removeLeftovers } from "../lib/files/leftovers.ts";
import { openReceivingFolder } from "../lib/files/receiving_folder.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import { SenderRotations } from "../lib/identity/sender_rotations.ts";
import { listen, systemClock } from "../lib/net/tcp.ts";
import type { ConflictPolicy, Identity, TransferStore } from "../lib/ports.ts";
import { SqliteNonceStore } from "../lib/store/sqlite_nonce_store.ts";
import { SqliteRotationStore } from "../lib/store/sqlite_rotation_store.ts";
import { SqliteState } from "../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../lib/store/sqlite_transfer_store.ts";
import { recoverTransfers, UNFINISHED_AGE_MAX_MS } from "../lib/transfer/recovery.ts";
import { receiverModes } from "./auth_modes.ts";
import { identityPath, ownIdentity, quoted } from "./key_files.ts";
import { makeFolder } from "./replace_file.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder, stateFolder } from "./paths.ts";
import { reachableHost } from "./reachable_host.ts";
import { ReceiveService } from "./receive_service.ts";
import { ownRotationReader } from "./rotation_files.ts";
import { SenderTrust } from "./sender_trust.ts";
import { readSharedKeys, sharedKeysReader } from "./shared_key_files.ts";
import { onStopSignal, statusOf, type StopSignal } from "./signals.ts";
import type { Output } from "./terminal.ts";
import { authorizedKeysReader, readAuthorizedKeys, revokedKeysReader } from "./trust_files.ts";
import { DEFAULT_PORT, formatAddress, parseListenAddress, parseSize } from "./values.ts";

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  keepLargeBlocks();
  const address = parseListenAddress(valueOf(command, "listen") ?? `0.0.0.0:${DEFAULT_PORT}`, "--listen");
  // The table of commands lists the choices, so nothing else comes through.
  const conflict = (valueOf(command, "on-conflict") ?? "refuse") as ConflictPolicy;
  const maxSize = valueOf(command, "max-size");
  const maxSizeBytes = maxSize === undefined ? Infinity : parseSize(maxSize, "--max-size");
  const folderPath = resolve(valueOf(command, "dir") ?? ".");
  const pskFile = valueOf(command, "psk-file");
  const authModes = receiverModes({
    auth: valueOf(command, "auth"),
    hasSharedKeys: pskFile !== undefined,
    hasAuthorizedKeysOption: valueOf(command, "authorized-keys") !== undefined,
  });
  const identity = await ownIdentity(valueOf(command, "identity"), output);
  const identityFile = identityPath(valueOf(command, "identity"));
  const usesList = authModes.some((mode) => mode !== "psk");
  const keysPath = usesList ? authorizedKeysPath(valueOf(command, "authorized-keys")) : undefined;
  // Read now too, so that a file which cannot be used is an error at once and not when the first sender comes.
  const readRevoked = revokedKeysReader(valueOf(command, "revoked-keys"));
  if (pskFile !== undefined) readSharedKeys(pskFile);
  const folder = openReceivingFolder(folderPath);
  checkWritable(folderPath);
  const state = new SqliteState(statePath(valueOf(command, "state")));
  try {
    // All of them now, so that a file which lacks something is an error before anybody is told where to send.
    const store = new SqliteTransferStore(state);
    const nonces = new SqliteNonceStore(state);
    const rotations = new SqliteRotationStore(state);
    const left = { identity: identity.publicKey, store, folder, folderPath, clock: systemClock };
    for (const error of await recoverTransfers(left)) {
      output.error(error, { continues: true });
    }
    removeLeftovers(folder.path, {
      known: unfinishedNames(store),
      partialAgeMaxMs: UNFINISHED_AGE_MAX_MS,
      nowMs: systemClock.nowMs(),
    });
    const listener = listen(address.host, address.port);
    const withSharedKey = authModes.includes("identity") ? undefined : pskFile;
    announce(listener.addr as Deno.NetAddr, identity, withSharedKey, folderPath, output);
    if (keysPath !== undefined) warnOfKeys(keysPath, output);
    const trust = new SenderTrust({
      readKeys: keysPath === undefined ? () => [] : authorizedKeysReader(keysPath),
      readRevoked,
      rotations: new SenderRotations(rotations),
      output,
    });
    const service = new ReceiveService({
      listener,
      identity,
      suites: await availableSuites(),
      trust,
      readRotation: ownRotationReader(identityFile, identity.publicKey, output),
      authModes,
      readSharedKeys: pskFile === undefined ? () => [] : sharedKeysReader(pskFile),
      nonces,
      store,
      folder,
      folderPath,
      conflict,
      maxSizeBytes,
      allowDotfiles: isSet(command, "allow-dotfiles"),
      once: isSet(command, "once"),
      output,
    });
    let stoppedBy: StopSignal | undefined;
    const ignore = onStopSignal((signal) => {
      stoppedBy = signal;
      output.info("Stopping: what has arrived is kept, senders can continue later.");
      service.stop();
    });
    await service.run();
    ignore();
    return stoppedBy === undefined ? 0 : statusOf(stoppedBy);
  } finally {
    state.close();
  }
}

function authorizedKeysPath(option: string | undefined): string {
  const path = option ?? join(configFolder("--authorized-keys FILE"), "authorized_keys");
  if (readAuthorizedKeys(path) === undefined && option !== undefined) {
    throw new StxError("bad_trust_file", `Cannot read the authorized keys ${path}: there is no such file`, {
      hint: "it holds the public keys of the senders, one a line, as in ~/.ssh/authorized_keys",
    });
  }
  return path;
}

function warnOfKeys(path: string, output: Output): void {
  const keys = readAuthorizedKeys(path);
  for (const warning of keys?.warnings ?? []) output.warn(`${path}: ${warning}`);
  if ((keys?.keys.length ?? 0) === 0) {
    output.warn(`no sender is authorized yet: put their public keys into ${path}, one a line`);
  }
}

/** What the folders of transfers are called that are not in place yet, by whatever path the folder was named then. */
function unfinishedNames(store: TransferStore): ReadonlySet<string> {
  const rows = [...store.list("receiving"), ...store.list("committing")];
  return new Set(rows.map(({ transferId }) => toHex(transferId)));
}

/** Finds out before the first sender comes, not when its first byte arrives. */
function checkWritable(folderPath: string): void {
  try {
    Deno.removeSync(Deno.makeTempDirSync({ dir: folderPath, prefix: ".stx-" }));
  } catch (error) {
    throw diskError(error, "write into the folder", folderPath);
  }
}

function statePath(option: string | undefined): string {
  if (option !== undefined) return option;
  const folder = stateFolder("--state FILE");
  makeFolder(folder);
  return join(folder, "recv.db");
}

/** Says where senders find this receiver, how they recognise it, and what they type. */
function announce(
  bound: Deno.NetAddr,
  identity: Identity,
  pskFile: string | undefined,
  folderPath: string,
  output: Output,
): void {
  const ownFingerprint = fingerprint(identity.publicKey);
  const host = reachableHost(bound.hostname);
  const to = bound.port === DEFAULT_PORT && !host.includes(":") ? host : formatAddress(host, bound.port);
  const sharedKey = pskFile === undefined ? "" : ` --psk-file ${quoted(pskFile)}`;
  const command = `stx send --peer ${ownFingerprint}${sharedKey} PATH ${to}`;
  output.info(`Receiving into ${folderPath} on ${formatAddress(bound.hostname, bound.port)}`);
  output.info(`Fingerprint: ${ownFingerprint}`);
  output.info(`Send with:   ${command}`);
  output.event("listening", {
    address: bound.hostname,
    port: bound.port,
    fingerprint: ownFingerprint,
    command,
  });
}
