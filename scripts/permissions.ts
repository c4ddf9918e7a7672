/**
 * The one place that names the permissions with which stx runs: a general set, for where paths and hosts are not
 * known beforehand, and for each subcommand the narrowest set that does one concrete job. None has `--allow-run`,
 * `--allow-ffi` or `--allow-all`, and none may ask for more.
 * @module
 */
import { dirname } from "node:path";
import { draftOf } from "../cli/replace_file.ts";
import { rotationPaths } from "../cli/rotation_files.ts";

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
  sys: ["networkInterfaces", "statfs"],
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

/** The variables in which stx looks for its configuration folder, in this order. */
export const CONFIG_VARIABLES = ["STX_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME"] as const;
/** The variables in which stx looks for its state folder, in this order. */
export const STATE_VARIABLES = ["XDG_STATE_HOME", "HOME"] as const;

/** What a run of `stx keygen` is given. */
export interface KeygenJob {
  /** The private key's file, with the public key beside it, or the shared or base key's. Its folder exists. */
  readonly out: string;
  /** Whether a shared key is made. */
  readonly psk?: true;
  /** Whether a base key is made. */
  readonly baseKey?: true;
}

/** What runs of `stx recv` and `stx send` are given alike. */
interface Job {
  /** The file of the identity, its private half or, with `agentSocket`, its public one. */
  readonly identity: string;
  /** The socket of ssh-agent, if the identity is used through it. */
  readonly agentSocket?: string;
  /** The variables in which it looks for folders that the command line does not name; none if left out. */
  readonly variables?: readonly string[];
  /** The file of shared keys. */
  readonly pskFile?: string;
  /** The list of revoked keys: where `--revoked-keys` names one, or the variables lead to one, which need not exist. */
  readonly revokedKeys?: string;
}

/** What a run of `stx recv` is given. */
export interface RecvJob extends Job {
  /** `HOST:PORT`. */
  readonly listen: string;
  readonly dir: string;
  /** May be left out where a shared key alone is asked for. */
  readonly authorizedKeys?: string;
  readonly state: string;
}

/** What a run of `stx send` is given. */
export interface SendJob extends Job {
  readonly paths: readonly string[];
  /** `HOST:PORT` of the receiver. */
  readonly address: string;
  /** The file that tells who the receiver is: that of `--peer`, or known_receivers. */
  readonly trust: string;
  readonly receipt?: string;
}

/** The narrowest permissions for `stx keygen`. */
export function keygenPermissions({ out, psk, baseKey }: KeygenJob): Permissions {
  const files = psk || baseKey ? replaced(out) : [...replaced(out), ...replaced(`${out}.pub`)];
  return { read: files, write: files, net: [], env: COLOUR, sys: [] };
}

/** The narrowest permissions for `stx recv`. SQLite's own files beside the state need none of their own. */
export function recvPermissions(job: RecvJob): Permissions {
  const agent = agentPermissions(job.agentSocket);
  return {
    read: [
      job.dir,
      ...identityFiles(job.identity),
      ...named(job.authorizedKeys),
      ...named(job.revokedKeys),
      ...named(job.pskFile),
      job.state,
      ...agent.files,
    ],
    write: [job.dir, job.state, ...agent.files],
    net: [job.listen, ...agent.net],
    env: [...(job.variables ?? []), ...agent.env, ...COLOUR],
    sys: interfacesFor(job.listen),
  };
}

/** A wildcard does not tell where to connect to, so an address of this machine is looked up and shown. */
function interfacesFor(listen: string): readonly string[] {
  return /^(0\.0\.0\.0|\[::\]):/.test(listen) ? ["networkInterfaces"] : [];
}

/** The narrowest permissions for `stx send`, without a terminal to ask on. */
export function sendPermissions(job: SendJob): Permissions {
  const agent = agentPermissions(job.agentSocket);
  const receipt = named(job.receipt).flatMap((file) => [file, `${file}.sig`]);
  return {
    // A file is renamed only by who may read it.
    read: [
      ...job.paths,
      ...identityFiles(job.identity),
      job.trust,
      ...named(job.revokedKeys),
      ...named(job.pskFile),
      ...receipt.map(draftOf),
      ...agent.files,
    ],
    write: [...receipt.flatMap(replaced), ...agent.files],
    net: [job.address, ...agent.net],
    env: [...(job.variables ?? []), ...agent.env, ...COLOUR],
    sys: [],
  };
}

/** What runs of `stx keys` are given, each for one of its actions. */
export type KeysJob =
  | { readonly action: "list"; readonly places: KeyPlaces; readonly variables?: readonly string[] }
  /** `list` is the authorized keys, or the known receivers, which are found by the variables. */
  | {
    readonly action: "trust";
    readonly key: string;
    readonly list: string;
    readonly revokedKeys: string;
    /** The receiver's memory, if the command line or the variables lead to one. */
    readonly state?: string;
    readonly variables?: readonly string[];
  }
  | { readonly action: "revoke"; readonly key: string; readonly revokedKeys: string }
  | { readonly action: "rotate" | "finish"; readonly identity: string; readonly agentSocket?: string };

/** The files that `stx keys list` looks at. */
export interface KeyPlaces {
  readonly identity: string;
  readonly authorizedKeys: string;
  readonly knownReceivers: string;
  readonly revokedKeys: string;
  readonly state: string;
}

