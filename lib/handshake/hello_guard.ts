/**
 * What a server remembers across its handshakes, in memory alone, so that strangers cost it little: the nonces
 * of the HELLOs that it answered, and a budget of answers, each of which is public-key work.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { NONCE_RING_SIZE, PUBLIC_KEY_BURST, PUBLIC_KEY_PER_SECOND } from "../limits.ts";

/** One for all handshakes of a server. */
export class HelloGuard {
  /** In the order of their coming; the oldest makes room. */
  readonly #nonces = new Set<string>();
  #tokens = PUBLIC_KEY_BURST;
  #filledMs = 0;
  #admittedCount = 0;

  /**
   * Lets a HELLO through to the public-key work. Throws `handshake_failed` for a nonce that was here before and
   * `busy` where the budget, a token bucket, is used up for now. A repeated HELLO takes nothing from the budget, and one
   * that finds it empty is not remembered: its client may come again with the same words.
   * @param nonce 32 bytes
   * @returns the HELLO's number, in the order in which they were let through
   */
  admit(nonce: Bytes, nowMs: number): number {
    const key = String.fromCharCode(...nonce);
    this.refuseSeen(this.#nonces.has(key));
    // A clock that was set back must not empty the bucket, nor stop it from filling.
    const gained = Math.max(0, nowMs - this.#filledMs) * PUBLIC_KEY_PER_SECOND / 1000;
    this.#tokens = Math.min(PUBLIC_KEY_BURST, this.#tokens + gained);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) {
      throw new StxError("busy", "Cannot answer HELLO now: too many have come at once");
    }
    this.#tokens -= 1;
    this.#nonces.add(key);
    if (this.#nonces.size > NONCE_RING_SIZE) {
      const [oldest] = this.#nonces;
      this.#nonces.delete(oldest!);
    }
    return this.#admittedCount++;
  }

  /** Throws `handshake_failed` for a HELLO that was here before. */
  protected refuseSeen(wasSeen: boolean): void {
    if (wasSeen) throw new StxError("handshake_failed", "Cannot accept HELLO: it was here before");
  }
}
