/**
 * The list of keys that are never to be trusted, whoever shows them: one a line, either as a public key,
 * `ssh-ed25519 AAAA... comment`, or as a fingerprint, `SHA256:... comment`. Empty lines and lines that begin with `#`
 * are passed over. A line that cannot be read is an error: it may be the one that counts.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { parsePeer } from "./peer_pin.ts";
import { fingerprint, parsePublicKeyLine } from "./public_key.ts";
import { entryLines } from "./ssh_encoding.ts";

/** One line. */
export interface RevokedKey {
  /** "SHA256:" and 43 characters of base64. */
  readonly fingerprint: string;
  /** As it stands in the file: escape it before printing. Empty if there is none. */
  readonly comment: string;
  /** Its line in the file, from 1. */
  readonly line: number;
}

/** A list of revoked keys. */
export class RevokedKeys {
  /** The lines, in the file's order. */
  readonly entries: readonly RevokedKey[];
  readonly #fingerprints: ReadonlySet<string>;

  /** Made by {@link parseRevokedKeys}; without entries it revokes nothing. */
  constructor(entries: readonly RevokedKey[] = []) {
    this.entries = entries;
    this.#fingerprints = new Set(entries.map((entry) => entry.fingerprint));
  }

  /** Says whether a public key is revoked. */
  has(publicKey: Bytes): boolean {
    return this.hasFingerprint(fingerprint(publicKey));
  }

  /** Says whether the key with this fingerprint, as {@link fingerprint} writes it, is revoked. */
  hasFingerprint(text: string): boolean {
    return this.#fingerprints.has(text);
  }
}

/** Parses a list. Throws `bad_trust_file`, naming the line, if one cannot be read. */
export function parseRevokedKeys(text: string): RevokedKeys {
  return new RevokedKeys(
    entryLines(text).map((line) => {
      try {
        return { ...parseEntry(line.text), line: line.number };
      } catch (error) {
        if (!(error instanceof StxError)) throw error;
        throw new StxError(
          "bad_trust_file",
          `Line ${line.number} of the revoked keys cannot be used. ${error.message}`,
          { hint: `Correct line ${line.number}: until then nobody is trusted.` },
        );
      }
    }),
  );
}

function parseEntry(text: string): Omit<RevokedKey, "line"> {
  const [first = ""] = text.split(/[ \t]/, 1);
  const pin = first.startsWith("SHA256:") ? parsePeer(first) : undefined;
  if (pin?.kind === "fingerprint") {
    return { fingerprint: pin.fingerprint, comment: text.slice(first.length).trim() };
  }
  const { publicKey, comment } = parsePublicKeyLine(text);
  return { fingerprint: fingerprint(publicKey), comment };
}
