/**
 * What a power failure makes of a file that was not synced.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Dice } from "./dice.ts";

/** What a file or folder holds beside names. */
export interface Contents {
  readonly data: Bytes;
  readonly mode: number;
  readonly mtimeMs: number;
}

/** The disk writes so much at once or not at all. */
const SECTOR_SIZE = 512;

/** Something between what was durable and what was written since: all of it, none, its beginning, or some sectors. */
export function damaged(kind: "file" | "directory", kept: Contents, now: Contents, dice: Dice): Contents {
  const mode = dice.pick([kept, now]).mode;
  const mtimeMs = dice.pick([kept, now]).mtimeMs;
  return { data: kind === "directory" ? kept.data : damagedData(kept.data, now.data, dice), mode, mtimeMs };
}

function damagedData(kept: Bytes, now: Bytes, dice: Dice): Bytes {
  switch (dice.pick(["none", "all", "beginning", "sectors"])) {
    case "none":
      return kept;
    case "all":
      return now;
    case "beginning": {
      const data = now.slice(0, dice.int(0, now.length));
      if (data.length >= kept.length) return data;
      const whole = kept.slice();
      whole.set(data);
      return whole;
    }
    default: {
      // The size may be durable without the content: what is missing then reads as zeros.
      const data = new Uint8Array(dice.pick([kept, now]).length);
      for (let at = 0; at < data.length; at += SECTOR_SIZE) {
        const from = dice.pick([kept, now]);
        data.set(from.subarray(at, Math.min(at + SECTOR_SIZE, data.length)), Math.min(at, data.length));
      }
      return data;
    }
  }
}
