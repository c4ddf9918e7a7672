/**
 * What the user says a peer must be: a public key, or its fingerprint.
 * @module
 */
import { type Bytes, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { fingerprint, KEY_TYPE, parsePublicKeyLine } from "./public_key.ts";
import { decodeBase64 } from "./ssh_encoding.ts";

/** The one key that a peer may have. */
export type PeerPin =
  | { readonly kind: "key"; readonly publicKey: Bytes }
  | {
    readonly kind: "fingerprint";
    /** "SHA256:" and 43 characters of base64. */
    readonly fingerprint: string;
  };

/**
 * What a text given for a peer names: the key if it is a line "ssh-ed25519 AAAA...", the fingerprint if it
 * begins with "SHA256:", else `undefined`, and the caller takes it for a file's name. Throws `bad_key_file`
 * or `usage` for a text that begins as a key or a fingerprint and is not a whole one: to look for a file of
 * that name would hide the slip.
 */
export function parsePeer(text: string): PeerPin | undefined {
  const trimmed = text.trim();
  if (/^ssh-ed25519\s/.test(trimmed)) {
    return { kind: "key", publicKey: parsePublicKeyLine(trimmed).publicKey };
  }
  if (!trimmed.startsWith("SHA256:")) return undefined;
  const digest = trimmed.slice("SHA256:".length);
  if (digest.length !== 43 || decodeBase64(`${digest}=`) === undefined) {
    throw new StxError("usage", "Cannot use this fingerprint: expected SHA256: and 43 characters of base64", {
      hint: `Copy it whole; "ssh-keygen -lf FILE" prints that of a key. Or give the line ${KEY_TYPE} AAAA...`,
    });
  }
  return { kind: "fingerprint", fingerprint: trimmed };
}

/** Says whether a peer's key is the one that was pinned. */
export function matchesPin(pin: PeerPin, publicKey: Bytes): boolean {
  return pin.kind === "key"
    ? equal(pin.publicKey, publicKey)
    : equal(utf8(pin.fingerprint), utf8(fingerprint(publicKey)));
}
