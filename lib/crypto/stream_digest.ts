/**
 * SHA-256 of data streams at the platform's speed, fed piece by piece, which WebCrypto does not offer.
 * @module
 */
import { createHash } from "node:crypto";
import type { Bytes } from "../bytes/bytes.ts";

/** A SHA-256 over a stream. */
export class StreamSha256 {
  readonly #hash = createHash("sha256");

  update(bytes: Bytes): void {
    this.#hash.update(bytes);
  }

  /** The 32-byte hash; the object is used up. */
  finish(): Bytes {
    return new Uint8Array(this.#hash.digest());
  }
}
