/**
 * What handshakes may take of a server before anybody has proved anything: a bounded number of places, of which
 * one network has only a part. A newcomer always gets one, at the cost of somebody who has been there longer.
 *
 * Turning newcomers away at random, as OpenSSH's MaxStartups does, would lock everybody out: strangers who say
 * nothing hold their places until a deadline of seconds, so a newcomer would nearly never find one free. An honest
 * handshake is over after two round trips, and so has mostly left before its turn to be evicted comes.
 * @module
 */
import { toHex } from "../bytes/bytes.ts";
import { parseAddress } from "../identity/address_patterns.ts";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX } from "../limits.ts";
import type { Random } from "../ports.ts";

/** Bytes of an IPv6 address that one customer owns at least: a /64. */
const IPV6_NETWORK_SIZE = 8;

/** One handshake under way. */
interface Place {
  readonly network: string;
  readonly evict: () => void;
}

/** See the module's text. It keeps nothing beside the places that are taken. */
export class Admission {
  readonly #random: Random;
  readonly #places = new Set<Place>();
  /** How many places each network has; networks without any are not listed. */
  readonly #counts = new Map<string, number>();

  /**
   * All places are free.
   * @param random decides who is evicted; each candidate is equally likely
   */
  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Takes a place for a handshake with `address`. Where the address's network (an IPv4 address, an IPv6 /64) has
   * all places that one may have, one of its own handshakes is evicted; otherwise, where every place is taken, one
   * of the network that has the most, the newcomer counted, so that no network loses a place to one that has more.
   * @param evict ends this handshake when it loses its place: called at most once, never after leaving, and must
   * not throw
   * @returns leaves the place; may be called again, and after an eviction
   */
  enter(address: string, evict: () => void): () => void {
    const place: Place = { network: networkOf(address), evict };
    const evicted = this.#makeRoom(place.network);
    this.#places.add(place);
    this.#counts.set(place.network, this.#count(place.network) + 1);
    // Comes last, so that whatever it calls finds the books in order.
    evicted?.evict();
    return () => this.#leave(place);
  }

  /** Takes a place from somebody if a newcomer of `network` needs it. */
  #makeRoom(network: string): Place | undefined {
    let losers: (place: Place) => boolean;
    if (this.#count(network) >= HANDSHAKES_PER_ADDRESS_MAX) {
      losers = (place) => place.network === network;
    } else if (this.#places.size >= HANDSHAKES_MAX) {
      const countWithNewcomer = (each: string) => this.#count(each) + (each === network ? 1 : 0);
      const most = Math.max(countWithNewcomer(network), ...this.#counts.values());
      losers = (place) => countWithNewcomer(place.network) === most;
    } else {
      return undefined;
    }
    const candidates = [...this.#places].filter(losers);
    const evicted = candidates[this.#below(candidates.length)]!;
    this.#leave(evicted);
    return evicted;
  }

  #leave(place: Place): void {
    if (!this.#places.delete(place)) return;
    const left = this.#count(place.network) - 1;
    if (left === 0) this.#counts.delete(place.network);
    else this.#counts.set(place.network, left);
  }

  #count(network: string): number {
    return this.#counts.get(network) ?? 0;
  }

  /** A random whole number from 0 up to, but not including, `end`. */
  #below(end: number): number {
    // Numbers behind the last whole multiple would make the first results likelier than the others.
    const usable = 2 ** 32 - 2 ** 32 % end;
    for (;;) {
      const bytes = this.#random.bytes(4);
      const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (number < usable) return number % end;
    }
  }
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
function networkOf(address: string): string {
  const parsed = parseAddress(address.replace(/%.*$/, ""));
  // An IPv4 address has 4 bytes and stays whole.
  return parsed === undefined ? address : toHex(parsed.bytes.subarray(0, IPV6_NETWORK_SIZE));
}
