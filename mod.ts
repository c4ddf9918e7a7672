/**
 * STX/1 as a library: move files over any pair of byte streams, with both ends proved, everything encrypted, and
 * every cut resumable.
 *
 * {@link connect} and {@link accept} turn a {@link Duplex} into a {@link Channel}; {@link send} and {@link receive}
 * move files over it. A duplex is made of a TCP connection by {@link dial} and {@link connDuplex}, of any pair of Web
 * Streams by {@link streamDuplex}. The specification is docs/protocol.md.
 *
 * To import this module does nothing. What touches Deno are the functions for files ({@link openSource},
 * {@link openReceivingFolder}, {@link stdinSource}) and for sockets; where there is no Deno, a program brings its own
 * {@link Source} and {@link ReceivingFolder}.
 *
 * @example A file on its way between two identities, over a line in memory
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   accept,
 *   ActiveTransfers,
 *   connect,
 *   fingerprint,
 *   generateSeed,
 *   HelloGuard,
 *   identityFromSeed,
 *   makeManifest,
 *   MemoryNonceStore,
 *   MemoryTransferStore,
 *   openReceivingFolder,
 *   openSource,
 *   receive,
 *   send,
 *   streamDuplex,
 *   StxError,
 *   systemRandom,
 * } from "@stx/stx";
 *
 * const alice = await identityFromSeed(generateSeed(systemRandom));
 * const bob = await identityFromSeed(generateSeed(systemRandom));
 *
 * // What a receiver keeps for all its connections. A real one remembers in files: SqliteState.
 * const server = {
 *   identity: bob,
 *   guard: new HelloGuard(),
 *   nonces: new MemoryNonceStore(),
 *   authorize(key: Uint8Array<ArrayBuffer>) {
 *     if (fingerprint(key) === fingerprint(alice.publicKey)) return;
 *     throw new StxError("unauthorized", `Refused ${fingerprint(key)}`);
 *   },
 * };
 * const inbox = Deno.makeTempDirSync();
 * const place = {
 *   identity: bob,
 *   store: new MemoryTransferStore(),
 *   active: new ActiveTransfers(),
 *   folder: openReceivingFolder(inbox),
 *   folderPath: inbox,
 * };
 *
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 *
 * async function receiver() {
 *   const duplex = streamDuplex({ readable: there.readable, writable: back.writable });
 *   return await receive(await accept(duplex, server), place);
 * }
 *
 * async function sender(path: string) {
 *   const duplex = streamDuplex({ readable: back.readable, writable: there.writable });
 *   const channel = await connect(duplex, {
 *     identity: alice,
 *     checkServer(key) {
 *       if (fingerprint(key) === fingerprint(bob.publicKey)) return;
 *       throw new StxError("receiver_changed", `This is ${fingerprint(key)}`);
 *     },
 *   });
 *   const source = openSource([path], { followLinks: false, onWarning: () => {} });
 *   try {
 *     const manifest = makeManifest(source.entries, true);
 *     return await send(channel, { identity: alice.publicKey, manifest, source });
 *   } finally {
 *     source.close();
 *   }
 * }
 *
 * const outbox = Deno.makeTempDirSync();
 * Deno.writeTextFileSync(`${outbox}/letter.txt`, "Dear Bob");
 * const [receipt, received] = await Promise.all([sender(`${outbox}/letter.txt`), receiver()]);
 *
 * assert.deepEqual(received.topNames, { "letter.txt": "letter.txt" });
 * assert.deepEqual(receipt.facts.receiver, bob.publicKey);
 * assert.equal(Deno.readTextFileSync(`${inbox}/letter.txt`), "Dear Bob");
 *
 * for (const folder of [inbox, outbox]) Deno.removeSync(folder, { recursive: true });
 * ```
 * @module
 */
