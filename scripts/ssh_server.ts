/**
 * A server of OpenSSH of one's own: on a free port of 127.0.0.1, with keys and configuration in a folder that the
 * caller removes.
 * @module
 */
import { type Child, type Children, findProgram } from "./process.ts";

/** What privilege separation needs when sshd runs as root; Debian makes it when the service starts. */
const SEPARATION_FOLDER = "/run/sshd";
const START_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** The cipher that ssh is measured with: the one of stx. */
const CIPHER = "aes256-gcm@openssh.com";

/** A running sshd. */
export class SshServer implements AsyncDisposable {
  /** The process that listens; it starts one child a connection. */
  readonly child: Child;
  /** The configuration file with which `ssh -F` reaches it under the name `bench`. */
  readonly clientConfig: string;
  readonly #madeSeparationFolder: boolean;

  private constructor(child: Child, clientConfig: string, madeSeparationFolder: boolean) {
    this.child = child;
    this.clientConfig = clientConfig;
    this.#madeSeparationFolder = madeSeparationFolder;
  }

  /**
   * Starts sshd with its files in `folder`. Returns why not as a text where OpenSSH is not installed; throws if it
   * does not start.
   */
  static async start(children: Children, folder: string): Promise<SshServer | string> {
    const [sshd, keygen] = [findProgram("sshd"), findProgram("ssh-keygen")];
    if (sshd === undefined || keygen === undefined || findProgram("ssh") === undefined) {
      return "OpenSSH's server and client are not both installed";
    }
    for (const key of ["host_key", "user_key"]) {
      await children.run(keygen, ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", `${folder}/${key}`]);
    }
    await Deno.copyFile(`${folder}/user_key.pub`, `${folder}/authorized_keys`);
    const port = freePort();
    const hostKey = (await Deno.readTextFile(`${folder}/host_key.pub`)).trim();
    await Deno.writeTextFile(`${folder}/known_hosts`, `[127.0.0.1]:${port} ${hostKey}\n`);
    const user = (await children.run("id", ["-un"])).trim();
    await Deno.writeTextFile(`${folder}/sshd_config`, serverConfig(folder, port));
    const clientConfig = `${folder}/ssh_config`;
    await Deno.writeTextFile(clientConfig, clientConfigText(folder, port, user));

    const madeSeparationFolder = Deno.uid() === 0 && makeFolder(SEPARATION_FOLDER);
    const child = children.start(sshd, ["-D", "-e", "-f", `${folder}/sshd_config`]);
    const server = new SshServer(child, clientConfig, madeSeparationFolder);
    try {
      await answers(port, child);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill();
    await this.child.end;
    if (this.#madeSeparationFolder) Deno.removeSync(SEPARATION_FOLDER);
  }
}

function serverConfig(folder: string, port: number): string {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder}/host_key`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    "PidFile none",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    // The folder lies below one that all users may write to.
    "StrictModes no",
    "Subsystem sftp internal-sftp",
    "LogLevel ERROR",
    "",
  ].join("\n");
}

function clientConfigText(folder: string, port: number, user: string): string {
  return [
    "Host bench",
    "HostName 127.0.0.1",
    `Port ${port}`,
    `User ${user}`,
    `IdentityFile ${folder}/user_key`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${folder}/known_hosts`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "BatchMode yes",
    "Compression no",
    `Ciphers ${CIPHER}`,
    "LogLevel ERROR",
    "",
  ].join("\n");
}

/** A port that was free a moment ago; sshd cannot choose one itself and say which. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Makes a folder; returns whether it was absent. */
function makeFolder(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** Resolves when something listens on `port`. Throws if `child` ends before, or it takes too long. */
async function answers(port: number, child: Child): Promise<void> {
  let ended: { readonly stderr: string } | undefined;
  child.end.then((end) => ended = end);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (ended === undefined && performance.now() < deadline) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(
    `sshd does not start: ${ended?.stderr.trim() ?? `nothing listens after ${START_TIMEOUT_MS} ms`}`,
  );
}
