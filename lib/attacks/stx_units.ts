/**
 * Cuts a stream of STX/1 into frames and records, as anybody can who sees it: sizes stand in the clear.
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import {
  HANDSHAKE_BODY_SIZE_MAX,
  RECORD_CIPHERTEXT_SIZE_MAX,
  RECORD_CRC_SIZE,
  RECORD_HEADER_SIZE,
  TAG_SIZE,
} from "../limits.ts";
import { crc32 } from "../bytes/crc32.ts";
import { u32 } from "../wire/fields.ts";
import { FRAME_HEADER_SIZE, FRAME_TYPES, type FrameType } from "../wire/frame.ts";
import { RECORD_OVERHEAD } from "../wire/record.ts";
import { UnitStream } from "./unit_stream.ts";
import type { End, Unit } from "./wire.ts";

/** The names of frames, as the protocol's text writes them. */
const FRAME_NAMES: Readonly<Record<FrameType, string>> = {
  hello: "HELLO",
  welcome: "WELCOME",
  verify: "VERIFY",
  ready: "READY",
  alert: "ALERT",
  sealedAlert: "SEALED_ALERT",
};
const NAMES_BY_NUMBER = new Map<number, string>(
  Object.entries(FRAME_TYPES).map(([type, number]) => [number, FRAME_NAMES[type as FrameType]] as const),
);
/** The last frame of each direction: records follow. */
const LAST_FRAME: Readonly<Record<End, number>> = { client: FRAME_TYPES.verify, server: FRAME_TYPES.ready };

/** One direction of one connection. */
export class StxUnits extends UnitStream {
  #isRecords = false;
  #frameCount = 0;

  protected override nextSize(there: Bytes): number | undefined {
    const view = new DataView(there.buffer, there.byteOffset, there.length);
    if (this.#isRecords) {
      if (there.length < RECORD_HEADER_SIZE) return undefined;
      const size = view.getUint32(4);
      return size > RECORD_CIPHERTEXT_SIZE_MAX ? Infinity : RECORD_OVERHEAD + size;
    }
    if (there.length < FRAME_HEADER_SIZE) return undefined;
    const size = view.getUint32(0) & 0xffffff;
    return size > HANDSHAKE_BODY_SIZE_MAX ? Infinity : FRAME_HEADER_SIZE + size;
  }

  protected override unit(bytes: Bytes): Unit {
    const from = this.from;
    if (this.#isRecords) {
      const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      return { from, kind: "record", name: `record ${number}`, number, bytes };
    }
    const type = bytes[0]!;
    if (type === LAST_FRAME[from]) this.#isRecords = true;
    const name = NAMES_BY_NUMBER.get(type) ?? `frame of type ${type}`;
    return { from, kind: "frame", name, number: this.#frameCount++, bytes };
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
