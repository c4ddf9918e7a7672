/**
 * The four messages of the handshake, HELLO, WELCOME, VERIFY and READY, as bytes and as values. What is sealed
 * is opened and sealed elsewhere; here are the plaintexts.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { CLIENT_SHARE_SIZE, SERVER_SHARE_SIZE } from "../limits.ts";
import { ByteReader, u16, u32, u64, u8, vector16, vector8 } from "./fields.ts";

const MAGIC = utf8("STX");
/** The protocol's version on the wire. */
export const VERSION = 1;
/** Bytes of a nonce in HELLO and WELCOME. */
export const HANDSHAKE_NONCE_SIZE = 32;
/** Bytes of an HMAC, a binder included. */
export const PROOF_SIZE = 32;
/** Bytes of an Ed25519 public key. */
export const IDENTITY_SIZE = 32;
/** Bytes of an Ed25519 signature. */
export const SIGNATURE_SIZE = 64;
/** Bytes of a session's name. */
export const SESSION_ID_SIZE = 16;

/** Numbers of the cipher suites. */
export const SUITE_NUMBERS = {
  /** AES-256-GCM (NIST SP 800-38D); every implementation has it. */
  "aes-256-gcm": 1,
  /** ChaCha20-Poly1305 (RFC 8439). */
  "chacha20-poly1305": 2,
} as const;
/** Numbers of the ways to authenticate. */
export const AUTH_MODE_NUMBERS = {
  /** The server's list of senders and the receivers that the client knows decide. */
  identity: 1,
  /** The shared key decides. Both ends prove an identity all the same. */
  psk: 2,
  /** Both must hold. */
  "identity+psk": 3,
} as const;
/** A way to authenticate. */
export type AuthMode = keyof typeof AUTH_MODE_NUMBERS;
/** Numbers of what a client wants to do. */
export const INTENT_NUMBERS = {
  /** To send files: the client is the sender, the server the receiver. */
  send: 1,
} as const;
/** What a client wants to do. */
export type Intent = keyof typeof INTENT_NUMBERS;

/** An extension: ignored by whoever does not know its type, but covered by the transcript. */
export interface Extension {
  readonly type: number;
  readonly data: Bytes;
}

/**
 * HELLO: `"STX" | version(1) | client_time(8) | client_nonce(32) | client_pubkey(1216) | suites: size(1), 2 each |
 * auth_modes: size(1), 1 each | extensions: size(2), each type(2) size(2) data [| binder(32)]`.
 * The binder is there if and only if a mode with a shared key is offered.
 */
export interface Hello {
  /** Seconds since 1970. */
  readonly clientTimeS: number;
  readonly clientNonce: Bytes;
  readonly clientShare: Bytes;
  /** Suite numbers, the client's favourite first. */
  readonly suites: readonly number[];
  /** Mode numbers, the client's favourite first. */
  readonly authModes: readonly number[];
  readonly extensions: readonly Extension[];
  readonly binder: Bytes | undefined;
}

function encodeExtensions(extensions: readonly Extension[]): Bytes {
  return vector16(concat(...extensions.map((each) => concat(u16(each.type), vector16(each.data)))));
}

function readExtensions(reader: ByteReader): readonly Extension[] {
  const inner = new ByteReader(reader.vector16(), "extensions");
  const extensions: Extension[] = [];
  let previous = -1;
  while (inner.remaining > 0) {
    const type = inner.u16();
    if (type <= previous) inner.fail(`extension ${type} does not come in ascending order`);
    previous = type;
    extensions.push({ type, data: inner.vector16() });
  }
  return extensions;
}

/** Says whether one of these modes rests on a shared key. */
export function usesSharedKey(authModes: readonly number[]): boolean {
  return authModes.some((mode) =>
    mode === AUTH_MODE_NUMBERS.psk || mode === AUTH_MODE_NUMBERS["identity+psk"]
  );
}

/** HELLO's body. */
export function encodeHello(hello: Hello): Bytes {
  return concat(
    MAGIC,
    u8(VERSION),
    u64(hello.clientTimeS),
    hello.clientNonce,
    hello.clientShare,
    vector8(concat(...hello.suites.map(u16))),
    vector8(Uint8Array.from(hello.authModes)),
    encodeExtensions(hello.extensions),
    hello.binder ?? new Uint8Array(0),
  );
}

/** Reads HELLO's body; throws `malformed`, or `unsupported_version` where it is of another version. */
export function decodeHello(body: Bytes): Hello {
  const reader = new ByteReader(body, "HELLO");
  const magic = reader.bytes(MAGIC.length);
  if (magic.some((byte, i) => byte !== MAGIC[i])) reader.fail("it does not begin with STX");
  const version = reader.u8();
  if (version !== VERSION) {
    throw new StxError(
      "unsupported_version",
      `Cannot read HELLO: its version is ${version}, expected ${VERSION}`,
      {
        hint: "use the same version of stx at both ends",
      },
    );
  }
  const clientTimeS = reader.u64();
  const clientNonce = reader.bytes(HANDSHAKE_NONCE_SIZE);
  const clientShare = reader.bytes(CLIENT_SHARE_SIZE);
  const suiteReader = new ByteReader(reader.vector8(), "the cipher suites");
  const suites: number[] = [];
  while (suiteReader.remaining > 0) suites.push(suiteReader.u16());
  const authModes = [...reader.vector8()];
  if (suites.length === 0 || authModes.length === 0) reader.fail("it offers no suite or no mode");
  const extensions = readExtensions(reader);
  const binder = usesSharedKey(authModes) ? reader.bytes(PROOF_SIZE) : undefined;
  reader.end();
  return { clientTimeS, clientNonce, clientShare, suites, authModes, extensions, binder };
}

