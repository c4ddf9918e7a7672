/**
 * The first design of STX: its key agreement, its keys, and what is sealed with them. How the design was read stands
 * in `seed_stx.ts`.
 * @module
 */
import { type Bytes, concat, equal, fromHex } from "../../bytes/bytes.ts";
import { expandLabel, HASH_SIZE, hkdfExtract, hmacSha256 } from "../../crypto/hkdf.ts";
import { type AeadKey, importAeadKey, KEY_SIZE, NONCE_SIZE } from "../../crypto/suite.ts";
import { StxError } from "../../errors.ts";
import type { Random } from "../../ports.ts";
import { u32, u8 } from "../../wire/fields.ts";
import { SEED_SUITES, type SeedControl } from "../seed_stx_units.ts";
import type { RecordParts } from "../stx_units.ts";

const NOTHING: Bytes = new Uint8Array(0);
/** The header of a PKCS#8 X25519 private key (RFC 8410, section 7). */
const X25519_PKCS8_HEADER = fromHex("302e020100300506032b656e04220420");
/** The point that public keys are multiples of (RFC 7748, section 4.1). */
const X25519_BASE: Bytes = Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? 9 : 0);

/** X25519 of 32 secret bytes and a public key. Throws `handshake_failed` for a key of small order. */
export async function agreeX25519(secret: Bytes, publicKey: Bytes): Promise<Bytes> {
  const subtle = crypto.subtle;
  const pkcs8 = concat(X25519_PKCS8_HEADER, secret);
  try {
    const privateKey = await subtle.importKey("pkcs8", pkcs8, "X25519", false, ["deriveBits"]);
    const peer = await subtle.importKey("raw", publicKey, "X25519", true, []);
    return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: peer }, privateKey, 256));
  } catch (cause) {
    throw new StxError("handshake_failed", "Cannot agree on keys: the peer's public key is not usable", {
      cause,
    });
  }
}

/** The public key of 32 secret bytes. */
export async function publicX25519(secret: Bytes): Promise<Bytes> {
  return await agreeX25519(secret, X25519_BASE);
}

/** The keys of one session: the same ones for both directions, from its beginning to its end. */
export interface SeedKeys {
  readonly aead: AeadKey;
  readonly iv: Bytes;
  /** For the control messages and for what the proofs hold. */
  readonly mac: Bytes;
}

/** `HKDF(salt = both nonces, key = X25519)`, into a key, an IV and a key for HMACs. */
export async function deriveSeedKeys(
  shared: Bytes,
  clientNonce: Bytes,
  serverNonce: Bytes,
  suite: number,
): Promise<SeedKeys> {
  const session = hkdfExtract(concat(clientNonce, serverNonce), shared);
  const part = (label: string, size: number) => expandLabel(session, label, NOTHING, size, "");
  const name = suite === SEED_SUITES["aes-256-gcm"] ? "aes-256-gcm" : "chacha20-poly1305";
  const aead = await importAeadKey(name, part("key", KEY_SIZE));
  return { aead, iv: part("iv", NONCE_SIZE), mac: part("mac", HASH_SIZE) };
}

/** Either end's proof: the HMAC of both nonces, encrypted; the random nonce of its encryption stands before it. */
export async function sealSeedProof(keys: SeedKeys, nonces: Bytes, random: Random): Promise<Bytes> {
  const nonce = random.bytes(NONCE_SIZE);
  return concat(nonce, await keys.aead.seal(nonce, NOTHING, hmacSha256(keys.mac, nonces)));
}

/** Throws `bad_proof` unless a proof is one. */
export async function checkSeedProof(
  keys: SeedKeys,
  nonces: Bytes,
  proof: Bytes,
  where: string,
): Promise<void> {
  const opened = await keys.aead.open(proof.slice(0, NONCE_SIZE), NOTHING, proof.slice(NONCE_SIZE));
  if (opened !== undefined && equal(opened, hmacSha256(keys.mac, nonces))) return;
  throw new StxError("bad_proof", `Cannot accept ${where}: its proof does not hold`);
}

/** Seals a block's payload under the nonce that its number makes. */
export async function sealSeedBlock(keys: SeedKeys, sequence: number, payload: Bytes): Promise<Bytes> {
  return await keys.aead.seal(blockNonce(keys, sequence), NOTHING, payload);
}

/** Opens a block's payload; `undefined` where its tag does not hold. */
export async function openSeedBlock(keys: SeedKeys, block: RecordParts): Promise<Bytes | undefined> {
  return await keys.aead.open(blockNonce(keys, block.sequence), NOTHING, block.sealed);
}

function blockNonce({ iv }: SeedKeys, sequence: number): Bytes {
  const nonce = iv.slice();
  const view = new DataView(nonce.buffer);
  view.setUint32(8, view.getUint32(8) ^ sequence);
  return nonce;
}

/** A control message with its HMAC. */
export function makeSeedControl({ mac }: SeedKeys, kind: number, number: number): SeedControl {
  return { kind, number, mac: hmacSha256(mac, concat(u8(kind), u32(number))) };
}

/** Throws `bad_record` unless a control message's HMAC holds. */
export function checkSeedControl(keys: SeedKeys, control: SeedControl): void {
  if (equal(makeSeedControl(keys, control.kind, control.number).mac, control.mac)) return;
  throw new StxError("bad_record", "Cannot accept a control message: its HMAC does not hold");
}
