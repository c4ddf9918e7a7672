/**
 * Files of private keys on disk: where they are, who may read them, and what they hold.
 * @module
 */
import { join } from "node:path";
import { escapeControls } from "../lib/bytes/escape.ts";
import { quoted } from "../lib/bytes/shell_word.ts";
import { StxError } from "../lib/errors.ts";
import { diskError } from "../lib/files/disk_error.ts";
import { generateSeed, identityFromSeed } from "../lib/identity/identity.ts";
import { formatPrivateKey, parsePrivateKey } from "../lib/identity/openssh_key.ts";
import { fingerprint, formatPublicKeyLine, parsePublicKeyLine } from "../lib/identity/public_key.ts";
import { agentIdentity } from "../lib/identity/ssh_agent.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../lib/limits.ts";
import { dialUnix, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { Duplex, Identity } from "../lib/ports.ts";
import { readEnvironment } from "./environment.ts";
import { configFolder } from "./paths.ts";
import { replaceFile } from "./replace_file.ts";
import type { Output } from "./terminal.ts";

export { quoted };

/** A key or trust file is text of a few lines; a larger one is something else. */
const FILE_SIZE_MAX = 16 * 1024 * 1024;
const READABLE_BY_OTHERS = 0o077;
/** Signatures that may wait for an agent at once: each holds a socket, and at a receiver every stranger asks for one. */
const AGENT_SIGNATURES_MAX = 64;

/** A file that was read. */
export interface TextFile {
  readonly text: string;
  /** Who may do what with it; `null` where the system has no such thing. */
  readonly mode: number | null;
}

/**
 * Reads a text file whole, or returns `undefined` if there is none. `what` names it in errors. A link that leads nowhere
 * is an error: somebody has put the file elsewhere, and to go on without it would be to forget what it says.
 */
export function readText(path: string, what: string): TextFile | undefined {
  try {
    const info = Deno.statSync(path);
    if (!info.isFile || info.size > FILE_SIZE_MAX) {
      throw new StxError(
        "bad_key_file",
        `Cannot read ${what} ${escapeControls(path)}: it is not a text file`,
      );
    }
    return { text: Deno.readTextFileSync(path), mode: info.mode };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !isLink(path)) return undefined;
    throw diskError(error, `read ${what}`, path);
  }
}

/** Says whether a path is a symbolic link, wherever that leads. */
export function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    // Missing or out of reach: reading it says so.
    return false;
  }
}

/** The file that a path names: where its link leads, if it is one. */
export function throughLink(path: string): string {
  if (!isLink(path)) return path;
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    throw diskError(error, "follow the link", path);
  }
}

/**
 * Loads a private key: an OpenSSH file, or, where it has a passphrase or only the public half is there, the key
 * in ssh-agent. Throws `bad_key_file`, also where others may read the file.
 */
export async function loadIdentity(path: string): Promise<Identity> {
  const file = readText(path, "the private key");
  if (file === undefined) {
    throw new StxError(
      "bad_key_file",
      `Cannot read the private key ${escapeControls(path)}: there is no such file`,
      {
        hint: `make one with: stx keygen --out ${quoted(path)}`,
      },
    );
  }
  if (/^ssh-/.test(file.text.trimStart())) {
    return agentKey(path, parsePublicKeyLine(file.text.trim()).publicKey);
  }
  refuseIfReadable(path, file.mode, "the private key");
  return await identityIn(path, file.text);
}

/** The identity in the text of a private key's file; throws `bad_key_file`. `path` names the file in errors. */
export async function identityIn(path: string, text: string): Promise<Identity> {
  const key = inFile(path, () => parsePrivateKey(text));
  if (key.kind === "encrypted") return agentKey(path, key.publicKey);
  const identity = await identityFromSeed(key.seed);
  key.seed.fill(0);
  return identity;
}

/** Throws `bad_key_file` if others than its owner may read the file. `what` names it. */
export function refuseIfReadable(path: string, mode: number | null, what: string): void {
  if (mode === null || (mode & READABLE_BY_OTHERS) === 0) return;
  throw new StxError(
    "bad_key_file",
    `Will not use ${what} ${escapeControls(path)}: others may read it (mode ${(mode & 0o777).toString(8)})`,
    { hint: `run: chmod 600 ${quoted(path)}` },
  );
}

