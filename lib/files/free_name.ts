/**
 * Another name for what cannot arrive under its own.
 * @module
 */
import { utf8 } from "../bytes/bytes.ts";
import { NAME_SIZE_MAX } from "../limits.ts";

/** Longer than this, what follows the last dot is no extension but part of the name. */
const EXTENSION_LENGTH_MAX = 16;

/** Numbers that are tried one after the other. Beyond, nobody minds a gap, and so many names may be taken. */
const TRIED_IN_TURN = 8;

const encoder = new TextEncoder();
const shortened = new Uint8Array(NAME_SIZE_MAX);

/**
 * A name like `name-1`, `name-2` and so on that `isTaken` does not say is taken: of the first few the first, and beyond
 * them one whose predecessor is taken, found by doubling and halving. A file keeps its extension at the end:
 * `report-1.pdf`. A name that gets too long for a file system loses the end of its stem.
 */
export function freeName(
  name: string,
  kind: "file" | "directory",
  isTaken: (name: string) => boolean,
): string {
  const dot = name.lastIndexOf(".");
  const hasExtension = kind === "file" && dot > 0 && name.length - dot <= EXTENSION_LENGTH_MAX;
  const stem = hasExtension ? name.slice(0, dot) : name;
  const extension = hasExtension ? name.slice(dot) : "";
  const numbered = (number: number) => {
    const ending = `-${number}${extension}`;
    return shorten(stem, NAME_SIZE_MAX - utf8(ending).length) + ending;
  };
  let taken = 0;
  let free = 1;
  while (isTaken(numbered(free))) {
    taken = free;
    free = free < TRIED_IN_TURN ? free + 1 : 2 * free;
  }
  while (free - taken > 1) {
    const middle = Math.floor((free + taken) / 2);
    if (isTaken(numbered(middle))) taken = middle;
    else free = middle;
  }
  return numbered(free);
}

/** The start of `text`, in whole characters, that fits into `sizeMax` bytes of UTF-8. */
function shorten(text: string, sizeMax: number): string {
  return text.slice(0, encoder.encodeInto(text, shortened.subarray(0, sizeMax)).read);
}
