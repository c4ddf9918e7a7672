/**
 * A server's memory of the nonces that have opened a session, for as long as the process runs.
 * @module
 */
import { type Bytes, toHex } from "../bytes/bytes.ts";
import type { NonceStore } from "../ports.ts";

interface Claim {
  readonly nonce: string;
  readonly expiresMs: number;
}

/** See the module's text. It holds the claims that have not expired, and no others. */
export class MemoryNonceStore implements NonceStore {
  readonly #nonces = new Set<string>();
  /**
   * A binary heap: none expires later than the two at twice its place and one or two more. So the first to expire is
   * at hand, and forgetting looks at few that stay.
   */
  readonly #claims: Claim[] = [];

  /** Claims a nonce, and forgets those that expired before `nowMs`. */
  claim(nonce: Bytes, expiresMs: number, nowMs: number): boolean {
    while (this.#claims.length > 0 && this.#claims[0]!.expiresMs < nowMs) {
      this.#nonces.delete(this.#takeFirst().nonce);
    }
    const key = toHex(nonce);
    if (this.#nonces.has(key)) return false;
    this.#nonces.add(key);
    this.#add({ nonce: key, expiresMs });
    return true;
  }

  #add(claim: Claim): void {
    const claims = this.#claims;
    let at = claims.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (claims[parent]!.expiresMs <= claim.expiresMs) break;
      claims[at] = claims[parent]!;
      at = parent;
    }
    claims[at] = claim;
  }

  /** Takes the claim that expires first out of the heap, which must not be empty. */
  #takeFirst(): Claim {
    const claims = this.#claims;
    const first = claims[0]!;
    const last = claims.pop()!;
    const size = claims.length;
    if (size === 0) return first;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && claims[child + 1]!.expiresMs < claims[child]!.expiresMs) child += 1;
      if (claims[child]!.expiresMs >= last.expiresMs) break;
      claims[at] = claims[child]!;
      at = child;
    }
    claims[at] = last;
    return first;
  }
}
