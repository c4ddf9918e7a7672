/**
 * Cuts a stream of the rounds protocol into packets, as anybody can who sees it: headers stand in the clear.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { ROUNDS_CIPHERTEXT_SIZE_MAX } from "../limits.ts";
import { UnitStream } from "./unit_stream.ts";
import type { Unit } from "./wire.ts";

/** Bytes before the id, from there to the IV, of the IV, and of the MAC. */
const HEAD_SIZE = 4;
const NUMBERS_SIZE = 12;
const IV_SIZE = 16;
const MAC_SIZE = 32;
/** The packets' names by their numbers. */
const NAMES = ["", "HELLO", "CHALLENGE", "DATA", "AGGREGATE", "CLOSE"];

/** One direction of one connection. */
export class RoundsUnits extends UnitStream {
  #count = 0;

  protected override nextSize(there: Bytes): number | undefined {
    if (there.length < HEAD_SIZE) return undefined;
    const { ciphertextAt, macAt } = packetOffsets(there);
    if (macAt === undefined) return undefined;
    return macAt - ciphertextAt > ROUNDS_CIPHERTEXT_SIZE_MAX ? Infinity : macAt + MAC_SIZE;
  }

  protected override unit(bytes: Bytes): Unit {
    const name = NAMES[bytes[1]!] ?? `packet of opcode ${bytes[1]}`;
    return { from: this.from, kind: "packet", name, number: this.#count++, bytes };
  }
}

/** Where the fields of a packet are. */
export interface PacketOffsets {
  readonly epochAt: number;
  readonly roundAt: number;
  readonly ivAt: number;
  readonly ciphertextAt: number;
  /** Absent where the size is not there yet. */
  readonly macAt: number | undefined;
}

/** Finds the fields of a packet, or of the beginning of one. */
export function packetOffsets(bytes: Bytes): PacketOffsets {
  const epochAt = HEAD_SIZE + (bytes[3] ?? 0);
  const ivAt = epochAt + NUMBERS_SIZE;
  const ciphertextAt = ivAt + IV_SIZE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const macAt = bytes.length < ivAt ? undefined : ciphertextAt + view.getUint32(ivAt - 4);
  return { epochAt, roundAt: epochAt + 4, ivAt, ciphertextAt, macAt };
}
