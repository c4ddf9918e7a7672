/**
 * WebCrypto as the simulation has it. The platform's own works on threads that finish in any order and at any time, so no
 * run would be like another. This one computes at once, with the platform's own functions where those can be had
 * without a thread, and hands the results out in an order that the seed decides.
 *
 * ML-KEM takes its randomness from the runtime, which a seed cannot be given to. A hash stands in for it: keys and
 * ciphertexts of the same sizes, and as with ML-KEM another ciphertext gives another secret and no error. It keeps
 * nothing secret, and need not.
 * @module
 */
import { Buffer } from "node:buffer";
import nodeCrypto from "node:crypto";
import { type Bytes, concat, fromHex, toHex } from "../../lib/bytes/bytes.ts";

const X25519_SPKI = fromHex("302a300506032b656e032100");
const ED25519_SPKI = fromHex("302a300506032b6570032100");
const KEM_PUBLIC_SIZE = 1184;
const KEM_CIPHERTEXT_SIZE = 1088;
const TAG_SIZE = 16;

interface TwinKey {
  readonly kind: "aead" | "private" | "public" | "kemPrivate" | "kemPublic";
  readonly bytes: Bytes;
  readonly object?: nodeCrypto.KeyObject;
  /** What it has sealed, by nonce. */
  readonly sealed: Set<string>;
}

/** What the twin needs of a run. */
export interface CryptoRun {
  /** Hands a result out. */
  readonly deliver: (action: () => void) => void;
  /** Randomness of the KEM. */
  readonly random: (size: number) => Bytes;
  /** Is told when a key is used twice with one nonce. */
  readonly onNonceReuse: (nonce: string) => void;
}

type Method = (...inputs: never[]) => unknown;

/** The methods of `crypto.subtle` that stx calls, for one run. */
export function cryptoTwin(run: CryptoRun): Readonly<Record<string, Method>> {
  const later = <T>(compute: () => T): Promise<T> => {
    // Inputs may be overwritten as soon as the call has returned.
    let settle: (resolve: (value: T) => void, reject: (error: unknown) => void) => void;
    try {
      const value = compute();
      settle = (resolve) => resolve(value);
    } catch (error) {
      settle = (_, reject) => reject(error);
    }
    return new Promise((resolve, reject) => run.deliver(() => settle(resolve, reject)));
  };
  return {
    importKey: (format: string, bytes: Bytes, algorithm: string) =>
      later(() => importKey(format, bytes, algorithm)),
    exportKey: (_format: string, key: TwinKey) => later(() => key.bytes.slice().buffer),
    getPublicKey: (key: TwinKey) => later(() => publicOf(key)),
    deriveBits: ({ public: peer }: { public: TwinKey }, key: TwinKey) =>
      later(() => {
        const secret = nodeCrypto.diffieHellman({ privateKey: key.object!, publicKey: peer.object! });
        if (secret.every((byte) => byte === 0)) throw new Error("The peer's point is of low order");
        return new Uint8Array(secret).buffer;
      }),
    sign: (_algorithm: string, key: TwinKey, message: Bytes) =>
      later(() => new Uint8Array(nodeCrypto.sign(null, message, key.object!)).buffer),
    verify: (_algorithm: string, key: TwinKey, signature: Bytes, message: Bytes) =>
      later(() => nodeCrypto.verify(null, message, key.object!, signature)),
    digest: (algorithm: string, message: Bytes) =>
      later(() => {
        const hash = nodeCrypto.createHash(algorithm === "SHA-512" ? "sha512" : "sha256");
        return new Uint8Array(hash.update(message).digest()).buffer;
      }),
    encrypt: (parameters: AesGcmParams, key: TwinKey, plaintext: Bytes) =>
      later(() => {
        const nonce = toHex(parameters.iv as Bytes);
        if (key.sealed.has(nonce)) run.onNonceReuse(nonce);
        key.sealed.add(nonce);
        return seal(parameters, key.bytes, plaintext).buffer;
      }),
    decrypt: (parameters: AesGcmParams, key: TwinKey, sealed: Bytes) =>
      later(() => open(parameters, key.bytes, sealed).buffer),
    encapsulateBits: (_algorithm: string, key: TwinKey) =>
      later(() => {
        const randomness = run.random(32);
        const ciphertext = concat(randomness, stretch(randomness, KEM_CIPHERTEXT_SIZE - 32));
        return { sharedKey: kemSecret(key.bytes, ciphertext).buffer, ciphertext: ciphertext.buffer };
      }),
    decapsulateBits: (_algorithm: string, key: TwinKey, ciphertext: Bytes) =>
      later(() => kemSecret(key.bytes, ciphertext).buffer),
  };
}

