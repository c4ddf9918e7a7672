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

/** An address, or what counts as one, with handshakes under way. */
interface Network {
  readonly name: string;
  count: number;
}

/** How many handshakes there may be. */
export interface AdmissionLimits {
  /** In all. */
  readonly places: number;
  /** From one network. */
  readonly perNetwork: number;
}

const STX_LIMITS: AdmissionLimits = { places: HANDSHAKES_MAX, perNetwork: HANDSHAKES_PER_ADDRESS_MAX };

/** One handshake under way. */
interface Place {
  readonly network: Network;
  readonly evict: () => void;
}

/** See the module's text. It keeps nothing beside the places that are taken, and looks at each of them at most. */
export class Admission {
  readonly #random: Random;
  readonly #limits: AdmissionLimits;
  readonly #places: Place[] = [];
  /** Those with places, by name. */
  readonly #networks = new Map<string, Network>();

  /**
   * All places are free.
   * @param random decides who is evicted; each candidate of the older half is equally likely
   */
  constructor(random: Random, limits: AdmissionLimits = STX_LIMITS) {
    this.#random = random;
    this.#limits = limits;
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
    const name = networkOf(address);
    const network = this.#networks.get(name) ?? { name, count: 0 };
    this.#networks.set(name, network);
    network.count += 1;
    const place: Place = { network, evict };
    const evicted = this.#whoMakesRoom(network);
    if (evicted !== undefined) this.#leave(evicted);
    this.#places.push(place);
    // Comes last, so that whatever it calls finds the books in order.
    evicted?.evict();
    return () => this.#leave(place);
  }

  /** Who goes for a newcomer of `network`, which is counted there but has no place yet. */
  #whoMakesRoom(network: Network): Place | undefined {
    if (network.count > this.#limits.perNetwork) return this.#anyOf((each) => each === network);
    if (this.#places.length < this.#limits.places) return undefined;
    let most = network.count;
    for (const place of this.#places) most = Math.max(most, place.network.count);
    return this.#anyOf((each) => each.count === most);
  }

  /**
   * A random one of the older half of those networks' places, of which there must be one. Places stand in the order of
   * their coming: who has just come needs a moment more, who has been there long mostly does not mean to finish.
   */
  #anyOf(isMeant: (network: Network) => boolean): Place {
    // Counted and not copied: under a flood this runs so often that copies would fill the memory.
    let candidateCount = 0;
    for (const { network } of this.#places) if (isMeant(network)) candidateCount += 1;
    let skipCount = this.#below(Math.ceil(candidateCount / 2));
    return this.#places.find(({ network }) => isMeant(network) && skipCount-- === 0)!;
  }

  #leave(place: Place): void {
    const index = this.#places.indexOf(place);
    if (index === -1) return;
    this.#places.splice(index, 1);
    place.network.count -= 1;
    if (place.network.count === 0) this.#networks.delete(place.network.name);
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
