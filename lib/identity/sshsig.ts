/**
 * Signatures in the SSHSIG format (PROTOCOL.sshsig in OpenSSH's sources), which `ssh-keygen -Y sign` makes
 * and `ssh-keygen -Y verify` accepts. The namespace keeps a signature made for one purpose from being shown
 * for another.
 *
 * Layout of the blob: "SSHSIG", version 1 (4 bytes), then strings: the public key's blob, the namespace, an
 * empty reserved one, the hash's name, the signature's blob. What is signed: "SSHSIG", then strings: the
 * namespace, an empty one, the hash's name, the hash of the message.
 * @module
 */
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Identity } from "../ports.ts";
import { u32 } from "../wire/fields.ts";
import { verifySignature } from "./identity.ts";
import { encodePublicKeyBlob, KEY_TYPE } from "./public_key.ts";
import { encodeString, readString, readWhole, unwrapArmor, wrapArmor } from "./ssh_encoding.ts";

const MAGIC = utf8("SSHSIG");
const VERSION = 1;
const LABEL = "SSH SIGNATURE";

/** The hashes that the format knows. */
export type SshsigHash = "sha256" | "sha512";

/**
 * Signs `message` and returns the signature's blob.
 * @param namespace what the signature is for, such as "receipt@stx1"; throws `usage` if it is empty, which
 *   the format forbids
 */
export async function signSshsigBlob(
  identity: Identity,
  namespace: string,
  message: Bytes,
  hash: SshsigHash = "sha512",
): Promise<Bytes> {
  if (namespace === "") throw new StxError("usage", "Cannot sign: the namespace is empty");
  const signature = await identity.sign(await signedData(namespace, hash, message));
  return concat(
    MAGIC,
    u32(VERSION),
    encodeString(encodePublicKeyBlob(identity.publicKey)),
    encodeString(namespace),
    encodeString(""),
    encodeString(hash),
    encodeString(concat(encodeString(KEY_TYPE), encodeString(signature))),
  );
}

/** As {@link signSshsigBlob}, armored: the text that `ssh-keygen -Y sign` writes. */
export async function signSshsig(
  identity: Identity,
  namespace: string,
  message: Bytes,
  hash: SshsigHash = "sha512",
): Promise<string> {
  return armorSshsig(await signSshsigBlob(identity, namespace, message, hash));
}

/** The text form of a signature's blob: base64 between "-----BEGIN SSH SIGNATURE-----" and its END. */
export function armorSshsig(blob: Bytes): string {
  return wrapArmor(LABEL, blob);
}

/**
 * Says whether `blob` is a signature of `message` for `namespace` by the owner of `publicKey`. It is
 * `false`, never an error, for anything malformed.
 */
export async function verifySshsigBlob(
  blob: Bytes,
  namespace: string,
  message: Bytes,
  publicKey: Bytes,
): Promise<boolean> {
  let fields;
  try {
    fields = decodeBlob(blob);
  } catch {
    return false;
  }
  if (!equal(fields.publicKeyBlob, encodePublicKeyBlob(publicKey))) return false;
  // An empty namespace is no purpose: the format has verifiers refuse it.
  if (namespace === "" || !equal(fields.namespace, utf8(namespace))) return false;
  return await verifySignature(
    publicKey,
    await signedData(namespace, fields.hash, message),
    fields.signature,
  );
}

/** As {@link verifySshsigBlob}, for the armored text. */
export async function verifySshsig(
  armored: string,
  namespace: string,
  message: Bytes,
  publicKey: Bytes,
): Promise<boolean> {
  const blob = unwrapArmor(LABEL, armored);
  return blob !== undefined && await verifySshsigBlob(blob, namespace, message, publicKey);
}

async function signedData(namespace: string, hash: SshsigHash, message: Bytes): Promise<Bytes> {
  const digest = await crypto.subtle.digest(hash === "sha256" ? "SHA-256" : "SHA-512", message);
  return concat(
    MAGIC,
    encodeString(namespace),
    encodeString(""),
    encodeString(hash),
    encodeString(new Uint8Array(digest)),
  );
}

/** The parts of a blob; throws if it is malformed. */
function decodeBlob(
  blob: Bytes,
): { publicKeyBlob: Bytes; namespace: Bytes; hash: SshsigHash; signature: Bytes } {
  return readWhole(blob, "a signature", (reader) => {
    if (!equal(reader.bytes(MAGIC.length), MAGIC)) reader.fail("it does not begin with SSHSIG");
    if (reader.u32() !== VERSION) reader.fail("it is of another version");
    const publicKeyBlob = readString(reader);
    const namespace = readString(reader);
    // Nothing is defined to stand there, and ssh-keygen signs it as empty whatever it holds.
    if (readString(reader).length !== 0) reader.fail("its reserved field is not empty");
    const hashName = readString(reader);
    const hash = (["sha256", "sha512"] as const).find((name) => equal(hashName, utf8(name)));
    if (hash === undefined) return reader.fail("its hash is unknown");
    const signature = readWhole(readString(reader), "a signature", (inner) => {
      if (!equal(readString(inner), utf8(KEY_TYPE))) inner.fail("it is not an Ed25519 signature");
      return readString(inner);
    });
    return { publicKeyBlob, namespace, hash, signature };
  });
}
