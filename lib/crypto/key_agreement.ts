/**
 * The hybrid key agreement: ML-KEM-768 (FIPS 203) and X25519 (RFC 7748), always both, in the order of TLS's
 * group X25519MLKEM768. A session stays secret while either of the two holds.
 *
 * Sizes in bytes: client share 1184 + 32, server share 1088 + 32, secret 32 + 32.
 * @module
 */
import { type Bytes, concat, fromHex } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Random } from "../ports.ts";

const KEM_PUBLIC_SIZE = 1184;
const KEM_CIPHERTEXT_SIZE = 1088;
const KEM_SEED_SIZE = 64;
const X25519_SIZE = 32;

// The header of a PKCS#8 X25519 private key (RFC 8410, section 7); the 32 secret bytes follow.
const X25519_PKCS8_HEADER = fromHex("302e020100300506032b656e04220420");

/** What TypeScript's types do not yet have of WebCrypto's modern algorithms. */
interface ModernSubtleCrypto {
  importKey(
    format: "raw-seed" | "raw-public",
    key: Bytes,
    algorithm: "ML-KEM-768",
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  getPublicKey(key: CryptoKey, usages: readonly string[]): Promise<CryptoKey>;
  encapsulateBits(
    algorithm: "ML-KEM-768",
    key: CryptoKey,
  ): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;
  decapsulateBits(algorithm: "ML-KEM-768", key: CryptoKey, ciphertext: Bytes): Promise<ArrayBuffer>;
}

const subtle = crypto.subtle;
const modern = crypto.subtle as unknown as ModernSubtleCrypto;

interface X25519Pair {
  readonly privateKey: CryptoKey;
  readonly publicKey: Bytes;
}

async function x25519Pair(random: Random): Promise<X25519Pair> {
  const secret = random.bytes(X25519_SIZE);
  const pkcs8 = concat(X25519_PKCS8_HEADER, secret);
  secret.fill(0);
  const privateKey = await subtle.importKey("pkcs8", pkcs8, "X25519", false, ["deriveBits"]);
  pkcs8.fill(0);
  const publicKey = await modern.getPublicKey(privateKey, []);
  return { privateKey, publicKey: new Uint8Array(await subtle.exportKey("raw", publicKey)) };
}

async function x25519(privateKey: CryptoKey, peer: Bytes): Promise<Bytes> {
  const publicKey = await subtle.importKey("raw", peer, "X25519", true, []);
  // The runtime refuses the all-zero result that low-order points lead to (RFC 7748, section 6.1).
  return new Uint8Array(
    await subtle.deriveBits({ name: "X25519", public: publicKey }, privateKey, X25519_SIZE * 8),
  );
}

/** What the key agreement comes to, of ML-KEM's secret and X25519's, 32 bytes each, which are overwritten. */
export function joinSecrets(kemSecret: Bytes, xSecret: Bytes): Bytes {
  const joined = concat(kemSecret, xSecret);
  kemSecret.fill(0);
  xSecret.fill(0);
  return joined;
}

function failed(cause: unknown): StxError {
  return new StxError("handshake_failed", "Cannot agree on keys: the peer's public key is not usable", {
    cause,
  });
}

/** What fails in a runtime without ML-KEM would look like a fault of the peer's. */
function requireKem(): void {
  if ("encapsulateBits" in subtle) return;
  throw new StxError("handshake_failed", "Cannot agree on keys: this runtime's WebCrypto has no ML-KEM-768", {
    hint: "Deno has it, and Node from version 24.7 on",
  });
}

/** A client's half of a key agreement, made for one handshake. */
export interface ClientShare {
  /** What goes into HELLO. */
  readonly publicShare: Bytes;
  /** Finishes with the server's share; throws `handshake_failed` if that is not usable. */
  finish(serverShare: Bytes): Promise<Bytes>;
}

/** Makes a client's half. Throws `handshake_failed` where the runtime has no ML-KEM. */
export async function makeClientShare(random: Random): Promise<ClientShare> {
  requireKem();
  const seed = random.bytes(KEM_SEED_SIZE);
  const kemPrivate = await modern.importKey("raw-seed", seed, "ML-KEM-768", false, ["decapsulateBits"]);
  seed.fill(0);
  const kemPublic = await modern.getPublicKey(kemPrivate, ["encapsulateBits"]);
  const ephemeral = await x25519Pair(random);
  return {
    publicShare: concat(
      new Uint8Array(await modern.exportKey("raw-public", kemPublic)),
      ephemeral.publicKey,
    ),
    async finish(serverShare) {
      try {
        const kemSecret = await modern.decapsulateBits(
          "ML-KEM-768",
          kemPrivate,
          serverShare.slice(0, KEM_CIPHERTEXT_SIZE),
        );
        const xSecret = await x25519(ephemeral.privateKey, serverShare.slice(KEM_CIPHERTEXT_SIZE));
        return joinSecrets(new Uint8Array(kemSecret), xSecret);
      } catch (cause) {
        throw failed(cause);
      }
    },
  };
}

/**
 * Makes a server's half for a client's share and finishes at once.
 * The KEM's own randomness comes from the runtime, which offers no way to give it.
 * Throws `handshake_failed` if the share is not usable, or the runtime has no ML-KEM.
 */
export async function answerClientShare(
  clientShare: Bytes,
  random: Random,
): Promise<{ publicShare: Bytes; secret: Bytes }> {
  requireKem();
  try {
    const encapsulationKey = await modern.importKey(
      "raw-public",
      clientShare.slice(0, KEM_PUBLIC_SIZE),
      "ML-KEM-768",
      true,
      ["encapsulateBits"],
    );
    const kem = await modern.encapsulateBits("ML-KEM-768", encapsulationKey);
    const ephemeral = await x25519Pair(random);
    const xSecret = await x25519(ephemeral.privateKey, clientShare.slice(KEM_PUBLIC_SIZE));
    return {
      publicShare: concat(new Uint8Array(kem.ciphertext), ephemeral.publicKey),
      secret: joinSecrets(new Uint8Array(kem.sharedKey), xSecret),
    };
  } catch (cause) {
    throw failed(cause);
  }
}
