/**
 * One bit of the handshake is flipped.
 * @module
 */
import { CLIENT_SHARE_SIZE } from "../../limits.ts";
import { FRAME_HEADER_SIZE } from "../../wire/frame.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, type Move, pass, PEER, replace } from "../wire.ts";

/** The four messages of the handshake. */
export const HANDSHAKE_MESSAGES = ["HELLO", "WELCOME", "VERIFY", "READY"] as const;

/** Which bit is flipped. */
export interface BitChoice {
  readonly message: (typeof HANDSHAKE_MESSAGES)[number];
  /** Where in the message, of its size: counted from its end where it is negative. */
  readonly pickByte: (sizeBytes: number) => number;
  /** From 0, the lowest, to 7. */
  readonly bit: number;
}

/** Behind magic and version: eight bytes of time, of which the last one counts seconds. */
const TIME_END = FRAME_HEADER_SIZE + 4 + 8;
/** Bytes of HELLO up to the lists of what is offered, in which a change is most often refused for what it says. */
const HELLO_BEFORE_LISTS = TIME_END + 32 + CLIENT_SHARE_SIZE;

/** The lowest bits of HELLO's time: the server takes every value of them. */
export const TIME_BITS: readonly BitChoice[] = [0, 1, 2, 3].map((bit) => ({
  message: "HELLO",
  pickByte: () => TIME_END - 1,
  bit,
}));

/** Any bit of any of the four messages. */
export function anyBit(seeded: Seeded): BitChoice {
  const message = HANDSHAKE_MESSAGES[seeded.below(HANDSHAKE_MESSAGES.length)]!;
  // Half of what there is of HELLO are two keys; its lists are a few bytes behind them, and tried as often.
  const isEnd = message === "HELLO" && seeded.below(2) === 0;
  const [fraction, bit] = [seeded.below(2 ** 20) / 2 ** 20, seeded.below(8)];
  return {
    message,
    pickByte: (size) => {
      const from = isEnd ? Math.min(HELLO_BEFORE_LISTS, size - 1) : 0;
      return from + Math.floor(fraction * (size - from));
    },
    bit,
  };
}

/** Flips one bit of one message. */
export function flipBit({ message, pickByte, bit }: BitChoice): Attacker {
  return {
    take(unit) {
      if (unit.kind !== "frame" || unit.name !== message) return [pass(unit)];
      const bytes = unit.bytes.slice();
      const at = pickByte(bytes.length);
      bytes[at]! ^= 1 << bit;
      const moves: Move[] = [replace(unit, bytes, `bit ${bit} of byte ${at} flipped`)];
      // Whoever waits for more than there is would do so until its time is up; it comes to the same.
      const isSize = at > 0 && at < FRAME_HEADER_SIZE;
      return isSize ? [...moves, { kind: "end", to: PEER[unit.from], note: "nothing follows" }] : moves;
    },
  };
}
