/**
 * Changes to inputs, as a fuzzer makes them: what is wrong with most of them is one thing, somewhere.
 * @module
 */
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import type { Dice } from "./dice.ts";

/** Sizes and counts at whose neighbourhood arithmetic goes wrong. */
const EDGES = [0, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 2 ** 53 - 1, 2 ** 63, 2 ** 64 - 1];

/** An input does not grow beyond this by single changes. */
const SIZE_MAX = 64 * 1024;
/** The size of an input that is there to show what takes long. */
const LARGE_SIZE = 256 * 1024;

/** Changes `input`, a few times as a rule. `seeds` are valid inputs, `words` what means something in one. */
export function mutate(dice: Dice, input: Bytes, seeds: readonly Bytes[], words: readonly Bytes[]): Bytes {
  let bytes = input.slice();
  for (let count = 1 + dice.size(7); count > 0; count--) {
    bytes = change(dice, bytes, seeds, words);
    if (bytes.length > SIZE_MAX) bytes = bytes.slice(0, SIZE_MAX);
  }
  return bytes;
}

/** Something short, over and over: what is not linear in an input's size shows in this. */
export function blowUp(dice: Dice, input: Bytes, words: readonly Bytes[]): Bytes {
  const [from, to] = range(dice, input);
  const part = dice.oneIn(3) && words.length > 0
    ? dice.pick(words)
    : input.slice(from, Math.min(to, from + 64));
  const unit = part.length === 0 ? dice.bytes(1) : part;
  const before = input.subarray(0, from);
  const middle = new Uint8Array(LARGE_SIZE);
  for (let at = 0; at < LARGE_SIZE; at += unit.length) middle.set(unit.subarray(0, LARGE_SIZE - at), at);
  return concat(before, middle, dice.oneIn(2) ? input.subarray(to) : new Uint8Array(0));
}

function change(dice: Dice, bytes: Bytes, seeds: readonly Bytes[], words: readonly Bytes[]): Bytes {
  const at = dice.below(bytes.length + 1);
  const [from, to] = range(dice, bytes);
  switch (dice.below(13)) {
    case 0:
      return flipped(bytes, dice.below(8 * bytes.length));
    case 1:
      return replaced(bytes, at, dice.bytes(1));
    case 2:
      return replaced(bytes, at, edge(dice));
    case 3:
      return counted(bytes, at, dice.pick([-1, 1, -dice.below(256), dice.below(256)]));
    case 4:
      return concat(bytes.subarray(0, from), bytes.subarray(to));
    case 5:
      return bytes.slice(0, at);
    case 6:
      return inserted(bytes, at, dice.bytes(dice.size(40)));
    case 7:
      return inserted(bytes, at, bytes.subarray(from, to));
    case 8:
      return replaced(bytes, at, bytes.slice(from, to));
    case 9: {
      const other = dice.pick(seeds);
      return concat(bytes.subarray(0, at), other.subarray(dice.below(other.length + 1)));
    }
    case 10:
      return words.length === 0 ? bytes : inserted(bytes, at, dice.pick(words));
    case 11:
      return words.length === 0 ? bytes : replaced(bytes, at, dice.pick(words));
    default:
      return replaced(bytes, from, new Uint8Array(to - from).fill(dice.pick([0, 0xff, 0x20, 0x41])));
  }
}

/** A part of `bytes`, from and to. */
function range(dice: Dice, bytes: Bytes): [number, number] {
  const from = dice.below(bytes.length + 1);
  return [from, from + dice.size(bytes.length - from)];
}

function flipped(bytes: Bytes, bit: number): Bytes {
  const copy = bytes.slice();
  if (copy.length > 0) copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function replaced(bytes: Bytes, at: number, by: Bytes): Bytes {
  return concat(bytes.subarray(0, at), by, bytes.subarray(at + by.length));
}

function inserted(bytes: Bytes, at: number, what: Bytes): Bytes {
  return concat(bytes.subarray(0, at), what, bytes.subarray(at));
}

function counted(bytes: Bytes, at: number, by: number): Bytes {
  const copy = bytes.slice();
  if (at < copy.length) copy[at]! += by;
  return copy;
}

/** A number at an edge or beside it, in 1, 2, 4 or 8 bytes. */
function edge(dice: Dice): Bytes {
  const bytes = new Uint8Array(8);
  const value = BigInt(dice.pick(EDGES)) + BigInt(dice.below(3) - 1);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return bytes.slice(8 - dice.pick([1, 2, 4, 8]));
}

/** Words as bytes. */
export function wordsOf(...words: readonly string[]): readonly Bytes[] {
  return words.map(utf8);
}
