/**
 * Markdown as `deno fmt` writes it, with bytes in hexadecimal.
 * @module
 */
import { hex } from "./primitives.ts";

/** Columns of a line of prose. */
const WIDTH = 110;
/** Bytes of a line of hexadecimal. */
const BYTES_A_LINE = 32;

/** Prose, cut into lines. */
export function paragraph(words: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

/** Lines of hexadecimal, at least one. */
export function hexLines(bytes: Uint8Array): readonly string[] {
  return hex(bytes).match(new RegExp(`.{1,${2 * BYTES_A_LINE}}`, "g")) ?? [""];
}

/** A block of code. */
export function block(lines: readonly string[]): string {
  return ["```text", ...lines, "```"].join("\n");
}

/** Named byte strings below each other. */
export function values(pairs: readonly (readonly [string, Uint8Array])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return block(
    pairs.flatMap(([name, bytes]) =>
      hexLines(bytes).map((line, i) => `${(i === 0 ? name : "").padEnd(width)}${line}`)
    ),
  );
}

/** Byte strings that follow each other on the wire, each with what it is; `first` stands before them. */
export function wire(first: string, fields: readonly (readonly [Uint8Array, string])[]): string {
  const column = 2 * BYTES_A_LINE + 2;
  return block([
    `# ${first}`,
    ...fields.flatMap(([bytes, what]) =>
      hexLines(bytes).map((line, i) => i === 0 ? `${line.padEnd(column)}# ${what}` : line)
    ),
  ]);
}
