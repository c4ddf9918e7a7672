/**
 * STX/1 as a library: move files over any pair of byte streams, with both ends proved, everything encrypted, and
 * every cut resumable.
 *
 * {@link connect} and {@link accept} turn a {@link Duplex} into a {@link Channel}; {@link sendTransfer} and
 * {@link receiveTransfer} move files over it. The specification is docs/protocol.md.
 *
 * @example Two identities and a signature
 * ```ts
 * import { generateSeed, identityFromSeed, systemRandom, verifySignature } from "./mod.ts";
 *
 * const identity = await identityFromSeed(generateSeed(systemRandom));
 * const message = new TextEncoder().encode("hello");
 * const signature = await identity.sign(message);
 * if (!await verifySignature(identity.publicKey, message, signature)) throw new Error("not valid");
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
export { type ClientOptions } from "./lib/handshake/client.ts";
export { type ServerOptions } from "./lib/handshake/server.ts";
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
export {
  fingerprint,
  formatPublicKeyLine,
  parsePublicKeyLine,
  type PublicKeyLine,
} from "./lib/identity/public_key.ts";
export { armorSshsig, verifySshsig, verifySshsigBlob } from "./lib/identity/sshsig.ts";
export { Channel } from "./lib/net/channel.ts";
export { connect } from "./lib/net/client.ts";
export { accept } from "./lib/net/server.ts";
export { type ByteStreams, streamDuplex } from "./lib/net/stream_duplex.ts";
export { connDuplex, dial, listen, systemClock, systemRandom } from "./lib/net/tcp.ts";
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
export { SqliteState } from "./lib/store/sqlite_state.ts";
export { SqliteTransferStore } from "./lib/store/sqlite_transfer_store.ts";
export type { TransferChannel } from "./lib/transfer/channel.ts";
export { makeManifest, type Manifest } from "./lib/transfer/manifest.ts";
export { type ReceiptFacts, receiptText } from "./lib/transfer/receipt.ts";
export { receiveTransfer } from "./lib/transfer/receiver.ts";
export type { ReceivedTransfer, ReceiverEvent, ReceiverOptions } from "./lib/transfer/receiver_options.ts";
export { recoverTransfers, type RecoveryOptions } from "./lib/transfer/recovery.ts";
export {
  type SenderEvent,
  type SenderOptions,
  sendTransfer,
  type SentReceipt,
} from "./lib/transfer/sender.ts";
export { type Alert, ALERTS } from "./lib/wire/alert.ts";
export { type Intent, INTENT_NUMBERS, type SessionLimits } from "./lib/wire/handshake_messages.ts";
export { type Message, MESSAGE_TYPES, type MessageType } from "./lib/wire/message.ts";
