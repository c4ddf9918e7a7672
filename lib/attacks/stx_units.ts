/**
 * Cuts a stream of STX/1 into frames and records, as anybody can who sees it: sizes stand in the clear.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { RECORD_CRC_SIZE, RECORD_HEADER_SIZE, TAG_SIZE } from "../limits.ts";
import { crc32 } from "../bytes/crc32.ts";
import { u32 } from "../wire/fields.ts";
import { FRAME_HEADER_SIZE, FRAME_TYPES, type FrameType } from "../wire/frame.ts";
import { RECORD_OVERHEAD } from "../wire/record.ts";
import type { End, Unit } from "./wire.ts";

/** The names of frames, as the protocol's text writes them. */
const FRAME_NAMES: Readonly<Record<FrameType, string>> = {
  hello: "HELLO",
  welcome: "WELCOME",
  verify: "VERIFY",
  ready: "READY",
  alert: "ALERT",
  sealedAlert: "SEALED-ALERT",
};
const NAMES_BY_NUMBER = new Map<number, string>(
  Object.entries(FRAME_TYPES).map(([type, number]) => [number, FRAME_NAMES[type as FrameType]] as const),
);
/** The last frame of each direction: records follow. */
const LAST_FRAME: Readonly<Record<End, number>> = { client: FRAME_TYPES.verify, server: FRAME_TYPES.ready };

/** One direction of one connection. */
export class StxUnits {
  readonly #from: End;
  #rest: Bytes = new Uint8Array(0);
  #isRecords = false;
  #frameCount = 0;

  /** Reads what `from` sends. */
  constructor(from: End) {
    this.#from = from;
  }

  /** Takes bytes as they arrived; gives the units that are whole by now. What is no unit stays until {@link rest}. */
  push(bytes: Bytes): readonly Unit[] {
    this.#rest = concat(this.#rest, bytes);
    const units: Unit[] = [];
    for (;;) {
      const unit = this.#isRecords ? this.#record() : this.#frame();
      if (unit === undefined) return units;
      this.#rest = this.#rest.slice(unit.bytes.length);
      units.push(unit);
    }
  }

  /** What no unit was made of, at the end of the stream. */
  rest(): Bytes {
    return this.#rest;
  }

  #frame(): Unit | undefined {
    const rest = this.#rest;
    if (rest.length < FRAME_HEADER_SIZE) return undefined;
    const size = FRAME_HEADER_SIZE + (rest[1]! * 2 ** 16 + rest[2]! * 2 ** 8 + rest[3]!);
    if (rest.length < size) return undefined;
    const type = rest[0]!;
    if (type === LAST_FRAME[this.#from]) this.#isRecords = true;
    return {
      from: this.#from,
      kind: "frame",
      name: NAMES_BY_NUMBER.get(type) ?? `frame of type ${type}`,
      number: this.#frameCount++,
      bytes: rest.slice(0, size),
    };
  }

  #record(): Unit | undefined {
    const rest = this.#rest;
    if (rest.length < RECORD_HEADER_SIZE) return undefined;
    const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
    const size = RECORD_OVERHEAD + view.getUint32(4);
    if (rest.length < size) return undefined;
    const number = view.getUint32(0);
    return { from: this.#from, kind: "record", name: `record ${number}`, number, bytes: rest.slice(0, size) };
  }
}

/** A record's parts. */
export interface RecordParts {
  readonly sequence: number;
  /** Ciphertext and tag. */
  readonly sealed: Bytes;
}

/** Takes a record apart. */
export function readRecord(bytes: Bytes): RecordParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    sequence: view.getUint32(0),
    sealed: bytes.slice(RECORD_HEADER_SIZE, bytes.length - RECORD_CRC_SIZE),
  };
}

/** Puts a record together, with a CRC that fits: what tells an attack from noise. */
export function writeRecord({ sequence, sealed }: RecordParts): Bytes {
  const covered = concat(u32(sequence), u32(sealed.length - TAG_SIZE), sealed);
  return concat(covered, u32(crc32(covered)));
}
