/**
 * An open session as the transfer sees it.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Message, MessageType } from "../wire/message.ts";

/** Sends and receives whole messages, in order and authenticated. */
export interface TransferChannel {
  /** The peer's verified Ed25519 public key. */
  readonly peerIdentity: Bytes;
  /** 16 bytes that name the session. */
  readonly sessionId: Bytes;
  /** Sends a message; throws the session's failure. */
  send(type: MessageType, body?: Bytes): void;
  /** Sends a message whose body begins at the sixth byte of `plaintext`, which may be used again at once. */
  sendInPlace(type: MessageType, plaintext: Bytes): void;
  /** Whether a message with a body of this size may be sent now. */
  hasRoom(bodySizeBytes: number): boolean;
  /** Resolves when a message with a body of this size may be sent; rejects with the session's failure. */
  room(bodySizeBytes: number): Promise<void>;
  /** The next message, whose body is the caller's own; rejects with the session's failure, also when the peer has closed its direction. */
  receive(): Promise<Message>;
}
