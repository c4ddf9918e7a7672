/**
 * A change of identity: a statement that one key follows another, signed by both. It is shown to peers inside open
 * sessions, as the message ROTATION, so that whoever trusts the old key learns of the new one without pairing again.
 *
 * Layout, 200 bytes, integers big-endian:
 *
 * ```
 * old_key(32) | new_key(32) | time(8) | old_signature(64) | new_signature(64)
 * ```
 *
 * The keys are Ed25519 public keys and differ. The time is when the new key was made, in milliseconds since 1970, at
 * most 8.64e15: of two new keys for one old key the later counts. Both signatures are Ed25519 (RFC 8032) over the same
 * 160 bytes:
 *
 * ```
 * 0x20^64 | "STX/1 identity rotation" | 0 | old_key | new_key | time
 * ```
 *
 * The words keep them from fitting anywhere else, as in a handshake. The old key's says who follows it; the new key's,
 * that its owner agrees, so that nobody can make a stranger's key their successor.
 *
 * A statement proves nothing about who shows it. An end takes it only from a peer whose identity, as the handshake has
 * proved it, is one of the two keys: from the old one it learns what will be, from the new one that it has come about.
 * @module
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { CLOCK_SKEW_MAX_MS } from "../limits.ts";
import type { Identity } from "../ports.ts";
import { u64 } from "../wire/fields.ts";
import { decodeRotation, encodeRotation, type Rotation } from "../wire/message.ts";
import { assertValidPublicKey, fingerprint } from "./public_key.ts";
import { unwrapArmor, wrapArmor } from "./ssh_encoding.ts";

/** A change of identity that a peer has announced, verified. */
export interface PeerRotation extends Rotation {
  /** The 200 bytes that were signed for. */
  readonly statement: Bytes;
  /** Which of the two keys the peer has proved to hold. */
  readonly shownBy: "old" | "new";
}

/** Changes from a key that somebody has put into a list to the last one that is trusted for it: then it is renewed. */
export const ROTATION_CHAIN_MAX = 16;

const LABEL = "STX IDENTITY ROTATION";
const CONTEXT = concat(
  new Uint8Array(64).fill(0x20),
  utf8("STX/1 identity rotation"),
  Uint8Array.of(0),
);

function signedContent(oldKey: Bytes, newKey: Bytes, timeMs: number): Bytes {
  return concat(CONTEXT, oldKey, newKey, u64(timeMs));
}

/**
 * Makes a statement that `next` follows `old`; either may be a key in ssh-agent, whose failure it rejects with.
 * @param timeMs when `next` was made, in milliseconds since 1970
 */
export async function signRotation(old: Identity, next: Identity, timeMs: number): Promise<Bytes> {
  const content = signedContent(old.publicKey, next.publicKey, timeMs);
  return encodeRotation({
    oldKey: old.publicKey,
    newKey: next.publicKey,
    timeMs,
    oldSignature: await old.sign(content),
    newSignature: await next.sign(content),
  });
}

/**
 * Reads a statement and verifies both signatures. Throws `malformed` if it is not one, `bad_identity` if a key is no
 * safe Ed25519 key, and `bad_signature`.
 */
export function verifyRotation(statement: Bytes): Rotation {
  const rotation = decodeRotation(statement);
  const { oldKey, newKey, timeMs, oldSignature, newSignature } = rotation;
  if (equal(oldKey, newKey)) {
    throw new StxError("malformed", "Cannot accept a change of identity: its two keys are the same");
  }
  // The library takes signatures under keys of small order, which anybody can make.
  assertValidPublicKey(oldKey);
  assertValidPublicKey(newKey);
  const content = signedContent(oldKey, newKey, timeMs);
  // Not WebCrypto's: whether a sender is let in is decided without waiting, and rests on this.
  if (!isSigned(oldKey, content, oldSignature) || !isSigned(newKey, content, newSignature)) {
    throw new StxError(
      "bad_signature",
      "Cannot accept a change of identity: one of its signatures is not valid",
    );
  }
  return rotation;
}

function isSigned(publicKey: Bytes, content: Bytes, signature: Bytes): boolean {
  return ed25519.verify(signature, content, publicKey, { zip215: false });
}

/**
 * Reads and verifies what a peer announces. Throws as {@link verifyRotation}, and `bad_identity` if neither key is the
 * peer's: somebody shows a statement that was given to them by another.
 * @param peerIdentity the key that the peer has proved to hold
 */
export function verifyPeerRotation(statement: Bytes, peerIdentity: Bytes): PeerRotation {
  const rotation = verifyRotation(statement);
  const isOld = equal(rotation.oldKey, peerIdentity);
  if (!isOld && !equal(rotation.newKey, peerIdentity)) {
    throw new StxError(
      "bad_identity",
      `Cannot accept a change of identity: it is about other keys than the peer's, ${
        fingerprint(peerIdentity)
      }`,
    );
  }
  return { ...rotation, statement: statement.slice(), shownBy: isOld ? "old" : "new" };
}

/**
 * Says whether a change is dated further ahead than clocks differ. It is not taken then: the successor of a stolen key
 * would win over every one that the owner makes.
 */
export function isDatedAhead(rotation: Rotation, nowMs: number): boolean {
  return rotation.timeMs > nowMs + CLOCK_SKEW_MAX_MS;
}

/** A statement as the text of a file. */
export function formatRotation(statement: Bytes): string {
  return wrapArmor(LABEL, statement);
}

/** The statement in such a text, not verified; `undefined` if it is none. */
export function parseRotation(text: string): Bytes | undefined {
  return unwrapArmor(LABEL, text);
}
