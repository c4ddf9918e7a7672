/**
 * A line that changes what goes over it.
 * @module
 */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import type { Unit } from "../../lib/attacks/wire.ts";
import type { Dice } from "./dice.ts";
import { mutate } from "./mutation.ts";

/** Takes a stream apart into its messages. */
export interface Units {
  push(bytes: Bytes): readonly Unit[];
}

/**
 * Changes some of the bytes that go by: bit flips, insertions, deletions, duplicates, splices with what went by before,
 * and `cut`. With `units` it changes whole messages: it drops, repeats, swaps and replays them, and changes single ones.
 */
export function spoiler(dice: Dice, units: Units | undefined, cut: () => void): (bytes: Bytes) => Bytes {
  /** Changes come once in so many writes, some of them late. */
  const rate = 1 + dice.below(12);
  let left = 1 + dice.below(4);
  const seen: Bytes[] = [];
  let held: Bytes | undefined;
  const change = (bytes: Bytes): Bytes => {
    seen.push(bytes.slice());
    if (left === 0 || !dice.oneIn(rate)) return bytes;
    left -= 1;
    if (units === undefined) {
      if (dice.oneIn(10)) cut();
      return mutate(dice, bytes, seen, []);
    }
    switch (dice.below(6)) {
      case 0:
        return new Uint8Array(0);
      case 1:
        return concat(bytes, bytes);
      case 2:
        return dice.pick(seen);
      case 3:
        return concat(dice.pick(seen), bytes);
      case 4:
        held = bytes;
        return new Uint8Array(0);
      default:
        return mutate(dice, bytes, seen, []);
    }
  };
  return (bytes) => {
    if (units === undefined) return change(bytes);
    const out: Bytes[] = [];
    for (const unit of units.push(bytes)) {
      const late = held;
      held = undefined;
      out.push(change(unit.bytes));
      if (late !== undefined) out.push(late);
    }
    return concat(...out);
  };
}
