/**
 * The version of this program, in a file of its own so that `stx --version` loads nothing else.
 * @module
 */

/** The version of stx; a test holds it equal to the one in deno.json. */
export const VERSION = "0.1.0";

/** What `stx --version` prints: this version, that of the protocol, and the runtime. */
export function versionLine(): string {
  return `stx ${VERSION} (STX/1, deno ${Deno.version.deno} ${Deno.build.target})`;
}
