/**
 * Packets of the rounds that are changed on their way, or made by the attacker.
 * @module
 */
import { type Bytes, concat, utf8 } from "../../bytes/bytes.ts";
import { packetOffsets } from "../rounds_units.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, type Move, pass, PEER, replace, type Unit } from "../wire.ts";
import { isPacket } from "./rounds_targets.ts";

/** Digits of a value that this attacker takes for granted. */
const DIGITS_MIN = 6;

/**
 * Changes a digit of the second value: in CBC a bit of the IV that is flipped flips the same bit of the first block, and
 * nothing else.
 */
export function tamperData(seeded: Seeded): Attacker {
  const digit = seeded.below(DIGITS_MIN);
  return {
    take(unit) {
      if (!isPacket(unit, "DATA", 2)) return [pass(unit)];
      const bytes = unit.bytes.slice();
      bytes[packetOffsets(bytes).ivAt + digit]! ^= 1;
      return [replace(unit, bytes, `one bit of byte ${digit} of its IV changed`)];
    },
  };
}

/** Puts a packet of its own in the place of the second value: the header is copied, the rest is made up. */
export function injectData(seeded: Seeded): Attacker {
  const value = utf8(String(10 ** 6 + seeded.below(10 ** 6)));
  return {
    take(unit) {
      if (!isPacket(unit, "DATA", 2)) return [pass(unit)];
      return [replace(unit, forge(unit.bytes, value, seeded), "one of the attacker's own in its place")];
    },
  };
}

/** The header of a packet, and behind it a value of less than 16 bytes as if there were neither encryption nor MAC. */
function forge(packet: Bytes, value: Bytes, seeded: Seeded): Bytes {
  const { ivAt } = packetOffsets(packet);
  const header = packet.slice(0, ivAt);
  new DataView(header.buffer).setUint32(ivAt - 4, 16);
  const padding = 16 - value.length;
  return concat(header, seeded.bytes(16), value, new Uint8Array(padding).fill(padding), seeded.bytes(32));
}

/** Which bit of which packet is flipped. */
export interface PacketBit {
  readonly name: "HELLO" | "CHALLENGE" | "DATA" | "AGGREGATE";
  /** Where: in the header, anywhere behind it, or in the four bytes of the IV that hide an aggregate's count of clients. */
  readonly part: "header" | "rest" | "count";
}

/** One packet of each kind in each part, a bit in a connection; more connections begin from the front. */
export const PACKET_BITS: readonly PacketBit[] = [
  { name: "DATA", part: "rest" },
  { name: "AGGREGATE", part: "count" },
  { name: "CHALLENGE", part: "rest" },
  { name: "HELLO", part: "rest" },
  { name: "AGGREGATE", part: "rest" },
  { name: "DATA", part: "header" },
  { name: "CHALLENGE", part: "header" },
  { name: "HELLO", part: "header" },
  { name: "AGGREGATE", part: "header" },
];

/** Flips one bit in each connection, in the packets of {@link PACKET_BITS} one after the other. */
export function flipPacketBits(seeded: Seeded): (connection: number) => Attacker {
  return (connection) => {
    const { name, part } = PACKET_BITS[connection % PACKET_BITS.length]!;
    let isDone = false;
    return {
      take(unit) {
        if (isDone || unit.name !== name) return [pass(unit)];
        isDone = true;
        return flipBitOf(unit, part, seeded);
      },
    };
  };
}

function flipBitOf(unit: Unit, part: PacketBit["part"], seeded: Seeded): readonly Move[] {
  const bytes = unit.bytes.slice();
  const { ivAt } = packetOffsets(bytes);
  const [from, size] = part === "header"
    ? [0, ivAt]
    : part === "rest"
    ? [ivAt, bytes.length - ivAt]
    : [ivAt + 8, 4];
  const at = from + seeded.below(size);
  const bit = seeded.below(8);
  bytes[at]! ^= 1 << bit;
  const moves: Move[] = [replace(unit, bytes, `bit ${bit} of byte ${at} flipped`)];
  // Whoever waits for more than there is would do so until its time is up; it comes to the same.
  const isSize = at === 3 || (at >= ivAt - 4 && at < ivAt);
  return isSize ? [...moves, { kind: "end", to: PEER[unit.from], note: "nothing follows" }] : moves;
}
