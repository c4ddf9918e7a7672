/**
 * The first design of STX, followed to the letter: its handshake. `seed_stx_keys.ts` has its keys, `seed_stx_transfer.ts`
 * its blocks. Nobody can send a file with it but the attack simulator, which plays on it what it plays on STX/1.
 *
 * What the design states, and is here as it states it:
 *
 * - HELLO carries a nonce, an ephemeral public key and a list of suites; WELCOME a nonce, a key, the chosen suite and
 *   `sign(hash(client nonce | server nonce | server key))`; VERIFY `sign(hash(server nonce | client nonce | client
 *   key))` and an encrypted proof; READY an encrypted proof;
 * - nonces are joined with timestamps, and messages are valid for a while only;
 * - session keys come from the agreement by HKDF with both nonces;
 * - blocks are AES-256-GCM in the structure that STX/1's records have kept; control messages have an HMAC;
 * - messages have numbers in their encrypted payload, and the server remembers those that it has seen;
 * - an integrity failure has the block sent again, an authentication failure ends the session, and a connection that
 *   fails is tried again;
 * - the transfer goes on behind the last acknowledged block.
 *
 * Where it is silent there is nothing: no end of a file, no size of it, no digest, no receipt, no rule for names, no
 * bound on a size. Where it contradicts itself or leaves a choice, the reading that makes it stronger or, if neither is,
 * the more usual one was taken:
 *
 * - It draws two handshakes. The one with public keys is the one that it spells out, so that is the one here. The
 *   other, with HMACs under a shared key, lends it what the proofs hold, which the first does not say: both hold the
 *   HMAC of the two nonces.
 * - "Timestamps combined with nonces" have no field in HELLO or WELCOME: a nonce begins with the time.
 * - VERIFY names no identity: the server tries the keys that it was given beforehand.
 * - The hash is SHA-256, the signature Ed25519, the agreement X25519, the suites are the two of STX/1.
 * - Nothing is said of additional data of the encryption: there is none.
 * - A block has no field for a nonce: it is the session's IV with the block's number. The proofs bring their own.
 * - A tag that does not hold is an integrity failure, which it says of GCM; a signature, a proof or an HMAC that does not
 *   hold is an authentication failure.
 * - The name of the file is its metadata and travels as block 0, encrypted as the others are. Its acknowledgement names
 *   the last acknowledged block, which is the answer to a client that comes back.
 * - A block that is not the next one is an integrity failure too, so that no hole is left in a file.
 * @module
 */
import { type Bytes, concat, toHex } from "../../bytes/bytes.ts";
import { sha256 } from "../../crypto/hkdf.ts";
import { StxError } from "../../errors.ts";
import { verifySignature } from "../../identity/identity.ts";
import type { Clock, Identity, Random } from "../../ports.ts";
import { u64 } from "../../wire/fields.ts";
import { encodeFrame, FRAME_HEADER_SIZE, FRAME_TYPES, type FrameType } from "../../wire/frame.ts";
import {
  decodeSeedHello,
  decodeSeedVerify,
  decodeSeedWelcome,
  encodeSeedHello,
  encodeSeedVerify,
  encodeSeedWelcome,
  SEED_NONCE_SIZE,
  SEED_SHARE_SIZE,
  SEED_SUITES,
} from "../seed_stx_units.ts";
import type { SeedLine } from "./seed_line.ts";
import {
  agreeX25519,
  checkSeedProof,
  deriveSeedKeys,
  publicX25519,
  sealSeedProof,
  type SeedKeys,
} from "./seed_stx_keys.ts";

/** Milliseconds by which a timestamp may differ from the clock: the design's "limited validity window". */
export const SEED_WINDOW_MS = 60_000;
const TIME_SIZE = 8;

/** What both ends need. */
export interface SeedStxEnd {
  readonly identity: Identity;
  readonly random: Random;
  readonly clock: Clock;
}

/** What a client needs. */
export interface SeedStxClient extends SeedStxEnd {
  /** The receiver that it means. */
  readonly serverKey: Bytes;
  /** Its suites, the one that it likes best first. */
  readonly suites: readonly number[];
}

/** What a server needs. */
export interface SeedStxServer extends SeedStxEnd {
  /** The senders that it takes. */
  readonly clientKeys: readonly Bytes[];
  /** The nonces of the clients that it has seen, in hexadecimal: its "record of message IDs". */
  readonly nonces: Set<string>;
}

/** An open session. */
export interface SeedSession {
  readonly keys: SeedKeys;
  /** The number of the suite that was chosen. */
  readonly suite: number;
  /** The identity of the other end. */
  readonly peer: Bytes;
}

