/**
 * The rounds protocol's packets and keys once more, from the specification alone and with the platform's own functions,
 * so that a mistake that both ends make is seen.
 * @module
 */
import { createDecipheriv, createHash, createHmac } from "node:crypto";
import { type Bytes, concat, equal, utf8 } from "../../../lib/bytes/bytes.ts";

/** A direction's name in labels. */
export type Way = "c2s" | "s2c";

/** A packet, read. */
export interface SpecPacket {
  readonly bytes: Bytes;
  readonly opcode: number;
  readonly direction: number;
  readonly id: string;
  readonly epoch: number;
  readonly round: number;
}

/** HMAC-SHA256. */
export function hmac(key: Bytes, ...parts: readonly Bytes[]): Bytes {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

/** SHA-256. */
export function hash(...parts: readonly Bytes[]): Bytes {
  const sha256 = createHash("sha256");
  for (const part of parts) sha256.update(part);
  return new Uint8Array(sha256.digest());
}

function expand(secret: Bytes, label: string, sizeBytes: number): Bytes {
  return hmac(secret, utf8(label), Uint8Array.of(1)).slice(0, sizeBytes);
}

/** The root of the next epoch. */
export function rootBehind(root: Bytes): Bytes {
  return hmac(root, utf8("stx rounds next"));
}

/** The chain of HELLO or CHALLENGE. */
export function helloChain(root: Bytes, way: Way): Bytes {
  return expand(root, `stx rounds hello ${way}`, 32);
}

/** The first chain of a session's direction. */
export function sessionChain(root: Bytes, hello: Bytes, challenge: Bytes, way: Way): Bytes {
  return expand(hmac(hash(hello, challenge), root), `stx rounds session ${way}`, 32);
}

/** The chain behind a packet. */
export function chainBehind(chain: Bytes, packet: Bytes): Bytes {
  return hash(chain, packet);
}

/** Whether a packet was sealed under a chain. */
export function isSealedUnder(chain: Bytes, { bytes }: SpecPacket): boolean {
  const mac = hmac(expand(chain, "stx rounds mac", 32), bytes.subarray(0, -32));
  return equal(mac, bytes.subarray(-32));
}

/** What a packet says. */
export function bodyOf(chain: Bytes, { bytes }: SpecPacket): Bytes {
  const ivAt = 4 + bytes[3]! + 12;
  const key = expand(chain, "stx rounds encrypt", 16);
  const decipher = createDecipheriv("aes-128-cbc", key, bytes.subarray(ivAt, ivAt + 16));
  return concat(decipher.update(bytes.subarray(ivAt + 16, -32)), decipher.final());
}

/** Cuts a stream of bytes into packets. */
export class SpecStream {
  #rest: Bytes = new Uint8Array(0);

  /** The packets that are whole with these bytes. */
  push(bytes: Bytes): readonly SpecPacket[] {
    this.#rest = concat(this.#rest, bytes);
    const packets: SpecPacket[] = [];
    for (;;) {
      const idSize = this.#rest[3];
      if (idSize === undefined || this.#rest.length < 16 + idSize) return packets;
      const view = new DataView(this.#rest.buffer, this.#rest.byteOffset);
      const size = 16 + idSize + 16 + view.getUint32(idSize + 12) + 32;
      if (this.#rest.length < size) return packets;
      const packet = this.#rest.slice(0, size);
      this.#rest = this.#rest.slice(size);
      packets.push({
        bytes: packet,
        opcode: packet[1]!,
        direction: packet[2]!,
        id: String.fromCharCode(...packet.subarray(4, 4 + idSize)),
        epoch: view.getUint32(4 + idSize),
        round: view.getUint32(8 + idSize),
      });
    }
  }
}
