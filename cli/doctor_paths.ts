/**
 * Where `stx doctor` looks: the files that the command line names, and else those that `send` and `recv` find.
 * @module
 */
import { join } from "node:path";
import { StxError } from "../lib/errors.ts";
import { readEnvironment } from "./environment.ts";
import { type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder, stateFolder } from "./paths.ts";

/** A file, and whether the command line has named it, so that it must exist. */
export interface Place {
  readonly path: string;
  readonly isNamed: boolean;
}

/** Where it looks. What nothing tells of is `undefined`. */
export interface Places {
  /** The configuration folder, or why nobody knows which it is. */
  readonly config: string | StxError;
  readonly identity: Place | undefined;
  readonly authorizedKeys: Place | undefined;
  readonly knownReceivers: Place | undefined;
  readonly revokedKeys: Place | undefined;
  readonly sharedKeys: Place | undefined;
  readonly state: Place | StxError;
  /** The user's home, if anything tells. */
  readonly home: string | undefined;
}

/** The places that a command line and the environment tell. */
export function placesOf(command: ParsedCommand): Places {
  const config = orError(() => configFolder("--identity FILE and --authorized-keys FILE"));
  const inConfig = (option: string | undefined, name: string): Place | undefined => {
    if (option !== undefined) return { path: option, isNamed: true };
    return config instanceof StxError ? undefined : { path: join(config, name), isNamed: false };
  };
  const state = valueOf(command, "state");
  const folder = state === undefined ? orError(() => stateFolder("--state FILE")) : "";
  return {
    config,
    identity: inConfig(valueOf(command, "identity"), "identity"),
    authorizedKeys: inConfig(valueOf(command, "authorized-keys"), "authorized_keys"),
    knownReceivers: inConfig(undefined, "known_receivers"),
    revokedKeys: inConfig(valueOf(command, "revoked-keys"), "revoked_keys"),
    sharedKeys: inConfig(valueOf(command, "psk-file"), "shared_key"),
    state: state !== undefined
      ? { path: state, isNamed: true }
      : folder instanceof StxError
      ? folder
      : { path: join(folder, "recv.db"), isNamed: false },
    home: readEnvironment("HOME"),
  };
}

function orError(find: () => string): string | StxError {
  try {
    return find();
  } catch (error) {
    if (error instanceof StxError) return error;
    throw error;
  }
}
