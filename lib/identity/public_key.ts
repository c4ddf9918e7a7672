/**
 * Ed25519 public keys as OpenSSH writes them: the line in a `.pub` file, the blob in it, the fingerprint;
 * and which 32 bytes are a key at all.
 * @module
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import {
  decodeBase64,
  encodeBase64,
  encodeString,
  printableName,
  readString,
  readWhole,
  underCode,
} from "./ssh_encoding.ts";

/** Bytes of a public key. */
export const PUBLIC_KEY_SIZE = 32;
/** The name of Ed25519 keys and of their signatures in every SSH format (RFC 8709). */
export const KEY_TYPE = "ssh-ed25519";
/** What to do about a key that stx cannot use. */
export const KEY_HINT = "Make an Ed25519 key with: ssh-keygen -t ed25519";

/** A public key with the words that stand behind it in its file. */
export interface PublicKeyLine {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** As it stands in the file: escape it before printing. Empty if there is none. */
  readonly comment: string;
}

/**
 * Refuses bytes that are no safe Ed25519 public key: throws `bad_identity` for a length other than 32, for
 * anything but the canonical encoding of a point (RFC 8032, 5.1.3), and for points outside the subgroup of
 * prime order. Under a point of small order such as `01 00 ...` signatures can be forged by anybody; a point
 * of mixed order gives one private key several public keys.
 */
export function assertValidPublicKey(publicKey: Bytes): void {
  if (publicKey.length !== PUBLIC_KEY_SIZE) {
    throw badKey(`it has ${publicKey.length} bytes instead of ${PUBLIC_KEY_SIZE}`);
  }
  let point;
  try {
    point = ed25519.Point.fromBytes(publicKey, false);
  } catch {
    throw badKey("it does not encode a point of the curve");
  }
  if (point.isSmallOrder()) throw badKey("it is a point of small order, whose signatures anybody can forge");
  if (!point.isTorsionFree()) throw badKey("it is a point of mixed order, which no key generator makes");
}

function badKey(why: string): StxError {
  return new StxError("bad_identity", `Cannot use an Ed25519 public key: ${why}`);
}

/** The SSH wire form of a public key (RFC 8709, section 4): two strings, the key's type and the key. */
export function encodePublicKeyBlob(publicKey: Bytes): Bytes {
  return concat(encodeString(KEY_TYPE), encodeString(publicKey));
}

/**
 * The public key in its SSH wire form. Throws `bad_identity` if the blob is damaged, of another type, or
 * holds a key that {@link assertValidPublicKey} refuses.
 */
export function decodePublicKeyBlob(blob: Bytes): Bytes {
  return underCode("bad_identity", () =>
    readWhole(blob, "a public key", (reader) => {
      const type = readString(reader);
      if (!equal(type, utf8(KEY_TYPE))) throw otherType(type);
      const publicKey = readString(reader);
      assertValidPublicKey(publicKey);
      return publicKey;
    }));
}

function otherType(type: Uint8Array | string): StxError {
  return new StxError(
    "bad_identity",
    `Cannot use a key of the type ${printableName(type)}: only Ed25519 keys (${KEY_TYPE}) are supported`,
    { hint: KEY_HINT },
  );
}

/**
 * Parses the one line of a `.pub` file: the type, the blob in base64 and an optional comment, with spaces or
 * tabs between. White space around it is passed over. Throws `bad_key_file` for anything else, which
 * includes keys of other types.
 */
export function parsePublicKeyLine(text: string): PublicKeyLine {
  return underCode("bad_key_file", () => {
    const parts = /^([^\s]+)(?:[ \t]+([^\s]+)(?:[ \t]+([^\r\n]*))?)?$/.exec(text.trim());
    if (parts === null) throw badLine("it is not one line of type, key and comment");
    const [, type = "", base64 = "", comment = ""] = parts;
    if (type !== KEY_TYPE) throw otherType(type);
    const blob = decodeBase64(base64);
    if (blob === undefined) throw badLine("its base64 is damaged");
    return { publicKey: decodePublicKeyBlob(blob), comment };
  });
}

function badLine(why: string): StxError {
  return new StxError("bad_key_file", `Cannot read a public key: ${why}`, {
    hint: `A public key is a line such as: ${KEY_TYPE} AAAAC3Nz... name@host`,
  });
}

/**
 * The line of a `.pub` file, without a newline at its end. Throws `usage` if the comment has a control
 * character or line separator: it would become a further line of an authorized_keys file.
 */
export function formatPublicKeyLine(publicKey: Bytes, comment: string): string {
  assertComment(comment);
  const line = `${KEY_TYPE} ${encodeBase64(encodePublicKeyBlob(publicKey))}`;
  return comment === "" ? line : `${line} ${comment}`;
}

/** Throws `usage` if a key's comment has a control character or a line separator. */
export function assertComment(comment: string): void {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(comment)) {
    throw new StxError("usage", "Cannot use this comment for a key: it has a control character", {
      hint: "Give a comment of one line of ordinary characters.",
    });
  }
}

/** The fingerprint as `ssh-keygen -lf` prints it: "SHA256:" and 43 characters of base64. */
export function fingerprint(publicKey: Bytes): string {
  return `SHA256:${encodeBase64(sha256(encodePublicKeyBlob(publicKey))).replace("=", "")}`;
}