/**
 * Opens a session as a client. Throws `bad_signature`, `bad_proof`, `clock_skew`, `handshake_failed`, `malformed` or
 * `connection_lost`.
 */
export async function openSeedSession(line: SeedLine, options: SeedStxClient): Promise<SeedSession> {
  const secret = options.random.bytes(SEED_SHARE_SIZE);
  const share = await publicX25519(secret);
  const nonce = makeNonce(options);
  await line.write(encodeSeedHello({ nonce, share, suites: options.suites }));
  const welcome = decodeSeedWelcome(await readFrame(line, "welcome"));
  checkTime(welcome.nonce, options.clock);
  if (!options.suites.includes(welcome.suite)) throw noSuite();
  const signed = sha256(nonce, welcome.nonce, welcome.share);
  if (!await verifySignature(options.serverKey, signed, welcome.signature)) throw badSignature("WELCOME");
  const shared = await agreeX25519(secret, welcome.share);
  const keys = await deriveSeedKeys(shared, nonce, welcome.nonce, welcome.suite);
  const signature = await options.identity.sign(sha256(welcome.nonce, nonce, share));
  const validation = concat(nonce, welcome.nonce);
  await line.write(
    encodeSeedVerify({ signature, proof: await sealSeedProof(keys, validation, options.random) }),
  );
  await checkSeedProof(keys, validation, await readFrame(line, "ready"), "READY");
  return { keys, suite: welcome.suite, peer: options.serverKey };
}

/** Opens a session as a server; throws as {@link openSeedSession} does. */
export async function acceptSeedSession(line: SeedLine, options: SeedStxServer): Promise<SeedSession> {
  const hello = decodeSeedHello(await readFrame(line, "hello"));
  checkTime(hello.nonce, options.clock);
  if (options.nonces.has(toHex(hello.nonce))) {
    throw new StxError("handshake_failed", "Cannot accept HELLO: its nonce was here before");
  }
  options.nonces.add(toHex(hello.nonce));
  const known: readonly number[] = Object.values(SEED_SUITES);
  const suite = hello.suites.find((number) => known.includes(number));
  if (suite === undefined) throw noSuite();
  const secret = options.random.bytes(SEED_SHARE_SIZE);
  const share = await publicX25519(secret);
  const nonce = makeNonce(options);
  const signature = await options.identity.sign(sha256(hello.nonce, nonce, share));
  await line.write(encodeSeedWelcome({ nonce, share, suite, signature }));
  const verify = decodeSeedVerify(await readFrame(line, "verify"));
  const signed = sha256(nonce, hello.nonce, hello.share);
  const peer = await findSigner(options.clientKeys, signed, verify.signature);
  if (peer === undefined) throw badSignature("VERIFY");
  const keys = await deriveSeedKeys(await agreeX25519(secret, hello.share), hello.nonce, nonce, suite);
  const validation = concat(hello.nonce, nonce);
  await checkSeedProof(keys, validation, verify.proof, "VERIFY");
  await line.write(encodeFrame("ready", await sealSeedProof(keys, validation, options.random)));
  return { keys, suite, peer };
}

/** The one of some keys whose owner has signed; anybody who sees the messages can ask the same. */
export async function findSigner(
  keys: readonly Bytes[],
  signed: Bytes,
  signature: Bytes,
): Promise<Bytes | undefined> {
  for (const key of keys) if (await verifySignature(key, signed, signature)) return key;
  return undefined;
}

function makeNonce({ clock, random }: SeedStxEnd): Bytes {
  return concat(u64(clock.nowMs()), random.bytes(SEED_NONCE_SIZE - TIME_SIZE));
}

function checkTime(nonce: Bytes, clock: Clock): void {
  const timeMs = Number(new DataView(nonce.buffer, nonce.byteOffset).getBigUint64(0));
  if (Math.abs(clock.nowMs() - timeMs) <= SEED_WINDOW_MS) return;
  throw new StxError("clock_skew", "Cannot accept a nonce: its time is not now");
}

async function readFrame(line: SeedLine, type: FrameType): Promise<Bytes> {
  const header = await line.need(FRAME_HEADER_SIZE);
  if (header[0] !== FRAME_TYPES[type]) {
    throw new StxError(
      "unexpected_message",
      `Cannot accept a message of type ${header[0]}: expected ${type}`,
    );
  }
  return await line.need(header[1]! * 2 ** 16 + header[2]! * 2 ** 8 + header[3]!);
}

function noSuite(): StxError {
  return new StxError("handshake_failed", "Cannot agree on a suite: the peer has none of ours");
}

function badSignature(where: string): StxError {
  return new StxError("bad_signature", `Cannot accept ${where}: its signature does not hold`);
}
