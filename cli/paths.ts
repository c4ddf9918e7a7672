/**
 * Where stx keeps its files when the command line does not say.
 * @module
 */
import { isAbsolute, join } from "node:path";
import { StxError } from "../lib/errors.ts";
import { type EnvironmentName, readEnvironment } from "./environment.ts";

type ReadVariable = (name: EnvironmentName) => string | undefined;

/**
 * The folder of keys and trust: `$STX_CONFIG_DIR`, else `$XDG_CONFIG_HOME/stx`, else `~/.config/stx`.
 *
 * `instead` is the option that makes this folder unnecessary, such as `--identity FILE`; the error names it.
 * Throws `usage` if no variable tells.
 */
export function configFolder(instead: string, read: ReadVariable = readEnvironment): string {
  const own = read("STX_CONFIG_DIR");
  if (own !== undefined) return own;
  return baseFolder("configuration", "XDG_CONFIG_HOME", ".config", instead, read);
}

/**
 * The folder of what outlives a run: `$XDG_STATE_HOME/stx`, else `~/.local/state/stx`.
 *
 * `instead` and the error are as with {@link configFolder}.
 */
export function stateFolder(instead: string, read: ReadVariable = readEnvironment): string {
  return baseFolder("state", "XDG_STATE_HOME", ".local/state", instead, read);
}

function baseFolder(
  purpose: string,
  variable: "XDG_CONFIG_HOME" | "XDG_STATE_HOME",
  belowHome: string,
  instead: string,
  read: ReadVariable,
): string {
  // The XDG Base Directory Specification has relative paths ignored.
  const base = read(variable);
  if (base !== undefined && isAbsolute(base)) return join(base, "stx");
  const home = read("HOME");
  if (home !== undefined && isAbsolute(home)) return join(home, belowHome, "stx");
  throw new StxError(
    "usage",
    `Cannot tell where the ${purpose} folder is: HOME is not set to an absolute path`,
    {
      hint: `give ${instead}, or set HOME`,
    },
  );
}
