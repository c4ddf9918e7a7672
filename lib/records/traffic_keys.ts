/**
 * The keys of one direction of a session. A key's generation is its sequence number's upper half: nothing
 * signals a change, and a generation's secret and key are gone once the next is in use.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { expandLabel, HASH_SIZE } from "../crypto/hkdf.ts";
import type { Suite } from "../crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../crypto/traffic_key.ts";
import { GENERATION_SHIFT } from "../limits.ts";

const NOTHING: Bytes = new Uint8Array(0);

/** The generations of one direction, in order. */
export class TrafficKeys {
  readonly #suite: Suite;
  #secret: Bytes;
  #generation = 0;
  #current: TrafficKey | undefined;
  #loading: Promise<TrafficKey>;
  #erased = false;

  /** Takes over `secret`, which it overwrites when its generation ends. */
  constructor(suite: Suite, secret: Bytes) {
    this.#suite = suite;
    this.#secret = secret;
    this.#loading = this.#load();
  }

  async #load(): Promise<TrafficKey> {
    const generation = this.#generation;
    const key = await this.importKey(this.#suite, this.#secret);
    if (generation === this.#generation) this.#current = key;
    return key;
  }

  /** The key of a generation: what it seals carries a tag, and what carries none is not opened. */
  protected importKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
    return importTrafficKey(suite, secret);
  }

  /** The secret of the next generation, from which nobody gets back to this one. */
  protected nextSecret(secret: Bytes): Bytes {
    return expandLabel(secret, "traffic upd", NOTHING, HASH_SIZE);
  }

  /** Overwrites a secret whose time is over. */
  protected forget(secret: Bytes): void {
    secret.fill(0);
  }

  /**
   * The key for a sequence number. Numbers must come in ascending order: an earlier generation's key is not
   * to be had any more. A promise is returned only while a generation's key is being imported.
   */
  at(sequence: number): TrafficKey | Promise<TrafficKey> {
    if (this.#erased) throw new Error("The session's keys are erased");
    const generation = Math.floor(sequence / 2 ** GENERATION_SHIFT);
    if (this.#generation < generation) {
      while (this.#generation < generation) {
        const next = this.nextSecret(this.#secret);
        this.forget(this.#secret);
        this.#secret = next;
        this.#generation += 1;
      }
      this.#current = undefined;
      this.#loading = this.#load();
    }
    return this.#current ?? this.#loading;
  }

  /** Overwrites the secret and lets go of the key. */
  erase(): void {
    this.forget(this.#secret);
    this.#erased = true;
    this.#current = undefined;
    this.#loading = Promise.reject(new Error("The session's keys are erased"));
    this.#loading.catch(() => {});
  }
}
