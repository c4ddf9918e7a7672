/**
 * Printing, for scripts: whole lines, written before the call returns.
 * @module
 */

const encoder = new TextEncoder();

/** Writes `line` and a line feed to standard output. */
export function print(line = ""): void {
  writeWhole(Deno.stdout, line + "\n");
}

/** Writes `line` and a line feed to standard error. */
export function printError(line: string): void {
  writeWhole(Deno.stderr, line + "\n");
}

/** Writes `text` over the terminal's current line; says nothing where standard output is no terminal. */
export function printProgress(text: string): void {
  if (Deno.stdout.isTerminal()) writeWhole(Deno.stdout, `\r\x1b[2K${text}`);
}

/** A pipe may take only part of what it is given. */
function writeWhole(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(to.writeSync(bytes));
}
