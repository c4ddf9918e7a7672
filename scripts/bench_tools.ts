/**
 * The tools that `bench.ts` measures, each as one way of bringing a file from here to there.
 * @module
 */
import { childrenOf, cpuSecondsOf } from "./process_cost.ts";
import {
  flagsFor,
  keygenPermissions,
  type Permissions,
  recvPermissions,
  sendPermissions,
} from "./permissions.ts";
import { type Child, type Children, findProgram } from "./process.ts";
import type { SshServer } from "./ssh_server.ts";
import { stxArguments, StxProcess } from "./stx_process.ts";

/** A transfer that is about to begin. */
export interface Preparation {
  /** Starts the sending end. It ends when the file has arrived. */
  start(): Child;
  /** The processes of the receiving end, each with those below it. */
  receivers(): readonly number[];
  /** Resolves when the receiving end has ended too; returns the processor time of it that is not our own child's. */
  finish(): Promise<number>;
}

/** One tool. */
export interface Tool {
  readonly name: string;
  /** Gets the receiving end ready, for one transfer of the file `source` into the folder `target`. */
  prepare(source: string, target: string): Promise<Preparation>;
}

/**
 * stx with each of its ciphers; keys are made in `folder`. Below /dev it runs with all permissions, because Deno
 * lets no program with fewer reach anything there; elsewhere with the narrowest.
 */
export async function stxTools(children: Children, folder: string): Promise<readonly Tool[]> {
  const flagsOf = (permissions: Permissions): readonly string[] =>
    folder.startsWith("/dev/") ? ["--allow-all"] : flagsFor(permissions);
  const env = { STX_CONFIG_DIR: folder, XDG_STATE_HOME: folder };
  const [senderKey, receiverKey] = [`${folder}/sender`, `${folder}/receiver`];
  for (const out of [senderKey, receiverKey]) {
    await children.run(
      Deno.execPath(),
      stxArguments(flagsOf(keygenPermissions({ out })), ["keygen", "--out", out]),
      {
        env,
      },
    );
  }
  const files = { authorizedKeys: `${senderKey}.pub`, state: `${folder}/state` };
  const prepare = async (source: string, target: string, cipher: string): Promise<Preparation> => {
    const listen = "127.0.0.1:0";
    const job = { listen, dir: target, identity: receiverKey, ...files };
    const args = ["recv", "--once", "--listen", listen, "--dir", target, "--identity", receiverKey];
    const more = ["--authorized-keys", files.authorizedKeys, "--state", files.state];
    const receiver = new StxProcess(children, flagsOf(recvPermissions(job)), [...args, ...more], env);
    const address = `127.0.0.1:${(await receiver.first("listening")).port}`;
    const peer = `${receiverKey}.pub`;
    const flags = flagsOf(sendPermissions({
      paths: [source],
      address,
      identity: senderKey,
      trust: peer,
    }));
    const send = ["send", source, address, "--identity", senderKey, "--peer", peer, "--cipher", cipher];
    return {
      start: () => children.start(Deno.execPath(), stxArguments(flags, send), { env }),
      receivers: () => [receiver.child.pid],
      finish: async () => {
        await receiver.succeed();
        return 0;
      },
    };
  };
  return ["auto", "aes-256-gcm", "chacha20-poly1305"].map((cipher) => ({
    name: `stx ${cipher}`,
    prepare: (source, target) => prepare(source, target, cipher),
  }));
}

/** scp and rsync over `server`, or why they are left out. */
export function sshTools(children: Children, server: SshServer): readonly (Tool | string)[] {
  /** The server's own processor time, and that of all its connections that have ended. */
  const serverSeconds = (): number => cpuSecondsOf(server.child.pid, "own and children");
  const tool = (
    name: string,
    program: string,
    args: (source: string, target: string) => readonly string[],
  ) => {
    const path = findProgram(program);
    if (path === undefined) return `${name}: ${program} is not installed`;
    const prepare = (source: string, target: string): Promise<Preparation> => {
      const before = serverSeconds();
      return Promise.resolve({
        start: () => children.start(path, args(source, target)),
        receivers: () => childrenOf(server.child.pid),
        finish: async () => {
          // A connection's process lives a moment longer than the client.
          while (childrenOf(server.child.pid).length > 0) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          return serverSeconds() - before;
        },
      });
    };
    return { name, prepare };
  };
  const config = server.clientConfig;
  return [
    tool("scp", "scp", (source, target) => ["-q", "-F", config, source, `bench:${target}/`]),
    tool(
      "rsync over ssh",
      "rsync",
      (source, target) => ["-e", `ssh -F ${config}`, source, `bench:${target}/`],
    ),
  ];
}