/** The narrowest permissions for `stx keys`. Keys are named by files; the folders of all files exist. */
export function keysPermissions(job: KeysJob): Permissions {
  const nothing = { read: [], write: [], net: [], env: COLOUR, sys: [] };
  switch (job.action) {
    case "list": {
      const { key, keyPublic, next, nextPublic } = rotationPaths(job.places.identity);
      const { authorizedKeys, knownReceivers, revokedKeys, state } = job.places;
      return {
        ...nothing,
        read: [key, keyPublic, next, nextPublic, authorizedKeys, knownReceivers, revokedKeys, state],
        write: [state],
        env: [...(job.variables ?? []), ...COLOUR],
      };
    }
    case "trust":
      return {
        ...nothing,
        read: [job.key, ...replaced(job.list), job.revokedKeys, ...named(job.state)],
        write: [...replaced(job.list), ...named(job.state)],
        env: [...(job.variables ?? []), ...COLOUR],
      };
    case "revoke":
      return { ...nothing, read: [job.key, ...replaced(job.revokedKeys)], write: replaced(job.revokedKeys) };
    case "rotate": {
      const { key, keyPublic, next, nextPublic, statement } = rotationPaths(job.identity);
      const agent = agentPermissions(job.agentSocket);
      const made = [next, nextPublic, statement];
      return {
        read: [key, keyPublic, next, nextPublic, ...made.map(draftOf), ...agent.files],
        write: [...made.flatMap(replaced), ...agent.files],
        net: agent.net,
        env: [...agent.env, ...COLOUR],
        sys: [],
      };
    }
    case "finish": {
      const { key, keyPublic, next, nextPublic, statement } = rotationPaths(job.identity);
      return {
        ...nothing,
        read: [key, keyPublic, next, nextPublic, statement, draftOf(keyPublic)],
        write: [key, next, nextPublic, ...replaced(keyPublic)],
      };
    }
  }
}

/** What a run of `stx doctor` is given. */
export interface DoctorJob extends RecvJob {
  readonly authorizedKeys: string;
  /** The configuration folder, with known_receivers in it. */
  readonly config: string;
}

/**
 * The narrowest permissions for `stx doctor`. It looks for the log that SQLite has beside a state file in use, and asks
 * how much space is free, which it says to be unknown without that.
 */
export function doctorPermissions(job: DoctorJob): Permissions {
  const { key, keyPublic, next, nextPublic, statement } = rotationPaths(job.identity);
  const agent = agentPermissions(job.agentSocket);
  return {
    read: [
      job.dir,
      job.config,
      ...[key, keyPublic, next, nextPublic, statement],
      job.authorizedKeys,
      ...named(job.revokedKeys),
      ...named(job.pskFile),
      job.state,
      `${job.state}-wal`,
      ...agent.files,
    ],
    write: [job.dir, job.state, ...agent.files],
    net: [job.listen, ...agent.net],
    env: [...(job.variables ?? []), ...agent.env, ...COLOUR],
    sys: ["statfs"],
  };
}

/** What runs of `stx rounds` are given, each for one of its actions. */
export type RoundsJob =
  /** `listen` and `address` are `HOST:PORT`. */
  | { readonly action: "serve"; readonly listen: string; readonly keys: string }
  | { readonly action: "join"; readonly address: string; readonly key: string }
  | { readonly action: "enroll"; readonly baseKey: string; readonly keys: string; readonly out: string }
  | { readonly action: "revoke" | "list"; readonly keys: string };

/**
 * The narrowest permissions for `stx rounds`. SQLite's own files beside the database need none of their own. A client's
 * key is made durable with the folder that it is in, which takes reading that folder: so it is best alone there.
 */
export function roundsPermissions(job: RoundsJob): Permissions {
  const nothing = { read: [], write: [], net: [], env: COLOUR, sys: [] };
  switch (job.action) {
    case "serve": {
      const { listen, keys } = job;
      return { ...nothing, read: [keys], write: [keys], net: [listen], sys: interfacesFor(listen) };
    }
    case "join": {
      const { address, key } = job;
      return { ...nothing, read: [dirname(key)], write: replaced(key), net: [address] };
    }
    case "enroll": {
      const { baseKey, keys, out } = job;
      return { ...nothing, read: [baseKey, keys, dirname(out)], write: [keys, ...replaced(out)] };
    }
    case "revoke":
    case "list":
      return { ...nothing, read: [job.keys], write: [job.keys] };
  }
}

/** What runs of `stx attack-sim` are given: `temporary` is the folder for temporary files. */
export type AttackSimJob =
  | { readonly action: "play"; readonly temporary: string; readonly report?: string }
  /** `HOST:PORT` each, `upstream` with an IP address. */
  | { readonly action: "proxy"; readonly listen: string; readonly upstream: string };

/** The narrowest permissions for `stx attack-sim`. */
export function attackSimPermissions(job: AttackSimJob): Permissions {
  const nothing = { read: [], write: [], env: COLOUR, sys: [] };
  if (job.action === "proxy") return { ...nothing, net: [job.listen, job.upstream] };
  const { temporary, report } = job;
  return { ...nothing, read: [temporary], write: [temporary, ...named(report)], net: ["127.0.0.1"] };
}

/** The file of an identity, and the one of a change that it announces, which need not exist. */
function identityFiles(identity: string): readonly string[] {
  return [identity, rotationPaths(identity).statement];
}

/** Read on every run. */
const COLOUR = ["NO_COLOR"];

function named(file: string | undefined): readonly string[] {
  return file === undefined ? [] : [file];
}

function replaced(file: string): readonly string[] {
  return [file, draftOf(file)];
}

/** What talking to ssh-agent takes: Deno wants all three for a socket in the file system. */
function agentPermissions(socket: string | undefined): Record<"files" | "net" | "env", readonly string[]> {
  if (socket === undefined) return { files: [], net: [], env: [] };
  return { files: [socket], net: [`unix:${socket}`], env: ["SSH_AUTH_SOCK"] };
}
