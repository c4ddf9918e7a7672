/**
 * What is done by looking at ciphertexts alone: forging with a known plaintext, comparing repetitions, listening.
 * @module
 */
import { type Bytes, concat, equal } from "../../bytes/bytes.ts";
import { crc32 } from "../../bytes/crc32.ts";
import { RECORD_CRC_SIZE, TAG_SIZE, WINDOW_RECORDS } from "../../limits.ts";
import { u32, u64 } from "../../wire/fields.ts";
import { DATA_HEADER_SIZE, MESSAGE_TYPES } from "../../wire/message.ts";
import type { Seeded } from "../seeded.ts";
import { readRecord, writeRecord } from "../stx_units.ts";
import { type Attacker, pass, replace } from "../wire.ts";
import { isBlock } from "./targets.ts";

/**
 * Knows the content of the first block, and with it the bytes that it was encrypted with. Encrypts a text of its own
 * with the same bytes, in place of a later block.
 * @param known what the first block holds
 * @param text as many bytes
 */
export function inject(seeded: Seeded, known: Bytes, text: Bytes): Attacker {
  const target = 1 + seeded.below(2);
  let index = 0;
  let answers = 0;
  let keystream: Bytes | undefined;
  return {
    take(unit) {
      // What the client has heard, it acknowledges in every record: that much of the plaintext has to be guessed.
      if (unit.kind === "record" && unit.from === "server") answers += 1;
      if (!isBlock(unit)) return [pass(unit)];
      const { sequence, sealed } = readRecord(unit.bytes);
      const ciphertext = sealed.subarray(0, sealed.length - TAG_SIZE);
      const at = index++;
      if (at === 0) keystream = xor(ciphertext, block(0, answers, known));
      if (at !== target || keystream === undefined) return [pass(unit)];
      const forged = concat(
        xor(keystream, block(at, answers, text)),
        sealed.subarray(sealed.length - TAG_SIZE),
      );
      return [replace(unit, writeRecord({ sequence, sealed: forged }), "a record of the attacker's own")];
    },
  };
}

/** A DATA message as protocol.md has it. */
function block(index: number, acknowledged: number, content: Bytes): Bytes {
  const message = concat(Uint8Array.of(MESSAGE_TYPES.data), u32(acknowledged), u64(index), content);
  if (message.length !== DATA_HEADER_SIZE + content.length) throw new Error("DATA has another form");
  return message;
}

function xor(left: Bytes, right: Bytes): Bytes {
  return left.map((byte, i) => byte ^ (right[i] ?? 0));
}

/** What a probe has seen. */
export interface Repetitions {
  /** Records that came a second time. */
  count: number;
  /** How many of them were other bytes than the first time. */
  otherCount: number;
}

/**
 * Damages a block's record as noise would, so that it and all behind it are sent again, and holds what comes against
 * what was there before: two different ciphertexts under one number give away how their plaintexts differ.
 * @param seen is counted up
 */
export function compareRepetitions(seeded: Seeded, seen: Repetitions): Attacker {
  let blocksBefore = seeded.below(3);
  /** The checksum of each: a whole window of records is many megabytes. */
  const first = new Map<number, number>();
  return {
    take(unit) {
      if (unit.kind !== "record" || unit.from !== "client") return [pass(unit)];
      const before = first.get(unit.number);
      const checksum = crc32(unit.bytes.subarray(0, -RECORD_CRC_SIZE));
      first.set(unit.number, checksum);
      // So far back nothing is repeated any more: it has been acknowledged.
      first.delete(unit.number - WINDOW_RECORDS);
      if (before !== undefined) {
        const isSame = before === checksum;
        seen.count += 1;
        if (!isSame) seen.otherCount += 1;
        return [
          replace(unit, unit.bytes, isSame ? "the same bytes again" : "other bytes under the same number"),
        ];
      }
      if (!isBlock(unit) || blocksBefore-- !== 0) return [pass(unit)];
      const damaged = unit.bytes.slice();
      const at = 16 + seeded.below(damaged.length - 32);
      damaged[at]! ^= 1 + seeded.below(255);
      return [replace(unit, damaged, `byte ${at} changed, the CRC left wrong`)];
    },
  };
}

/**
 * Changes nothing and looks for what it could read.
 * @param words byte strings that would tell something
 * @param onFound told of each word that was seen
 */
export function eavesdrop(words: readonly Bytes[], onFound: (word: Bytes) => void): Attacker {
  return {
    take(unit) {
      const found = words.filter((word) => includes(unit.bytes, word));
      for (const word of found) onFound(word);
      return [found.length === 0 ? pass(unit) : replace(unit, unit.bytes, "it can be read")];
    },
  };
}

/** Whether `part` stands somewhere in `bytes`. */
export function includes(bytes: Bytes, part: Bytes): boolean {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (equal(bytes.subarray(at, at + part.length), part)) return true;
  }
  return false;
}
