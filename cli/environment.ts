/**
 * The few environment variables that stx reads.
 * @module
 */

/** The only names that may be read, so that a run can be given permission for these and no others. */
export type EnvironmentName =
  | "HOME"
  | "STX_CONFIG_DIR"
  | "XDG_CONFIG_HOME"
  | "XDG_STATE_HOME"
  | "SSH_AUTH_SOCK"
  | "NO_COLOR";

/** Returns a variable's value; `undefined` if it is unset, empty, or may not be read. */
export function readEnvironment(name: EnvironmentName): string | undefined {
  // Asking first, because reading without permission would make Deno ask the user on a terminal.
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return Deno.env.get(name) || undefined;
}
