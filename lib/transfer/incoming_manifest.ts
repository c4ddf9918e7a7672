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
import type { ManifestShare } from "./manifest_budget.ts";
import { MANIFEST_PART_SIZE, type WholeManifest } from "./stored_manifest.ts";

/** See the module's text. */
export class IncomingManifest {
  readonly #offer: Offer;
  readonly #parts: Bytes[] = [];
  /** What has come behind the last part. */
  #bodies: Bytes[] = [];
  #bodiesBytes = 0;
  readonly #hash = new StreamSha256();
  readonly #entries: Entry[] = [];
  #sizeBytes = 0;

  constructor(offer: Offer) {
    this.#offer = offer;
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
    if (this.#bodiesBytes + body.length > MANIFEST_PART_SIZE) this.#endPart();
    this.#bodies.push(body);
    this.#bodiesBytes += body.length;
    this.#hash.update(body);
    for (const entry of more) this.#entries.push(entry);
  }

  /**
   * Takes messages until all has come; what {@link ManifestShare.grow}, `take` or `finish` throws.
   * @param share what it all takes of the memory
   */
  async takeAll(next: () => Promise<Message>, share: ManifestShare | undefined): Promise<WholeManifest> {
    while (!this.isWhole) {
      const message = await next();
      const before = this.#entries.length;
      this.take(message);
      share?.grow(message.body.length, this.#entries.length - before);
    }
    return this.finish();
  }

  #endPart(): void {
    this.#parts.push(concatAll(this.#bodies));
    this.#bodies = [];
    this.#bodiesBytes = 0;
  }

  /** The manifest whole; throws `bad_manifest` if it is not the one that was offered. To be called once. */
  finish(): WholeManifest {
    this.#endPart();
    const digest = this.#hash.finish();
    this.checkDigest(digest);
    return {
      manifestDigest: digest,
      manifestSizeBytes: this.#sizeBytes,
      parts: this.#parts,
      entries: this.#entries,
    };
  }

  /** Throws `bad_manifest` for entries that are not those whose number and digest the offer gave. */
  protected checkDigest(digest: Bytes): void {
    const { entryCount, manifestDigest } = this.#offer;
    if (this.#entries.length === entryCount && equal(digest, manifestDigest)) return;
    throw new StxError("bad_manifest", "Cannot take the manifest: it is not the one that was offered");
  }
}