function importKey(format: string, bytes: Bytes, algorithm: string): TwinKey {
  const sealed = new Set<string>();
  if (algorithm === "ML-KEM-768") {
    const isPublic = format === "raw-public";
    if (isPublic && bytes.length !== KEM_PUBLIC_SIZE) throw new Error("The key has another size");
    return isPublic
      ? { kind: "kemPublic", bytes: bytes.slice(), sealed }
      : { kind: "kemPrivate", bytes: stretch(bytes, KEM_PUBLIC_SIZE), sealed };
  }
  if (algorithm === "Ed25519" || algorithm === "X25519") {
    if (format === "pkcs8") {
      const object = nodeCrypto.createPrivateKey({ key: Buffer.from(bytes), format: "der", type: "pkcs8" });
      return { kind: "private", bytes: new Uint8Array(0), object, sealed };
    }
    const prefix = algorithm === "Ed25519" ? ED25519_SPKI : X25519_SPKI;
    const key = Buffer.from(concat(prefix, bytes));
    const object = nodeCrypto.createPublicKey({ key, format: "der", type: "spki" });
    return { kind: "public", bytes: bytes.slice(), object, sealed };
  }
  return { kind: "aead", bytes: bytes.slice(), sealed };
}

function publicOf(key: TwinKey): TwinKey {
  const sealed = new Set<string>();
  if (key.kind === "kemPrivate") return { kind: "kemPublic", bytes: key.bytes, sealed };
  const object = nodeCrypto.createPublicKey(key.object! as unknown as nodeCrypto.PublicKeyInput);
  const spki = new Uint8Array(object.export({ format: "der", type: "spki" }) as Uint8Array);
  return { kind: "public", bytes: spki.slice(-32), object, sealed };
}

function seal(parameters: AesGcmParams, key: Bytes, plaintext: Bytes): Bytes {
  const cipher = nodeCrypto.createCipheriv("aes-256-gcm", key, parameters.iv as Bytes);
  cipher.setAAD(parameters.additionalData as Bytes);
  const sealed = new Uint8Array(plaintext.length + TAG_SIZE);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

function open(parameters: AesGcmParams, key: Bytes, sealed: Bytes): Bytes {
  const decipher = nodeCrypto.createDecipheriv("aes-256-gcm", key, parameters.iv as Bytes);
  decipher.setAAD(parameters.additionalData as Bytes);
  decipher.setAuthTag(sealed.subarray(-TAG_SIZE));
  const plaintext = new Uint8Array(decipher.update(sealed.subarray(0, -TAG_SIZE)));
  decipher.final();
  return plaintext;
}

function kemSecret(publicKey: Bytes, ciphertext: Bytes): Bytes {
  return new Uint8Array(nodeCrypto.createHash("sha256").update(publicKey).update(ciphertext).digest());
}

/** As many bytes as are asked for, of a few. */
function stretch(seed: Bytes, sizeBytes: number): Bytes {
  return new Uint8Array(nodeCrypto.createHash("shake256", { outputLength: sizeBytes }).update(seed).digest());
}