/** The key in ssh-agent of which the file `path` is the public half, or needs a passphrase. */
function agentKey(path: string, publicKey: Identity["publicKey"]): Identity {
  const socket = readEnvironment("SSH_AUTH_SOCK");
  const start = `start one with: eval $(ssh-agent) && ssh-add ${quoted(path.replace(/\.pub$/, ""))}`;
  if (socket === undefined) {
    throw new StxError(
      "bad_key_file",
      `The private key of ${escapeControls(path)} needs a passphrase or is not there, ` +
        "and no ssh-agent runs that has it",
      { hint: start },
    );
  }
  let waitingCount = 0;
  return {
    publicKey,
    // An agent may ask its user first, and one that is stopped never answers: a handshake does not wait for ever.
    async sign(message) {
      if (waitingCount >= AGENT_SIGNATURES_MAX) {
        throw new StxError("busy", `ssh-agent has ${waitingCount} signatures to make already`, {
          hint: "see whether it waits for a confirmation",
        });
      }
      waitingCount += 1;
      const late = Promise.withResolvers<never>();
      let connection: Duplex | undefined;
      let isLate = false;
      const cancel = systemClock.after(HANDSHAKE_TIMEOUT_MS, () => {
        isLate = true;
        connection?.close();
        late.reject(
          new StxError(
            "bad_key_file",
            `ssh-agent did not answer within ${HANDSHAKE_TIMEOUT_MS / 1000} seconds`,
            {
              hint: "see whether it waits for a confirmation",
            },
          ),
        );
      });
      const identity = agentIdentity(publicKey, async () => {
        connection = await dialAgent(socket, start);
        if (isLate) connection.close();
        return connection;
      });
      try {
        return await Promise.race([identity.sign(message), late.promise]);
      } finally {
        cancel();
        waitingCount -= 1;
      }
    },
  };
}

async function dialAgent(socket: string, start: string): Promise<Duplex> {
  try {
    return await dialUnix(socket);
  } catch (error) {
    throw new StxError("bad_key_file", "Cannot reach ssh-agent at SSH_AUTH_SOCK", {
      hint: start,
      cause: error,
    });
  }
}

/** Runs a parser and puts the file's name before what it complains of. */
export function inFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
    throw new StxError(error.code, `${escapeControls(path)}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** The file named by `--identity`, or the configuration's own. */
export function identityPath(option: string | undefined): string {
  return option ?? join(configFolder("--identity FILE"), "identity");
}

/** The identity named by `--identity`, or the configuration's own, which is made on first use. */
export async function ownIdentity(option: string | undefined, output: Output): Promise<Identity> {
  const path = identityPath(option);
  if (option === undefined && readText(path, "the private key") === undefined) {
    const made = await makeIdentity(path, "stx", false);
    output.info(`Made a new identity in ${path}: ${made.fingerprint}`);
  }
  return await loadIdentity(path);
}

/**
 * Makes a key pair: `path` with mode 600 and `path`.pub. Each file appears whole or not at all. Throws `exists`
 * unless `force` is given.
 */
export async function makeIdentity(
  path: string,
  comment: string,
  force: boolean,
): Promise<{ fingerprint: string; publicLine: string }> {
  const seed = generateSeed(systemRandom);
  const identity = await identityFromSeed(seed);
  const publicLine = formatPublicKeyLine(identity.publicKey, comment);
  const privateText = formatPrivateKey(seed, comment);
  seed.fill(0);
  if (!force) {
    refuseIfExists(path);
    refuseIfExists(`${path}.pub`);
  }
  replaceFile(path, privateText, 0o600);
  replaceFile(`${path}.pub`, `${publicLine}\n`, 0o644);
  return { fingerprint: fingerprint(identity.publicKey), publicLine };
}

/** Throws `exists` if a new key would take the place of a file, of whatever kind. */
export function refuseIfExists(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw diskError(error, "look at", path);
  }
  throw new StxError("exists", `Will not overwrite ${escapeControls(path)}: it exists`, {
    hint: "choose another name with --out, or give --force to replace it, which makes the old key useless",
  });
}

/**
 * Calls `read` again only when the file has changed: every stranger makes us look. What `read` throws is thrown on,
 * every time until the file can be read again, so that what cannot be read authorizes nobody.
 */
export function rereading<T>(path: string, read: () => T): () => T {
  let last: { readonly state: string | undefined; readonly value: T } | undefined;
  return () => {
    const state = fileState(path);
    if (last === undefined || state === undefined || state !== last.state) last = { state, value: read() };
    return last.value;
  };
}

/** What changes when a file does; `undefined` for one that is missing or out of reach: reading it says so. */
function fileState(path: string): string | undefined {
  try {
    const { mtime, size, ino, mode } = Deno.statSync(path);
    return `${mtime?.getTime()} ${size} ${ino} ${mode}`;
  } catch {
    return undefined;
  }
}
