/**
 * A group of the rounds protocol for tests: clients that are enrolled, a server, and clients as processes or in this
 * one.
 * @module
 */
import { takeEpoch } from "../../cli/rounds_key_files.ts";
import { joinRounds, type RoundsMembership } from "../../lib/net/rounds_client.ts";
import { dial, systemClock, systemRandom } from "../../lib/net/tcp.ts";
import { formatClientKey } from "../../lib/rounds/key_files.ts";
import { SqliteRoundsKeys } from "../../lib/store/sqlite_rounds_keys.ts";
import { withProcesses } from "./stage.ts";
import { type StartOptions, StxProcess } from "./stx_process.ts";

/** A `stx rounds serve --json` that listens, or what stands before one. */
export interface RoundsServer {
  readonly port: number;
}

/** A `stx rounds serve --json` that listens. */
export interface RoundsServerProcess extends RoundsServer {
  readonly process: StxProcess;
}

/** See the module's text. Made by {@link withGroup}. */
export class RoundsGroup {
  readonly folder: string;
  /** The server's database of keys. */
  readonly database: string;
  readonly #processes: StxProcess[];

  constructor(folder: string, processes: StxProcess[]) {
    this.folder = folder;
    this.database = `${folder}/clients.db`;
    this.#processes = processes;
  }

  /** The key file of a client. */
  keyFile(id: string): string {
    return `${this.folder}/${id}.key`;
  }

  /** Enrols clients as `stx rounds enroll` does, but here, which saves processes. */
  enroll(...ids: readonly string[]): void {
    const keys = new SqliteRoundsKeys(this.database);
    for (const id of ids) {
      const root = systemRandom.bytes(32);
      keys.enroll(id, root);
      const line = formatClientKey({ id, epoch: 0, root, comment: "" });
      Deno.writeTextFileSync(this.keyFile(id), `${line}\n`, { mode: 0o600 });
    }
    keys.close();
  }

  /** Starts stx with these words behind it. */
  start(args: readonly string[], options: Partial<StartOptions> = {}): StxProcess {
    const process = new StxProcess(args, { env: { HOME: this.folder }, cwd: this.folder, ...options });
    this.#processes.push(process);
    return process;
  }

  /** Starts `stx rounds serve --json` on a free port of 127.0.0.1, or on `port`; resolves when it listens. */
  async serve(args: readonly string[] = [], port = 0): Promise<RoundsServerProcess> {
    const process = this.start([
      ...["rounds", "serve", "--json", "--listen", `127.0.0.1:${port}`, "--keys", this.database],
      ...args,
    ]);
    return { process, port: (await process.event("listening")).port };
  }

  /** Starts `stx rounds join --json` as a client; `lines` is its standard input. */
  join(
    to: RoundsServer,
    id: string,
    lines: string | Pick<Lines, "stream">,
    args: readonly string[] = [],
    options: Partial<StartOptions> = {},
  ): StxProcess {
    const stdin = typeof lines === "string" ? new TextEncoder().encode(lines) : lines.stream;
    const words = ["rounds", "join", `127.0.0.1:${to.port}`, "--key", this.keyFile(id), "--json", ...args];
    return this.start(words, { stdin, ...options });
  }

  /** Joins as a client in this process. */
  async member(to: RoundsServer, id: string): Promise<RoundsMembership> {
    const duplex = await dial("127.0.0.1", to.port);
    const { epoch, root } = takeEpoch(this.keyFile(id));
    return await joinRounds(duplex, { id, epoch, root, random: systemRandom }, systemClock);
  }
}

/** Standard input that a test writes line by line. */
export class Lines {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor() {
    this.stream = new ReadableStream({ start: (controller) => void (this.#controller = controller) });
  }

  /** Writes one line. */
  write(line: string): void {
    this.#controller.enqueue(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends the input. */
  end(): void {
    this.#controller.close();
  }
}

/** Runs `scenario` with clients of these names enrolled. Whatever happens, its processes end and its folder goes. */
export async function withGroup(
  ids: readonly string[],
  scenario: (group: RoundsGroup) => Promise<void>,
  hangGuardMs?: number,
): Promise<void> {
  await withProcesses(async (folder, processes) => {
    const group = new RoundsGroup(folder, processes);
    group.enroll(...ids);
    await scenario(group);
  }, hangGuardMs);
}
