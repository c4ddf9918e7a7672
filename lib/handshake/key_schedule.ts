/**
 * The key schedule, laid out as in TLS 1.3 (RFC 8446, section 7.1). Each stage is a type of its own, so that
 * nothing can be sealed with a key that does not exist yet. `XL` is `expandLabel`, `DS` is `deriveSecret`.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { deriveSecret, expandLabel, HASH_SIZE, hkdfExtract, hmacSha256, sha256 } from "../crypto/hkdf.ts";
import { SESSION_ID_SIZE } from "../wire/handshake_messages.ts";

const NOTHING: Bytes = new Uint8Array(0);
const ZEROS: Bytes = new Uint8Array(HASH_SIZE);

/** `HMAC(XL(secret, "finished", "", 32), transcript hash)`: the proof of knowing a secret. */
export function finishedMac(secret: Bytes, transcriptHash: Bytes): Bytes {
  return hmacSha256(expandLabel(secret, "finished", NOTHING, HASH_SIZE), transcriptHash);
}

/** What a shared key contributes: the first stage, which is there before the key agreement. */
export interface SharedKey {
  /** `ES = Extract(0^32, PSK)` */
  readonly early: Bytes;
  /** `XL(DS(ES, "psk binder", SHA-256("")), "finished", "", 32)`: the same for every handshake. */
  readonly binderKey: Bytes;
}

/**
 * Prepares a shared key for its handshakes.
 * @param psk 32 random bytes; the caller may overwrite them afterwards
 */
export function prepareSharedKey(psk: Bytes): SharedKey {
  const early = hkdfExtract(ZEROS, psk);
  const binder = deriveSecret(early, "psk binder", sha256());
  return { early, binderKey: expandLabel(binder, "finished", NOTHING, HASH_SIZE) };
}

/**
 * `binder = HMAC(binder key, TH0)`: HELLO's proof of knowing the shared key.
 * @param th0 SHA-256 of the HELLO frame less the binder
 */
export function binderFor(key: SharedKey, th0: Bytes): Bytes {
  return hmacSha256(key.binderKey, th0);
}

/** After the key agreement: what seals the handshake. */
export interface HandshakeSecrets {
  /** `c_hs = DS(HS, "c hs", TH2)` */
  readonly client: Bytes;
  /** `s_hs = DS(HS, "s hs", TH2)` */
  readonly server: Bytes;
  /** `MS = Extract(DS(HS, "derived", SHA-256("")), 0^32)` */
  readonly master: Bytes;
}

/**
 * `HS = Extract(DS(ES, "derived", SHA-256("")), shared secret)`, where ES is the shared key's in a mode that has
 * one, else `Extract(0^32, 0^32)`.
 * @param sharedSecret `ss_mlkem | ss_x25519`, 64 bytes
 * @param th2 the transcript up to WELCOME's clear part
 * @param sharedKey of the mode that WELCOME selects
 */
export function deriveHandshakeSecrets(
  sharedSecret: Bytes,
  th2: Bytes,
  sharedKey: SharedKey | undefined,
): HandshakeSecrets {
  const empty = sha256();
  const early = sharedKey?.early ?? hkdfExtract(ZEROS, ZEROS);
  const handshake = hkdfExtract(deriveSecret(early, "derived", empty), sharedSecret);
  const secrets = {
    client: deriveSecret(handshake, "c hs", th2),
    server: deriveSecret(handshake, "s hs", th2),
    master: hkdfExtract(deriveSecret(handshake, "derived", empty), ZEROS),
  };
  handshake.fill(0);
  return secrets;
}

/** After VERIFY: what protects the session. */
export interface SessionSecrets {
  /** `c_ap_0 = DS(MS, "c ap", TH8)` */
  readonly client: Bytes;
  /** `s_ap_0 = DS(MS, "s ap", TH8)` */
  readonly server: Bytes;
  /** `DS(MS, "ready", TH8)`, the key of READY's proof */
  readonly ready: Bytes;
  /** `XL(MS, "session id", TH8, 16)` */
  readonly sessionId: Bytes;
}

/** @param th8 the transcript up to VERIFY's proof */
export function deriveSessionSecrets(master: Bytes, th8: Bytes): SessionSecrets {
  return {
    client: deriveSecret(master, "c ap", th8),
    server: deriveSecret(master, "s ap", th8),
    ready: deriveSecret(master, "ready", th8),
    sessionId: expandLabel(master, "session id", th8, SESSION_ID_SIZE),
  };
}

/** `exporter = DS(MS, "exp", TH10)`: for whoever wants to bind something to the session. */
export function deriveExporter(master: Bytes, th10: Bytes): Bytes {
  return deriveSecret(master, "exp", th10);
}
