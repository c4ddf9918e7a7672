/**
 * How a session's chains come of the root of its epoch.
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { HASH_SIZE, sha256 } from "../crypto/hkdf.ts";
import { secretExpand, secretHmac } from "../crypto/secret_hash.ts";
import { Chain } from "./chain.ts";
import type { Direction } from "./packet.ts";

/** See the module's text. It keeps nothing: one does for any number of sessions. */
export class KeySchedule {
  /**
   * Runs `use` with the chain of HELLO or CHALLENGE: `HKDF-Expand(root, "stx rounds hello " | "c2s" or "s2c", 32)`. It
   * is for one packet, and erased then.
   */
  withHelloChain<T>(root: Bytes, direction: Direction, use: (chain: Chain) => T): T {
    const chain = this.makeChain(secretExpand(root, utf8(`stx rounds hello ${direction}`), HASH_SIZE));
    try {
      return use(chain);
    } finally {
      chain.erase();
    }
  }

  /**
   * The chains of a session: `HKDF-Expand(HKDF-Extract(SHA-256(HELLO | CHALLENGE), root), "stx rounds session " | "c2s"
   * or "s2c", 32)`, the two packets whole.
   */
  sessionChains(root: Bytes, hello: Bytes, challenge: Bytes): Readonly<Record<Direction, Chain>> {
    const secret = this.sessionSecret(root, hello, challenge);
    const chain = (direction: Direction) => this.makeChain(this.firstKey(secret, direction));
    const chains = { c2s: chain("c2s"), s2c: chain("s2c") };
    secret.fill(0);
    return chains;
  }

  /** The secret of one session alone; whoever gets it overwrites it. */
  protected sessionSecret(root: Bytes, hello: Bytes, challenge: Bytes): Bytes {
    return secretHmac(sha256(hello, challenge), root);
  }

  /** The first chain key of one direction alone. */
  protected firstKey(secret: Bytes, direction: Direction): Bytes {
    return secretExpand(secret, utf8(`stx rounds session ${direction}`), HASH_SIZE);
  }

  /** A chain; the simulator's controls have others. */
  protected makeChain(key: Bytes): Chain {
    return new Chain(key);
  }
}
