/**
 * Another name for what cannot arrive under its own.
 * @module
 */
import { utf8 } from "../bytes/bytes.ts";
import { NAME_SIZE_MAX } from "../limits.ts";

/** Longer than this, what follows the last dot is no extension but part of the name. */
const EXTENSION_LENGTH_MAX = 16;

/**
 * The first of `name-1`, `name-2` and so on that `isTaken` does not say is taken. A file keeps its extension at
 * the end: `report-1.pdf`. A name that gets too long for a file system loses the end of its stem.
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
  for (let number = 1;; number++) {
    const ending = `-${number}${extension}`;
    const candidate = shorten(stem, NAME_SIZE_MAX - utf8(ending).length) + ending;
    if (!isTaken(candidate)) return candidate;
  }
}

/** The start of `text`, in whole characters, that fits into `sizeMax` bytes of UTF-8. */
function shorten(text: string, sizeMax: number): string {
  let size = 0;
  let end = 0;
  for (const character of text) {
    size += utf8(character).length;
    if (size > sizeMax) break;
    end += character.length;
  }
  return text.slice(0, end);
}