/**
 * WELCOME's clear part: `server_time(8) | server_nonce(32) | server_pubkey(1120) | suite(2) | auth(1) |
 * extensions`. Its sealed part follows in the same frame.
 */
export interface Welcome {
  /** Seconds since 1970. */
  readonly serverTimeS: number;
  readonly serverNonce: Bytes;
  readonly serverShare: Bytes;
  readonly suite: number;
  readonly authMode: number;
  readonly extensions: readonly Extension[];
}

/** WELCOME's clear part. */
export function encodeWelcome(welcome: Welcome): Bytes {
  return concat(
    u64(welcome.serverTimeS),
    welcome.serverNonce,
    welcome.serverShare,
    u16(welcome.suite),
    u8(welcome.authMode),
    encodeExtensions(welcome.extensions),
  );
}

/** Reads WELCOME's body: its clear part as value and as bytes, and the sealed rest; throws `malformed`. */
export function decodeWelcome(body: Bytes): { welcome: Welcome; clear: Bytes; sealed: Bytes } {
  const reader = new ByteReader(body, "WELCOME");
  const welcome: Welcome = {
    serverTimeS: reader.u64(),
    serverNonce: reader.bytes(HANDSHAKE_NONCE_SIZE),
    serverShare: reader.bytes(SERVER_SHARE_SIZE),
    suite: reader.u16(),
    authMode: reader.u8(),
    extensions: readExtensions(reader),
  };
  const clear = body.slice(0, body.length - reader.remaining);
  return { welcome, clear, sealed: reader.rest() };
}

/** What WELCOME seals: `server_id(32) | server_signature(64) | server_finished(32)`. */
export interface ServerAuthentication {
  readonly serverId: Bytes;
  readonly signature: Bytes;
  readonly finished: Bytes;
}

/** Bytes of a {@link ServerAuthentication}. */
export const SERVER_AUTHENTICATION_SIZE = IDENTITY_SIZE + SIGNATURE_SIZE + PROOF_SIZE;

/** WELCOME's sealed part, before it is sealed. */
export function encodeServerAuthentication(value: ServerAuthentication): Bytes {
  return concat(value.serverId, value.signature, value.finished);
}

/** Reads WELCOME's sealed part once it is opened; throws `malformed`. */
export function decodeServerAuthentication(plaintext: Bytes): ServerAuthentication {
  const reader = new ByteReader(plaintext, "WELCOME's sealed part");
  const value = {
    serverId: reader.bytes(IDENTITY_SIZE),
    signature: reader.bytes(SIGNATURE_SIZE),
    finished: reader.bytes(PROOF_SIZE),
  };
  reader.end();
  return value;
}

/** VERIFY: `client_id(32) | intent(1) | client_signature(64) | client_proof(32)`, sealed whole. */
export interface Verify {
  readonly clientId: Bytes;
  readonly intent: number;
  readonly signature: Bytes;
  readonly proof: Bytes;
}

/** Bytes of a {@link Verify} before it is sealed. */
export const VERIFY_SIZE = IDENTITY_SIZE + 1 + SIGNATURE_SIZE + PROOF_SIZE;

/** VERIFY before it is sealed. */
export function encodeVerify(value: Verify): Bytes {
  return concat(value.clientId, u8(value.intent), value.signature, value.proof);
}

/** Reads VERIFY once it is opened; throws `malformed`. */
export function decodeVerify(plaintext: Bytes): Verify {
  const reader = new ByteReader(plaintext, "VERIFY");
  const value = {
    clientId: reader.bytes(IDENTITY_SIZE),
    intent: reader.u8(),
    signature: reader.bytes(SIGNATURE_SIZE),
    proof: reader.bytes(PROOF_SIZE),
  };
  reader.end();
  return value;
}

/** What READY allows: unacknowledged records and their bytes, in either direction. */
export interface SessionLimits {
  /** Records that may be unacknowledged. */
  readonly windowRecords: number;
  /** Their bytes, headers and tags included. */
  readonly windowSizeBytes: number;
}

/** A {@link SessionLimits} as READY carries it: `window_records(2) | window_bytes(4)`. */
export function encodeLimits(limits: SessionLimits): Bytes {
  return concat(u16(limits.windowRecords), u32(limits.windowSizeBytes));
}

/** READY: `session_id(16) | limits(6) | server_proof(32)`, sealed whole. */
export interface Ready {
  readonly sessionId: Bytes;
  readonly limits: SessionLimits;
  readonly proof: Bytes;
}

/** Bytes of a {@link Ready} before it is sealed. */
export const READY_SIZE = SESSION_ID_SIZE + 6 + PROOF_SIZE;

/** READY before it is sealed. */
export function encodeReady(value: Ready): Bytes {
  return concat(value.sessionId, encodeLimits(value.limits), value.proof);
}

/** Reads READY once it is opened; throws `malformed`. */
export function decodeReady(plaintext: Bytes): Ready {
  const reader = new ByteReader(plaintext, "READY");
  const value = {
    sessionId: reader.bytes(SESSION_ID_SIZE),
    limits: { windowRecords: reader.u16(), windowSizeBytes: reader.u32() },
    proof: reader.bytes(PROOF_SIZE),
  };
  reader.end();
  return value;
}
