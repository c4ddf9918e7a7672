/**
 * What both ends of a handshake share: the signatures' contexts and what is handed on once it is done.
 * @module
 */
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import type { Suite } from "../crypto/suite.ts";
import { StxError } from "../errors.ts";
import type { Identity } from "../ports.ts";
import type { AuthMode, Intent, SessionLimits } from "../wire/handshake_messages.ts";

/** Keys and names of a session, from VERIFY on. */
export interface SessionKeys {
  readonly suite: Suite;
  /** Traffic secret of what this end sends. */
  readonly sendSecret: Bytes;
  /** Traffic secret of what this end receives. */
  readonly receiveSecret: Bytes;
  /** 16 bytes, the same at both ends, secret from others. */
  readonly sessionId: Bytes;
  /** The peer's verified Ed25519 public key. */
  readonly peerIdentity: Bytes;
  readonly intent: Intent;
  /** How the two ends have proved themselves. */
  readonly authMode: AuthMode;
  /**
   * The number that the server's guard has given to HELLO: which of two sessions is the older one, however long somebody
   * on the way has held back the rest of it. 0 at the client.
   */
  readonly helloNumber: number;
}

/** What a handshake machine reports. */
export type HandshakeEvent =
  /** Client alone: VERIFY is out; early messages may follow under these keys. */
  | { readonly kind: "verified"; readonly keys: SessionKeys }
  /** Both proofs hold. */
  | {
    readonly kind: "open";
    readonly keys: SessionKeys;
    readonly limits: SessionLimits;
    /** 32 bytes that both ends share, for binding something to this session. */
    readonly exporter: Bytes;
    /** What arrived behind the handshake: the first bytes of records. */
    readonly rest: Bytes;
  };

const PADDING = new Uint8Array(64).fill(0x20);

/**
 * What is signed: `0x20^64 | "STX/1 <role> handshake" | 0 | transcript hash`, as in RFC 8446, section 4.4.3, so
 * that a signature made here fits nowhere else.
 */
export function signedContent(role: "client" | "server", transcriptHash: Bytes): Bytes {
  return concat(PADDING, utf8(`STX/1 ${role} handshake`), Uint8Array.of(0), transcriptHash);
}

/**
 * Throws `bad_identity` if the peer shows our own identity. Where both ends hold one shared key, somebody in
 * between could otherwise let an end talk to itself.
 */
export function refuseReflection(peerIdentity: Bytes, own: Identity): void {
  if (!equal(peerIdentity, own.publicKey)) return;
  throw new StxError("bad_identity", "The peer has the same identity as this end: this may be a reflection", {
    hint: "with a shared key, both ends need identities of their own; --identity names another one",
  });
}

/**
 * Throws `usage` if a function that refuses by throwing has returned something. TypeScript takes `false`, and a promise
 * that nobody waits for, where nothing is to be returned: either would let everybody in.
 */
export function refuseAnswer(name: "authorize" | "checkServer", answer: unknown): void {
  if (answer === undefined) return;
  if (answer instanceof Promise) answer.catch(() => {});
  throw new StxError("usage", `Cannot use ${name}: it has returned something`, {
    hint: "it says no by throwing, at once, and yes by returning nothing",
  });
}
