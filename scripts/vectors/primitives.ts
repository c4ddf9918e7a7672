/**
 * What the vectors are computed with: the platform's primitives, and the few constructions on them that
 * docs/protocol.md writes down. Nothing here comes from lib, so that a mistake there is not repeated here.
 * @module
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign as signWith,
} from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";

/** A byte string. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The numbers of the suites are those of docs/protocol.md. */
export type SuiteNumber = 1 | 2;

// ---- Bytes ----

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of hexadecimal digits. */
export function bytesOf(digits: string): Bytes {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** UTF-8. */
export function text(characters: string): Bytes {
  return new TextEncoder().encode(characters);
}

/** All parts one after the other. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `value` in `size` bytes, the highest first; two's complement where it is negative. */
export function number(value: number | bigint, size: number): Bytes {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, BigInt(value));
  for (let at = size - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Bytes behind their number in one byte. */
export function vector8(bytes: Uint8Array): Bytes {
  return join(number(bytes.length, 1), bytes);
}

/** Bytes behind their number in two bytes. */
export function vector16(bytes: Uint8Array): Bytes {
  return join(number(bytes.length, 2), bytes);
}

/** One byte, so many times. */
export function repeated(byte: number, count: number): Bytes {
  return new Uint8Array(count).fill(byte);
}

/** A copy with one bit changed: the lowest of the byte `at`, which counts from the end where it is negative. */
export function flipped(bytes: Uint8Array, at: number): Bytes {
  const copy = Uint8Array.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
}

/** A copy with `part` written over what stands at `at`. */
export function overwritten(bytes: Uint8Array, at: number, part: Uint8Array): Bytes {
  const copy = Uint8Array.from(bytes);
  copy.set(part, at);
  return copy;
}

/**
 * What a vector has in place of random bytes: SHA-256 of `name` and a counter, block by block.
 * No two names give the same.
 */
export function pseudorandom(name: string, size: number): Bytes {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) => sha256(text(name), number(i, 4)));
  return join(...blocks).slice(0, size);
}

// ---- Hashes ----

/** SHA-256 of the parts one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(createHash("sha256").update(join(...parts)).digest());
}

/** SHA-512. */
export function sha512(bytes: Uint8Array): Bytes {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}

/** HMAC-SHA-256. */
export function hmac(key: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(createHmac("sha256", key).update(message).digest());
}

/** HKDF-Extract (RFC 5869, section 2.2). */
export function extract(salt: Uint8Array, input: Uint8Array): Bytes {
  return hmac(salt, input);
}

/** HKDF-Expand for one block, which is all that this protocol needs (RFC 5869, section 2.3). */
function expand(secret: Uint8Array, info: Uint8Array, size: number): Bytes {
  return hmac(secret, join(info, number(1, 1))).slice(0, size);
}

/** XL of docs/protocol.md. */
export function xl(secret: Uint8Array, label: string, context: Uint8Array, size: number): Bytes {
  const info = join(number(size, 2), vector8(join(text("stx1 "), text(label))), vector8(context));
  return expand(secret, info, size);
}

/** DS of docs/protocol.md. */
export function ds(secret: Uint8Array, label: string, hash: Uint8Array): Bytes {
  return xl(secret, label, hash, 32);
}

/** `HMAC(XL(secret, "finished", "", 32), hash)`. */
export function finished(secret: Uint8Array, hash: Uint8Array): Bytes {
  return hmac(xl(secret, "finished", NOTHING, 32), hash);
}

/** No bytes. */
export const NOTHING: Bytes = new Uint8Array(0);
/** 0^32 */
export const ZEROS: Bytes = new Uint8Array(32);

/** CRC-32 (ISO 3309) as a number. */
export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes);
}

// ---- Keys ----

/** RFC 8410: what stands before the 32 bytes of a private key in PKCS#8 and of a public key in SPKI. */
const PRIVATE_HEADERS = {
  x25519: bytesOf("302e020100300506032b656e04220420"),
  ed25519: bytesOf("302e020100300506032b657004220420"),
};
const X25519_PUBLIC_HEADER = bytesOf("302a300506032b656e032100");

