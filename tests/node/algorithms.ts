/**
 * What the parts of the library need of a runtime that not every runtime has, and what of that this one has, found out
 * without the library.
 * @module
 */
import process from "node:process";

/** What a part of the library may need. */
export type Need = "AES-GCM" | "ChaCha20-Poly1305" | "Ed25519" | "X25519" | "ML-KEM-768" | "SQLite";

/** The parts of the library that need no Deno, and what each of them needs. */
export const PART_NEEDS = {
  "bytes": [],
  "hashes": [],
  "key files and lists": [],
  "identities": ["Ed25519"],
  "suite aes-256-gcm": ["AES-GCM"],
  "suite chacha20-poly1305": ["ChaCha20-Poly1305"],
  "session, aes-256-gcm": ["AES-GCM"],
  "session, chacha20-poly1305": ["ChaCha20-Poly1305"],
  "key agreement": ["X25519", "ML-KEM-768"],
  "transfer": ["Ed25519"],
  "whole, aes-256-gcm": ["AES-GCM", "Ed25519", "X25519", "ML-KEM-768"],
  "whole, chacha20-poly1305": ["ChaCha20-Poly1305", "Ed25519", "X25519", "ML-KEM-768"],
  "state in a file": ["SQLite"],
} as const satisfies Readonly<Record<string, readonly Need[]>>;

/** The name of a part. */
export type PartName = keyof typeof PART_NEEDS;

// TypeScript does not know all of these names yet.
const subtle = crypto.subtle as unknown as Readonly<
  Record<
    string,
    (...inputs: readonly unknown[]) => Promise<CryptoKeyPair & { readonly ciphertext: ArrayBuffer }>
  >
>;

async function seals(name: string, format: string): Promise<void> {
  const key = await subtle["importKey"]!(format, new Uint8Array(32), name, false, ["encrypt"]);
  await subtle["encrypt"]!({ name, iv: new Uint8Array(12) }, key, new Uint8Array(1));
}

const TRIALS: Readonly<Record<Need, () => Promise<unknown>>> = {
  "AES-GCM": () => seals("AES-GCM", "raw"),
  "ChaCha20-Poly1305": () => seals("ChaCha20-Poly1305", "raw-secret"),
  "Ed25519": async () => {
    const { privateKey } = await subtle["generateKey"]!("Ed25519", false, ["sign", "verify"]);
    await subtle["sign"]!("Ed25519", privateKey, new Uint8Array(1));
  },
  "X25519": async () => {
    const { privateKey, publicKey } = await subtle["generateKey"]!("X25519", false, ["deriveBits"]);
    await subtle["deriveBits"]!({ name: "X25519", public: publicKey }, privateKey, 256);
  },
  "ML-KEM-768": async () => {
    const name = "ML-KEM-768";
    const usages = ["encapsulateBits", "decapsulateBits"];
    const { privateKey, publicKey } = await subtle["generateKey"]!(name, false, usages);
    const { ciphertext } = await subtle["encapsulateBits"]!(name, publicKey);
    await subtle["decapsulateBits"]!(name, privateKey, ciphertext);
  },
  "SQLite": () => {
    const sqlite: unknown = process.getBuiltinModule("node:sqlite");
    return sqlite === undefined ? Promise.reject(new Error("no SQLite")) : Promise.resolve();
  },
};

/** What this runtime has. */
export async function present(): Promise<readonly Need[]> {
  const found: Need[] = [];
  for (const [need, trial] of Object.entries(TRIALS) as [Need, () => Promise<unknown>][]) {
    try {
      await trial();
      found.push(need);
    } catch {
      // Not here.
    }
  }
  return found;
}
