/**
 * Paths in command lines that a user is to run.
 * @module
 */
import { escapeControls } from "./escape.ts";

/** A path as a shell takes it, in a line that the user is to run. */
export function quoted(path: string): string {
  return /^(?:~\/)?[\w./+@%][\w./~+@%-]*$/.test(path)
    ? path
    : `'${escapeControls(path).replaceAll("'", "'\\''")}'`;
}
