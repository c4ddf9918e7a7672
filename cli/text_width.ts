/**
 * How much room a text takes on a terminal.
 * @module
 */

const NO_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u;
// The wide ranges of Unicode's East Asian Width (UAX 11) in the scripts and pictures that file names use.
const DOUBLE_WIDTH =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function characterWidth(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return DOUBLE_WIDTH.test(character) ? 2 : 1;
}

/** Columns that `text` takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Fits `text` into exactly `width` columns: what is too long loses its middle, what is too short gets spaces. */
export function fitText(text: string, width: number): string {
  const missing = width - textWidth(text);
  if (missing >= 0) return text + " ".repeat(missing);
  if (width <= 1) return ".".repeat(width);
  // The end tells a file's kind and number, so both ends stay; ".." is one letter in no script and on no terminal.
  const room = width - 2;
  const characters = [...text];
  const head = takeWidth(characters, Math.ceil(room / 2));
  const tail = takeWidth(characters.toReversed(), room - textWidth(head));
  return fitText(`${head}..${[...tail].toReversed().join("")}`, width);
}

/** The first characters of a list that fit into `width` columns. */
function takeWidth(characters: readonly string[], width: number): string {
  let taken = "";
  let left = width;
  for (const character of characters) {
    left -= characterWidth(character);
    if (left < 0) break;
    taken += character;
  }
  return taken;
}
