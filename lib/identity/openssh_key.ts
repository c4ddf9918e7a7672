/**
 * Private key files in OpenSSH's own format (PROTOCOL.key in OpenSSH's sources), Ed25519 alone. A file that
 * is locked with a passphrase gives its public key, so that the caller can ask ssh-agent to sign.
 * @module
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { PrivateExport } from "micro-key-producer/ssh.js";
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { assertComment, decodePublicKeyBlob, KEY_HINT, PUBLIC_KEY_SIZE } from "./public_key.ts";
import { printableName, readString, readWhole, unwrapArmor } from "./ssh_encoding.ts";

/** Bytes of an Ed25519 seed, which is all of a private key (RFC 8032, 5.1.5). */
export const SEED_SIZE = 32;

const MAGIC = utf8("openssh-key-v1\0");
const LABEL = "OPENSSH PRIVATE KEY";

/** What a private key file holds. */
export type ParsedPrivateKey =
  | {
    readonly kind: "plain";
    readonly publicKey: Bytes;
    /** The secret, 32 bytes; whoever gets it wipes it. */
    readonly seed: Bytes;
    /** As it stands in the file: escape it before printing. */
    readonly comment: string;
  }
  | {
    /** The file is locked with a passphrase. */
    readonly kind: "encrypted";
    /** Stands in the file in the clear: nothing shows yet that the locked half belongs to it. */
    readonly publicKey: Bytes;
  };

/**
 * Parses a private key file. Throws `bad_key_file` if it is damaged, of another format or key type, holds
 * another number of keys than one, or if its public and private halves do not belong together: signing with
 * another key's public half gives the private key away.
 */
export function parsePrivateKey(text: string): ParsedPrivateKey {
  const bytes = unwrapArmor(LABEL, text);
  if (bytes === undefined) throw notOpenSsh(text);
  const { locked, publicKey } = readOuterPart(bytes);
  return locked ? { kind: "encrypted", publicKey } : readPrivatePart(text, publicKey);
}

/** Reads what stands in the clear in every file. */
function readOuterPart(bytes: Bytes): { locked: boolean; publicKey: Bytes } {
  try {
    return decodeOuterPart(bytes);
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
    // A key that is whole and of no use to stx says what to do in its stead.
    throw new StxError("bad_key_file", error.message, { hint: error.hint ?? DAMAGED_HINT });
  }
}

function decodeOuterPart(bytes: Bytes): { locked: boolean; publicKey: Bytes } {
  return readWhole(bytes, "a private key file", (reader) => {
    if (!equal(reader.bytes(MAGIC.length), MAGIC)) reader.fail("it does not begin as OpenSSH's files do");
    const locked = !equal(readString(reader), utf8("none"));
    readString(reader); // the key derivation's name
    readString(reader); // and its options
    const count = reader.u32();
    if (count !== 1) reader.fail(`it holds ${count} keys, expected one`);
    const publicKey = decodePublicKeyBlob(readString(reader));
    readString(reader); // the private part
    // Some ciphers put an authentication tag behind it.
    if (locked) reader.rest();
    return { locked, publicKey };
  });
}

function readPrivatePart(text: string, publicKey: Bytes): ParsedPrivateKey {
  const key = decodeKey(text);
  if (!equal(key.check1, key.check2)) throw damaged("its two check numbers differ");
  if (key.privKey.length !== SEED_SIZE + PUBLIC_KEY_SIZE) {
    throw damaged(
      `its private half has ${key.privKey.length} bytes, expected ${SEED_SIZE + PUBLIC_KEY_SIZE}`,
    );
  }
  const seed = new Uint8Array(key.privKey.subarray(0, SEED_SIZE));
  const derived = ed25519.getPublicKey(seed);
  for (const half of [publicKey, key.pubKey, key.privKey.subarray(SEED_SIZE)]) {
    if (!equal(half, derived)) throw damaged("its public half belongs to another private half");
  }
  return { kind: "plain", publicKey, seed, comment: key.comment };
}

/** The private section of a file. */
interface KeySection {
  readonly check1: Uint8Array;
  readonly check2: Uint8Array;
  readonly pubKey: Uint8Array;
  readonly privKey: Uint8Array;
  readonly comment: string;
}

function decodeKey(text: string): KeySection {
  let section: KeySection | undefined;
  try {
    section = PrivateExport.decode(text).keys[0]?.privKey;
  } catch {
    // The library's message may quote bytes of the key, so it must not become the cause of ours.
  }
  if (section === undefined) throw damaged("its private part cannot be read");
  return section;
}

const DAMAGED_HINT =
  "The file is damaged: restore it from a backup, or make a new key with: ssh-keygen -t ed25519";

function damaged(why: string): StxError {
  return new StxError("bad_key_file", `Cannot use a private key file: ${why}`, { hint: DAMAGED_HINT });
}

/** The error for a file that is something else, as exactly as its first line tells. */
function notOpenSsh(text: string): StxError {
  const first = text.trimStart().split("\n", 1)[0]!.trim();
  const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/.exec(first)?.[1];
  if (label === LABEL) return damaged("its base64 or its last line is damaged");
  const why = label !== undefined
    ? `it is in the format "${label}"`
    : first.startsWith("PuTTY-User-Key-File")
    ? "it is in PuTTY's format"
    : /^(ssh|ecdsa|sk)-/.test(first)
    ? `it is a public key (${printableName(first.split(/\s/, 1)[0]!)})`
    : "it is no key file";
  return new StxError(
    "bad_key_file",
    `Cannot use a private key file: ${why}, expected an Ed25519 key in OpenSSH's format`,
    { hint: KEY_HINT },
  );
}

/**
 * A private key file without a passphrase, as ssh-keygen reads and writes it.
 * @param seed 32 secret bytes; throws `bad_key_file` for another number
 * @param comment one line; throws `usage` if it has a control character
 */
export function formatPrivateKey(seed: Bytes, comment: string): string {
  if (seed.length !== SEED_SIZE) {
    throw new StxError(
      "bad_key_file",
      `Cannot write a private key: ${seed.length} bytes, expected ${SEED_SIZE}`,
    );
  }
  assertComment(comment);
  const pubKey = ed25519.getPublicKey(seed);
  // The two equal check numbers only tell a right passphrase from a wrong one, so without a passphrase
  // they need not be random; taken from the public key they say nothing about the private one.
  const check = sha256(pubKey).subarray(0, 4);
  return PrivateExport.encode({
    keys: [{
      pubKey: { pubKey },
      privKey: { check1: check, check2: check, pubKey, privKey: concat(seed, pubKey), comment },
    }],
  });
}
