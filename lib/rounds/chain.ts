/**
 * The ratchet: one chain key a direction, from which each packet gets keys of its own. After each packet the chain
 * goes on by a hash of the whole packet, and the old chain key is overwritten: who learns a chain key can open no
 * packet before it, and who changes a packet sets the ends apart.
 *
 * `encryption key(16) = HKDF-Expand(chain, "stx rounds encrypt")`, `MAC key(32) = HKDF-Expand(chain, "stx rounds
 * mac")`, `chain' = SHA-256(chain | packet)`.
 * @module
 */
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { CBC_BLOCK_SIZE, CBC_KEY_SIZE, cbcCiphertextSize, decryptCbc, encryptCbc } from "../crypto/cbc.ts";
import { HASH_SIZE, hkdfExpand, hkdfExtract, hmacSha256, sha256 } from "../crypto/hkdf.ts";
import type { Random } from "../ports.ts";
import { MacError } from "./errors.ts";
import { type Direction, encodeHeader, type Packet, type PacketHeader } from "./packet.ts";

/** The chain of one direction. */
export class Chain {
  #key: Bytes;
  /** Seals one after the other: a packet's keys hang on the packet before it. */
  #sealing: Promise<unknown> = Promise.resolve();

  /** @param key 32 bytes, which belong to the chain from now on */
  constructor(key: Bytes) {
    this.#key = key;
  }

  /** The current chain key, for tests of both ends' agreement. */
  get key(): Bytes {
    return this.#key;
  }

  /** Seals a packet; packets come out in the order of the calls. */
  seal(header: PacketHeader, body: Bytes, random: Random): Promise<Bytes> {
    const sealed = this.#sealing.then(async () => {
      const iv = random.bytes(CBC_BLOCK_SIZE);
      const key = hkdfExpand(this.#key, utf8("stx rounds encrypt"), CBC_KEY_SIZE);
      const ciphertext = await encryptCbc(key, iv, body);
      key.fill(0);
      const covered = concat(encodeHeader(header, cbcCiphertextSize(body.length)), iv, ciphertext);
      const packet = concat(covered, this.#mac(covered));
      this.#advance(packet);
      return packet;
    });
    this.#sealing = sealed.catch(() => {});
    return sealed;
  }

  /** Says in constant time whether a packet's MAC holds under the current chain key. */
  fits(packet: Packet): boolean {
    return equal(this.#mac(packet.covered), packet.mac);
  }

  /** Opens the next packet of this direction. Throws `MacError`, having changed nothing, if it is not authentic. */
  async open(packet: Packet): Promise<Bytes> {
    if (!this.fits(packet)) throw new MacError("Cannot accept a packet: its MAC does not hold");
    const key = hkdfExpand(this.#key, utf8("stx rounds encrypt"), CBC_KEY_SIZE);
    const body = await decryptCbc(key, packet.iv, packet.ciphertext);
    key.fill(0);
    // Whoever holds the keys has padded it wrongly; nobody is told the difference.
    if (body === undefined) throw new MacError("Cannot accept a packet: its MAC does not hold");
    this.#advance(packet.bytes);
    return body;
  }

  /** Overwrites the chain key; nothing can be sealed or opened afterwards. */
  erase(): void {
    this.#key.fill(0);
    this.#key = new Uint8Array(0);
  }

  #mac(covered: Bytes): Bytes {
    if (this.#key.length === 0) throw new Error("Cannot use a chain that is erased");
    const key = hkdfExpand(this.#key, utf8("stx rounds mac"), HASH_SIZE);
    const mac = hmacSha256(key, covered);
    key.fill(0);
    return mac;
  }

  #advance(packet: Bytes): void {
    const next = sha256(this.#key, packet);
    this.#key.fill(0);
    this.#key = next;
  }
}

/**
 * The chain of HELLO or CHALLENGE: `HKDF-Expand(root, "stx rounds hello " | "c2s" or "s2c", 32)`. It is used for one
 * packet.
 */
export function helloChain(root: Bytes, direction: Direction): Chain {
  return new Chain(hkdfExpand(root, utf8(`stx rounds hello ${direction}`), HASH_SIZE));
}

/**
 * The chains of a session: `HKDF-Expand(HKDF-Extract(SHA-256(HELLO | CHALLENGE), root), "stx rounds session " | "c2s"
 * or "s2c", 32)`, the two packets whole.
 */
export function sessionChains(
  root: Bytes,
  hello: Bytes,
  challenge: Bytes,
): Readonly<Record<Direction, Chain>> {
  const session = hkdfExtract(sha256(hello, challenge), root);
  const chain = (direction: Direction) =>
    new Chain(hkdfExpand(session, utf8(`stx rounds session ${direction}`), HASH_SIZE));
  const chains = { c2s: chain("c2s"), s2c: chain("s2c") };
  session.fill(0);
  return chains;
}
