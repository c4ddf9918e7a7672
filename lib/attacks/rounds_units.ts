/**
 * Cuts a stream of the rounds protocol into packets, as anybody can who sees it: headers stand in the clear.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import type { End, Unit } from "./wire.ts";

/** Bytes before the id, from there to the IV, of the IV, and of the MAC. */
const HEAD_SIZE = 4;
const NUMBERS_SIZE = 12;
const IV_SIZE = 16;
const MAC_SIZE = 32;
/** The packets' names by their numbers. */
const NAMES = ["", "HELLO", "CHALLENGE", "DATA", "AGGREGATE", "CLOSE"];

/** One direction of one connection. */
export class RoundsUnits {
  readonly #from: End;
  #rest: Bytes = new Uint8Array(0);
  #count = 0;

  /** Reads what `from` sends. */
  constructor(from: End) {
    this.#from = from;
  }

  /** Takes bytes as they arrived; gives the packets that are whole by now. */
  push(bytes: Bytes): readonly Unit[] {
    this.#rest = concat(this.#rest, bytes);
    const units: Unit[] = [];
    for (;;) {
      const unit = this.#packet();
      if (unit === undefined) return units;
      this.#rest = this.#rest.slice(unit.bytes.length);
      units.push(unit);
    }
  }

  /** What no packet was made of, at the end of the stream. */
  rest(): Bytes {
    return this.#rest;
  }

  #packet(): Unit | undefined {
    const rest = this.#rest;
    if (rest.length < HEAD_SIZE) return undefined;
    const macAt = packetOffsets(rest).macAt;
    if (macAt === undefined || rest.length < macAt + MAC_SIZE) return undefined;
    return {
      from: this.#from,
      kind: "packet",
      name: NAMES[rest[1]!] ?? `packet of opcode ${rest[1]}`,
      number: this.#count++,
      bytes: rest.slice(0, macAt + MAC_SIZE),
    };
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
