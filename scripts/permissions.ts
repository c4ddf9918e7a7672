/**
 * The one place that names the permissions with which stx runs: a general set, for where paths and hosts are not
 * known beforehand, and for each subcommand the narrowest set that does one concrete job. None has `--allow-run`,
 * `--allow-ffi` or `--allow-all`, and none may ask for more.
 * @module
 */
import { dirname } from "node:path";

/** What a run of stx may reach. `true` means any. */
export interface Permissions {
  /** Paths of files and folders. */
  readonly read: readonly string[] | true;
  readonly write: readonly string[] | true;
  /** `HOST:PORT`. */
  readonly net: readonly string[] | true;
  /** Names of environment variables. */
  readonly env: readonly string[];
  /** Names of Deno's system calls. */
  readonly sys: readonly string[];
}

/** For the compiled program and `deno task stx`, which must do whatever the command line turns out to say. */
export const GENERAL_PERMISSIONS: Permissions = {
  read: true,
  write: true,
  net: true,
  env: ["HOME", "STX_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "SSH_AUTH_SOCK", "NO_COLOR"],
  sys: ["networkInterfaces"],
};

/**
 * The flags of Deno that grant `permissions`, deny all else without asking, and import no code from the network,
 * which Deno otherwise takes from a few hosts unasked.
 */
export function flagsFor(permissions: Permissions): readonly string[] {
  return [
    "--no-prompt",
    "--deny-import",
    ...flag("--allow-read", permissions.read),
    ...flag("--allow-write", permissions.write),
    ...flag("--allow-net", permissions.net),
    ...flag("--allow-env", permissions.env),
    ...flag("--allow-sys", permissions.sys),
  ];
}

/** A comma inside a value is written twice. */
function flag(name: string, values: readonly string[] | true): readonly string[] {
  if (values === true) return [name];
  if (values.length === 0) return [];
  return [`${name}=${values.map((value) => value.replaceAll(",", ",,")).join(",")}`];
}

/** What a run of `stx keygen` is given. */
export interface KeygenJob {
  /** The private key's file; the public key lies beside it. */
  readonly out: string;
}

/** What a run of `stx recv` is given. */
export interface RecvJob {
  /** `HOST:PORT`. */
  readonly listen: string;
  readonly dir: string;
  readonly identity: string;
  readonly authorizedKeys: string;
  readonly state: string;
}

/** What a run of `stx send` is given. */
export interface SendJob {
  readonly paths: readonly string[];
  /** `HOST:PORT` of the receiver. */
  readonly address: string;
  readonly identity: string;
  readonly knownReceivers: string;
  /** The file that names the receiver, if one does. */
  readonly peer?: string;
  readonly receipt?: string;
}

/** The narrowest permissions for `stx keygen --out FILE`. */
export function keygenPermissions({ out }: KeygenJob): Permissions {
  const files = [out, `${out}.pub`, dirname(out)];
  return { read: files, write: files, net: [], env: ["NO_COLOR"], sys: [] };
}

/** The narrowest permissions for `stx recv` with all its files named. */
export function recvPermissions(job: RecvJob): Permissions {
  const database = ["", "-wal", "-shm", "-journal"].map((suffix) => job.state + suffix);
  const host = job.listen.replace(/:\d+$/, "");
  return {
    read: [job.dir, job.identity, job.authorizedKeys, ...database],
    write: [job.dir, ...database],
    net: [job.listen],
    env: ["NO_COLOR"],
    // A wildcard says nothing about where to send to, so the interfaces' addresses are shown.
    sys: host === "0.0.0.0" || host === "[::]" ? ["networkInterfaces"] : [],
  };
}

/** The narrowest permissions for `stx send` with all its files named. */
export function sendPermissions(job: SendJob): Permissions {
  const receipt = job.receipt === undefined ? [] : [job.receipt, `${job.receipt}.sig`];
  return {
    read: [...job.paths, job.identity, job.knownReceivers, ...(job.peer === undefined ? [] : [job.peer])],
    write: receipt,
    net: [job.address],
    env: ["STX_CONFIG_DIR", "NO_COLOR"],
    sys: [],
  };
}
