/**
 * Somebody between a client and a server of the rounds protocol, who sees every packet and has no key.
 * @module
 */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { type Direction, OPCODES, type Packet, PacketAssembler } from "../../lib/rounds/packet.ts";
import type { ProtocolErrorKind } from "../../lib/rounds/errors.ts";

/** What somebody on the way knows when a packet comes by. */
export interface Sighting {
  readonly packet: Packet;
  readonly direction: Direction;
  /** Counts the packets of this direction from 0. */
  readonly index: number;
  /** Every packet so far, by direction, this one included. */
  readonly seen: Readonly<Record<Direction, readonly Bytes[]>>;
}

/** Says what goes on in a packet's place. */
export type Meddling = (sighting: Sighting) => Bytes;

/** A relay on a free port of 127.0.0.1 that lets somebody change packets. */
export class Meddler implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #upstreamPort: number;
  readonly #meddle: Meddling;
  readonly #work = new Set<Promise<void>>();
  readonly #open = new Set<Deno.TcpConn>();

  constructor(upstream: { readonly port: number }, meddle: Meddling) {
    this.#upstreamPort = upstream.port;
    this.#meddle = meddle;
    this.#work.add(this.#accept());
  }

  /** The port to connect to. */
  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#upstreamPort });
      const seen = { c2s: [], s2c: [] };
      this.#open.add(client).add(server);
      this.#work.add(this.#carry("c2s", client, server, seen)).add(this.#carry("s2c", server, client, seen));
    }
  }

  async #carry(
    direction: Direction,
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    seen: Record<Direction, Bytes[]>,
  ): Promise<void> {
    const packets = new PacketAssembler();
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let size; (size = await from.read(buffer)) !== null;) {
        packets.push(buffer.slice(0, size));
        for (let packet; (packet = packets.next()) !== undefined;) {
          seen[direction].push(packet.bytes);
          const index = seen[direction].length - 1;
          const bytes = this.#meddle({ packet, direction, index, seen });
          for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
        }
      }
      await to.closeWrite();
    } catch {
      // One of the two has hung up, and so does this.
      this.#cut(from, to);
    }
  }

  #cut(...connections: readonly Deno.TcpConn[]): void {
    for (const connection of connections) if (this.#open.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#cut(...this.#open);
    await Promise.all(this.#work);
  }
}

/**
 * A change to the third packet of one direction, a DATA or an AGGREGATE in round 2, for each way in which a packet can be
 * wrong: an earlier one of the same kind, a flipped bit, the other end's own packet, another opcode, and a size beyond
 * bounds.
 */
export function fault(kind: ProtocolErrorKind, direction: Direction): Meddling {
  return (sighting) => {
    const { packet, index, seen } = sighting;
    if (sighting.direction !== direction || index !== 2) return packet.bytes;
    const copy = packet.bytes.slice();
    const sizeAt = packet.bytes.length - packet.mac.length - packet.ciphertext.length - packet.iv.length - 4;
    switch (kind) {
      case "round":
        return seen[direction][1]!;
      case "mac":
        copy[copy.length - 40]! ^= 1;
        return copy;
      case "direction":
        return seen[direction === "c2s" ? "s2c" : "c2s"].at(-1)!;
      case "state":
        copy[1] = direction === "c2s" ? OPCODES.aggregate : OPCODES.challenge;
        return copy;
      case "limit":
        return concat(copy.subarray(0, sizeAt), new Uint8Array([0x7f, 0xff, 0xff, 0xf0]));
    }
  };
}
