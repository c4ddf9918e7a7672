/**
 * The first design of STX: its blocks, their acknowledgements, and going on where it stopped. How the design was read
 * stands in `seed_stx.ts`.
 * @module
 */
import { type Bytes, concat, utf8 } from "../../bytes/bytes.ts";
import { crc32 } from "../../bytes/crc32.ts";
import { StxError } from "../../errors.ts";
import { RECORD_CRC_SIZE, RECORD_HEADER_SIZE, TAG_SIZE } from "../../limits.ts";
import type { Clock } from "../../ports.ts";
import { ByteReader, u32, u64 } from "../../wire/fields.ts";
import { decodeSeedControl, encodeSeedControl, SEED_CONTROL_SIZE, SEED_CONTROLS } from "../seed_stx_units.ts";
import { readRecord, type RecordParts, writeRecord } from "../stx_units.ts";
import type { SeedLine } from "./seed_line.ts";
import { SEED_WINDOW_MS, type SeedSession } from "./seed_stx.ts";
import {
  checkSeedControl,
  makeSeedControl,
  openSeedBlock,
  sealSeedBlock,
  type SeedKeys,
} from "./seed_stx_keys.ts";

/** Bytes of a payload before its content: the message's number and its time. */
export const SEED_PAYLOAD_HEADER_SIZE = 12;

/** The file that a client sends. */
export interface SeedSource {
  readonly name: string;
  readonly blockCount: number;
  /** Reads a block from the file as it is now; the first is number 1. */
  block(number: number): Bytes;
}

/** Where a server keeps what arrives: its "record of received blocks". */
export interface SeedInbox {
  /** The last block of this file that has arrived from this client, 0 if none has. */
  lastBlock(client: Bytes, name: string): number;
  /** Writes a file's next block behind the ones before. */
  append(client: Bytes, name: string, content: Bytes): void;
}

/**
 * Sends a file, and returns when its last block is acknowledged, which is all that a sender ever learns. Throws
 * `connection_lost`, and `bad_record` for a control message that the server has not made.
 */
export async function sendSeedFile(
  line: SeedLine,
  { keys }: SeedSession,
  source: SeedSource,
  clock: Clock,
): Promise<void> {
  let messageNumber = 0;
  const write = async (from: number, to: number) => {
    for (let number = from; number <= to; number++) {
      const content = number === 0 ? utf8(source.name) : source.block(number);
      const payload = concat(u32(messageNumber++), u64(clock.nowMs()), content);
      await line.write(writeRecord({ sequence: number, sealed: await sealSeedBlock(keys, number, payload) }));
    }
  };
  await write(0, 0);
  let hasBegun = false;
  for (;;) {
    const control = decodeSeedControl(await line.need(SEED_CONTROL_SIZE));
    checkSeedControl(keys, control);
    if (control.kind === SEED_CONTROLS.resend) {
      await write(control.number, control.number === 0 ? 0 : source.blockCount);
      continue;
    }
    if (control.number >= source.blockCount) break;
    if (hasBegun) continue;
    hasBegun = true;
    await write(control.number + 1, source.blockCount);
  }
  await line.closeWrite();
}

/**
 * Receives a file until the client has ended its direction, which is all that a receiver ever learns of a file's end.
 * Returns the file's name. Throws `connection_lost` for an end within a block or before the name.
 */
export async function receiveSeedFile(
  line: SeedLine,
  { keys, peer }: SeedSession,
  inbox: SeedInbox,
  clock: Clock,
): Promise<string> {
  const seen = new Set<number>();
  let name: string | undefined;
  let expected = 0;
  let askedFor: number | undefined;
  const control = async (kind: number, number: number) => {
    await line.write(encodeSeedControl(makeSeedControl(keys, kind, number)));
  };
  for (;;) {
    const bytes = await takeBlock(line);
    if (bytes === undefined) break;
    const block = isUndamaged(bytes) ? readRecord(bytes) : undefined;
    const message = block === undefined ? undefined : await openMessage(keys, block);
    if (block !== undefined && message !== undefined) {
      // A message that was here before, or is too old, is no failure: it is let go.
      const isFresh = Math.abs(clock.nowMs() - message.timeMs) <= SEED_WINDOW_MS && !seen.has(message.number);
      seen.add(message.number);
      if (!isFresh || block.sequence < expected) continue;
      if (block.sequence === expected) {
        if (name === undefined) {
          name = new TextDecoder().decode(message.content);
          expected = inbox.lastBlock(peer, name);
        } else {
          inbox.append(peer, name, message.content);
        }
        await control(SEED_CONTROLS.ack, expected);
        expected += 1;
        continue;
      }
      // What was already on its way behind the one that is missing.
      if (askedFor === expected) continue;
    }
    await control(SEED_CONTROLS.resend, expected);
    askedFor = expected;
  }
  if (name !== undefined) return name;
  throw new StxError("connection_lost", "Cannot receive a file: the connection ended before its name");
}

/** One message inside a block. */
interface SeedMessage {
  readonly number: number;
  readonly timeMs: number;
  readonly content: Bytes;
}

/** Opens a block; `undefined` where its tag does not hold. */
export async function openMessage(keys: SeedKeys, block: RecordParts): Promise<SeedMessage | undefined> {
  const payload = await openSeedBlock(keys, block);
  if (payload === undefined) return undefined;
  const reader = new ByteReader(payload, "a block");
  return { number: reader.u32(), timeMs: reader.u64(), content: reader.rest() };
}

/** The next block, whole; `undefined` at the end of the stream. The design sets no bound to its size. */
async function takeBlock(line: SeedLine): Promise<Bytes | undefined> {
  const header = await line.take(RECORD_HEADER_SIZE);
  if (header === undefined) return undefined;
  const size = new DataView(header.buffer).getUint32(4);
  return concat(header, await line.need(size + TAG_SIZE + RECORD_CRC_SIZE));
}

function isUndamaged(block: Bytes): boolean {
  const crcAt = block.length - RECORD_CRC_SIZE;
  const stated = new DataView(block.buffer, block.byteOffset + crcAt).getUint32(0);
  return crc32(block.subarray(0, crcAt)) === stated;
}
