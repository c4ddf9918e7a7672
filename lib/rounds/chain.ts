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
import { HASH_SIZE } from "../crypto/hkdf.ts";
import { secretBytes, secretExpand, secretHmac, secretSha256 } from "../crypto/secret_hash.ts";
import type { Random } from "../ports.ts";
import { MacError } from "./errors.ts";
import { encodeHeader, type Packet, type PacketHeader } from "./packet.ts";

/** The chain of one direction. */
export class Chain {
  readonly #key: Bytes = secretBytes(HASH_SIZE);
  #isErased = false;

  /** @param key 32 bytes, which are overwritten */
  constructor(key: Bytes) {
    this.#take(key);
  }

  /** The current chain key, for tests of both ends' agreement. */
  get key(): Bytes {
    return this.#key;
  }

  /** Seals the next packet of this direction. */
  seal(header: PacketHeader, body: Bytes, random: Random): Bytes {
    const iv = random.bytes(CBC_BLOCK_SIZE);
    const ciphertext = this.encrypt(iv, body);
    const covered = concat(encodeHeader(header, cbcCiphertextSize(body.length)), iv, ciphertext);
    const packet = concat(covered, this.#mac(covered));
    this.advance(packet);
    return packet;
  }

  /** Opens the next packet of this direction. Throws `MacError`, having changed nothing, if it is not authentic. */
  open(packet: Packet): Bytes {
    this.checkMac(packet);
    const body = this.decrypt(packet);
    // Whoever holds the keys has padded it wrongly; nobody is told the difference.
    if (body === undefined) throw notAuthentic();
    this.advance(packet.bytes);
    return body;
  }

  /** Overwrites the chain key; nothing can be sealed or opened afterwards. */
  erase(): void {
    this.#key.fill(0);
    this.#isErased = true;
  }

  /** Throws `MacError` for a packet that nobody with the chain key has made. */
  protected checkMac(packet: Packet): void {
    if (!equal(this.#mac(packet.covered), packet.mac)) throw notAuthentic();
  }

  /** Hides a body from everybody without the chain key. */
  protected encrypt(iv: Bytes, body: Bytes): Bytes {
    return this.#withKey("encrypt", CBC_KEY_SIZE, (key) => encryptCbc(key, iv, body));
  }

  /** The body of a packet; `undefined` where its padding is wrong. */
  protected decrypt({ iv, ciphertext }: Packet): Bytes | undefined {
    return this.#withKey("encrypt", CBC_KEY_SIZE, (key) => decryptCbc(key, iv, ciphertext));
  }

  /** Goes on to the next packet's chain key, and forgets this one's. */
  protected advance(packet: Bytes): void {
    this.#take(secretSha256(this.#key, packet));
  }

  #mac(covered: Bytes): Bytes {
    return this.#withKey("mac", HASH_SIZE, (key) => secretHmac(key, covered));
  }

  /** Runs `use` with one of the packet's keys, which is overwritten then. */
  #withKey<T>(label: string, sizeBytes: number, use: (key: Bytes) => T): T {
    if (this.#isErased) throw new Error("Cannot use a chain that is erased");
    const key = secretExpand(this.#key, utf8(`stx rounds ${label}`), sizeBytes);
    try {
      return use(key);
    } finally {
      key.fill(0);
    }
  }

  #take(key: Bytes): void {
    this.#key.set(key);
    key.fill(0);
  }
}

function notAuthentic(): MacError {
  return new MacError("Cannot accept a packet: its MAC does not hold");
}
