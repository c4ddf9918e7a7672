/**
 * What a sender offers, worked out once for all its attempts, and the name that it gives to the transfer.
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { sha256 } from "../crypto/hkdf.ts";
import { StxError } from "../errors.ts";
import { ENTRY_COUNT_MAX } from "../limits.ts";
import type { Entry } from "../ports.ts";
import { u32 } from "../wire/fields.ts";
import { encodeManifest, totalSizeBytes } from "../wire/manifest.ts";

/** A manifest ready to be sent. */
export interface Manifest {
  /** What is sent, in the order of the stream. */
  readonly entries: readonly Entry[];
  /** The bodies of its MANIFEST records. */
  readonly bodies: readonly Bytes[];
  /** SHA-256 over all bodies one after the other. */
  readonly digest: Bytes;
  /** Bytes of all contents, or `null` where nobody knows yet. */
  readonly sizeBytes: number | null;
}

/** Encodes entries; throws `bad_name` for a path that is too long, `bad_manifest` for too many entries or none. */
export function makeManifest(entries: readonly Entry[], isSizeKnown: boolean): Manifest {
  if (entries.length === 0 || entries.length > ENTRY_COUNT_MAX) {
    throw new StxError(
      "bad_manifest",
      `Cannot send ${entries.length} files and folders: at most ${ENTRY_COUNT_MAX} go into one transfer`,
      { hint: "send them in several transfers, or pack them first" },
    );
  }
  const bodies = encodeManifest(entries);
  return {
    entries,
    bodies,
    digest: sha256(...bodies),
    sizeBytes: isSizeKnown ? totalSizeBytes(entries) : null,
  };
}

/**
 * `SHA-256("stx1 transfer" | 0 | sender key | receiver key | block size(4) | manifest digest)`: the same files
 * between the same two are the same transfer, whenever and over whichever connection.
 */
export function transferIdOf(
  sender: Bytes,
  receiver: Bytes,
  blockSizeBytes: number,
  manifestDigest: Bytes,
): Bytes {
  return sha256(
    utf8("stx1 transfer"),
    Uint8Array.of(0),
    sender,
    receiver,
    u32(blockSizeBytes),
    manifestDigest,
  );
}