export type { Bytes } from "./lib/bytes/bytes.ts";
export { availableSuites, type Suite } from "./lib/crypto/suite.ts";
export { fastestFirst } from "./lib/crypto/measure.ts";
export { codeOf, type ErrorCode, StxError } from "./lib/errors.ts";
export { DiskSource, openSource } from "./lib/files/disk_source.ts";
export { DiskFolder, openReceivingFolder } from "./lib/files/receiving_folder.ts";
export { StdinSource, stdinSource } from "./lib/files/stdin_source.ts";
export type { Walk, WalkOptions } from "./lib/files/walk.ts";
export type { ClientOptions } from "./lib/handshake/client.ts";
export { HelloGuard } from "./lib/handshake/hello_guard.ts";
export { prepareSharedKey, type SharedKey } from "./lib/handshake/key_schedule.ts";
export type { ServerOptions } from "./lib/handshake/server.ts";
export type { AddressPattern, AddressPatterns } from "./lib/identity/address_patterns.ts";
export {
  type Authorization,
  type AuthorizedKey,
  type AuthorizedKeys,
  findAuthorized,
  parseAuthorizedKeys,
} from "./lib/identity/authorized_keys.ts";
export { generateSeed, identityFromSeed, verifySignature } from "./lib/identity/identity.ts";
export { formatPrivateKey, type ParsedPrivateKey, parsePrivateKey } from "./lib/identity/openssh_key.ts";
export { matchesPin, parsePeer, type PeerPin } from "./lib/identity/peer_pin.ts";
export {
  fingerprint,
  formatPublicKeyLine,
  parsePublicKeyLine,
  type PublicKeyLine,
} from "./lib/identity/public_key.ts";
export {
  formatRotation,
  parseRotation,
  type PeerRotation,
  signRotation,
  verifyRotation,
} from "./lib/identity/rotation.ts";
export { formatSharedKey, generateSharedKey, parseSharedKeys } from "./lib/identity/shared_key.ts";
export { agentIdentity, listAgentKeys } from "./lib/identity/ssh_agent.ts";
export { armorSshsig, verifySshsig, verifySshsigBlob } from "./lib/identity/sshsig.ts";
export { Admission } from "./lib/net/admission.ts";
export { Channel } from "./lib/net/channel.ts";
export { connect, type ConnectOptions } from "./lib/net/client.ts";
export { accept, type AcceptOptions } from "./lib/net/server.ts";
export type { Rotations } from "./lib/net/connection.ts";
export { type ByteStreams, streamDuplex } from "./lib/net/stream_duplex.ts";
export { connDuplex, dial, dialUnix, listen, systemClock, systemRandom } from "./lib/net/tcp.ts";
export { receive, type ReceiveOptions, send, type SendOptions } from "./lib/net/transfers.ts";
export type {
  Clock,
  ConflictPolicy,
  Duplex,
  Entry,
  Identity,
  KnownRotation,
  NonceStore,
  PartialTransfer,
  Placement,
  Random,
  ReceivingFolder,
  RotationStore,
  Source,
  StoredTransfer,
  TransferStore,
} from "./lib/ports.ts";
export { MemoryNonceStore } from "./lib/store/memory_nonce_store.ts";
export { MemoryRotationStore } from "./lib/store/memory_rotation_store.ts";
export { MemoryTransferStore } from "./lib/store/memory_transfer_store.ts";
export { SqliteNonceStore } from "./lib/store/sqlite_nonce_store.ts";
export { SqliteRotationStore } from "./lib/store/sqlite_rotation_store.ts";
export { SqliteFile, type SqliteLayout } from "./lib/store/sqlite_file.ts";
export { SqliteState } from "./lib/store/sqlite_state.ts";
export { SqliteTransferStore } from "./lib/store/sqlite_transfer_store.ts";
export { ActiveTransfers } from "./lib/transfer/active_transfers.ts";
export type { TransferChannel } from "./lib/transfer/channel.ts";
export {
  ManifestBudget,
  type ManifestBudgetLimits,
  type ManifestShare,
} from "./lib/transfer/manifest_budget.ts";
export { makeManifest, type Manifest } from "./lib/transfer/manifest.ts";
export { RECEIPT_NAMESPACE, type ReceiptFacts, receiptText } from "./lib/transfer/receipt.ts";
export { receiveTransfer } from "./lib/transfer/receiver.ts";
export type { ReceivedTransfer, ReceiverEvent, ReceiverOptions } from "./lib/transfer/receiver_options.ts";
export { recoverTransfers, type RecoveryOptions } from "./lib/transfer/recovery.ts";
export { RetryPolicy } from "./lib/transfer/retry.ts";
export {
  type SenderEvent,
  type SenderOptions,
  sendTransfer,
  type SentReceipt,
} from "./lib/transfer/sender.ts";
export { type Alert, ALERTS } from "./lib/wire/alert.ts";
export {
  AUTH_MODE_NUMBERS,
  type AuthMode,
  type Intent,
  INTENT_NUMBERS,
  type SessionLimits,
} from "./lib/wire/handshake_messages.ts";
export { type Message, MESSAGE_TYPES, type MessageType, type Rotation } from "./lib/wire/message.ts";
