/**
 * The manifest on its way in, bounded before anything of it is kept.
 * @module
 */
import { type Bytes, concatAll, equal } from "../bytes/bytes.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import { StxError } from "../errors.ts";
import { MANIFEST_BODY_SIZE_MAX, MANIFEST_SIZE_MAX } from "../limits.ts";
import type { Entry } from "../ports.ts";
import { decodeManifest } from "../wire/manifest.ts";
import type { Message, Offer } from "../wire/message.ts";

/** SHA-256 over an encoded manifest: 32 bytes. */
export function digestOf(manifest: Bytes): Bytes {
  const hash = new StreamSha256();
  hash.update(manifest);
  return hash.finish();
}

/** See the module's text. */
export class IncomingManifest {
  readonly #offer: Offer;
  readonly #bodies: Bytes[] = [];
  readonly #entries: Entry[] = [];
  #sizeBytes = 0;

  constructor(offer: Offer) {
    this.#offer = offer;
  }

  /** The entries that have come. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Whether as many entries have come as were offered. */
  get isWhole(): boolean {
    return this.#entries.length >= this.#offer.entryCount;
  }

  /** Takes a MANIFEST message; throws `malformed`, `too_large`. */
  take(message: Message): void {
    const { body } = message;
    if (body.length > MANIFEST_BODY_SIZE_MAX) {
      throw new StxError("malformed", `Cannot read MANIFEST: it has ${body.length} bytes`);
    }
    const more = decodeManifest(body);
    if (more.length === 0) throw new StxError("malformed", "Cannot read MANIFEST: it has no entry");
    this.#sizeBytes += body.length;
    if (this.#sizeBytes > MANIFEST_SIZE_MAX) {
      throw new StxError("too_large", `the list of names is larger than ${MANIFEST_SIZE_MAX} bytes`);
    }
    this.#bodies.push(body);
    for (const entry of more) this.#entries.push(entry);
  }

  /** The manifest whole; throws `bad_manifest` if it is not the one that was offered. */
  finish(): Bytes {
    const manifest = concatAll(this.#bodies);
    this.checkDigest(manifest);
    return manifest;
  }

  /** Throws `bad_manifest` for entries that are not those whose number and digest the offer gave. */
  protected checkDigest(manifest: Bytes): void {
    const { entryCount, manifestDigest } = this.#offer;
    if (this.#entries.length === entryCount && equal(digestOf(manifest), manifestDigest)) return;
    throw new StxError("bad_manifest", "Cannot take the manifest: it is not the one that was offered");
  }
}