function privateKey(kind: keyof typeof PRIVATE_HEADERS, secret: Uint8Array): KeyObject {
  const key = Buffer.from(join(PRIVATE_HEADERS[kind], secret));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicHalf(key: KeyObject): Bytes {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" })).slice(-32);
}

/** The X25519 public key of a secret. */
export function x25519Public(secret: Uint8Array): Bytes {
  return publicHalf(privateKey("x25519", secret));
}

/** X25519; throws for a result of zeros. */
export function x25519(secret: Uint8Array, peer: Uint8Array): Bytes {
  const key = Buffer.from(join(X25519_PUBLIC_HEADER, peer));
  const publicKey = createPublicKey({ key, format: "der", type: "spki" });
  return new Uint8Array(diffieHellman({ privateKey: privateKey("x25519", secret), publicKey }));
}

/** The Ed25519 public key of a seed. */
export function ed25519Public(seed: Uint8Array): Bytes {
  return publicHalf(privateKey("ed25519", seed));
}

/** An Ed25519 signature. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(signWith(null, message, privateKey("ed25519", seed)));
}

/** The encapsulation and decapsulation keys of `d | z`, 64 bytes. */
export function mlKemKeys(seed: Bytes): { readonly ek: Bytes; readonly dk: Bytes } {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  return { ek: Uint8Array.from(publicKey), dk: Uint8Array.from(secretKey) };
}

/** ML-KEM.Encaps_internal (FIPS 203, algorithm 17) with the 32 bytes m. */
export function mlKemEncapsulate(
  ek: Uint8Array,
  m: Uint8Array,
): { readonly ciphertext: Bytes; readonly secret: Bytes } {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(ek, m);
  return { ciphertext: Uint8Array.from(cipherText), secret: Uint8Array.from(sharedSecret) };
}

/** ML-KEM.Decaps (FIPS 203, algorithm 21). */
export function mlKemDecapsulate(dk: Uint8Array, ciphertext: Uint8Array): Bytes {
  return Uint8Array.from(ml_kem768.decapsulate(ciphertext, dk));
}

// ---- Sealing ----

const CIPHERS = { 1: "aes-256-gcm", 2: "chacha20-poly1305" } as const;

/** Key and IV of a secret. */
export function keyOf(secret: Uint8Array): { readonly key: Bytes; readonly iv: Bytes } {
  return { key: xl(secret, "key", NOTHING, 32), iv: xl(secret, "iv", NOTHING, 12) };
}

/** The nonce of number n. */
export function nonceOf(iv: Uint8Array, n: number): Bytes {
  const mask = join(new Uint8Array(8), number(n, 4));
  return Uint8Array.from(iv, (byte, at) => byte ^ mask[at]!);
}

/** `seal(secret, n)` of docs/protocol.md: ciphertext and tag. */
export function seal(
  suite: SuiteNumber,
  secret: Uint8Array,
  n: number,
  additional: Uint8Array,
  plaintext: Uint8Array,
): Bytes {
  const { key, iv } = keyOf(secret);
  // Both ciphers take the same options; the types know them of one name at a time.
  const cipher = createCipheriv(CIPHERS[suite] as "aes-256-gcm", key, nonceOf(iv, n), { authTagLength: 16 });
  cipher.setAAD(additional);
  return join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

// ---- Odd points, which no honest end has ----

/** The neutral element of Ed25519: under it a signature of anything can be made by anybody. */
export const NEUTRAL: Bytes = join(number(1, 1), new Uint8Array(31));
/** The same point with its coordinate y written as p + 1. */
export const NEUTRAL_NOT_CANONICAL: Bytes = join(number(0xee, 1), repeated(0xff, 30), number(0x7f, 1));
/** A signature that holds for every message under the neutral element: R neutral, S zero. */
export const FORGED_SIGNATURE: Bytes = join(NEUTRAL, new Uint8Array(32));
/** A point of order 8 (RFC 7748's curve; listed in its security considerations by their u-coordinates). */
export const X25519_ORDER_8: Bytes = bytesOf(
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
);
