/**
 * The stage of an end-to-end scenario: two people with keys and configuration of their own, something to send, a
 * folder to receive in, and processes none of which outlives the scenario.
 * @module
 */
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { type Ended, type StartOptions, StxProcess } from "./stx_process.ts";
import { withTempFolder } from "./temp_folder.ts";

/** A scenario that takes longer hangs: its processes are ended and their output is shown. */
const HANG_GUARD_MS = 60_000;

/** The keys of people by name, as stx keygen made them: once for all scenarios of a file, which saves half its processes. */
const KEYS = new Map<string, { privateKey: string; publicKey: string; fingerprint: string }>();

/** Someone who sends or receives, with a home, a configuration folder and an identity. */
export interface Person {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly config: string;
  /** The private key's file; the public key is in `identity`.pub. */
  readonly identity: string;
  readonly fingerprint: string;
}

/** How to start a receiver or a sender; `args` come last on its command line. */
export interface RunOptions extends Partial<StartOptions> {
  readonly args?: readonly string[];
  readonly person?: Person;
}

/** Where a sender connects to: a receiver, or a relay before one. */
export interface Target {
  readonly port: number;
}

/** A `stx recv --json` that listens. */
export interface Receiver extends Target {
  readonly process: StxProcess;
  readonly port: number;
  readonly fingerprint: string;
}

/** See the module's text. Made by {@link withStage}. */
export class Stage {
  readonly folder: string;
  /** Where {@link Stage.file} puts things to send. */
  readonly outbox: string;
  /** Where the receiver puts what arrives. */
  readonly inbox: string;
  readonly sender: Person;
  readonly receiver: Person;
  readonly #processes: StxProcess[];

  constructor(folder: string, sender: Person, receiver: Person, processes: StxProcess[]) {
    this.folder = folder;
    this.outbox = `${folder}/outbox`;
    this.inbox = `${folder}/inbox`;
    this.sender = sender;
    this.receiver = receiver;
    this.#processes = processes;
  }

  /** Makes a file in the outbox, with the folders above it; returns its path. Random content where a size is given. */
  file(name: string, content: Uint8Array | string | number): string {
    const path = `${this.outbox}/${name}`;
    Deno.mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, typeof content === "number" ? randomBytes(content) : content);
    return path;
  }

  /** Starts stx with these arguments. It is ended with the scenario at the latest. */
  start(args: readonly string[], options: StartOptions): StxProcess {
    const process = new StxProcess(args, options);
    this.#processes.push(process);
    return process;
  }

  /** Runs stx as the sender (or as `person`) to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { person, args: more, ...start } = options;
    return await this.start([...args, ...more ?? []], { env: (person ?? this.sender).env, ...start }).ended;
  }

  /**
   * Starts `stx recv` into the inbox and waits until it listens: on a free port of 127.0.0.1, or on `port`, as one
   * that is started again does.
   */
  async receive(options: RunOptions & { port?: number; dir?: string } = {}): Promise<Receiver> {
    const process = this.startReceive(options);
    const { port, fingerprint } = await process.event("listening");
    return { process, port, fingerprint: fingerprint! };
  }

  /** As {@link Stage.receive}, without waiting. */
  startReceive(options: RunOptions & { port?: number; dir?: string } = {}): StxProcess {
    const { person = this.receiver, args = [], port = 0, dir = this.inbox, ...start } = options;
    const listen = args.includes("--listen") ? [] : ["--listen", `127.0.0.1:${port}`];
    return this.start(["recv", "--json", ...listen, "--dir", dir, ...args], { env: person.env, ...start });
  }

  /** Starts `stx send --json` of `paths` to 127.0.0.1, for the stage's receiver and no other. */
  startSend(to: Target, paths: string | readonly string[], options: RunOptions = {}): StxProcess {
    const { person = this.sender, args = [], ...start } = options;
    const isTrustGiven = args.includes("--peer");
    const trust = isTrustGiven ? [] : ["--peer", this.receiver.fingerprint];
    return this.start(
      ["send", ...[paths].flat(), `127.0.0.1:${to.port}`, "--json", ...trust, ...args],
      { env: person.env, ...start },
    );
  }

  /** As {@link Stage.startSend}, to its end. */
  async send(to: Target, paths: string | readonly string[], options: RunOptions = {}): Promise<Ended> {
    return await this.startSend(to, paths, options).ended;
  }

  /** A port of 127.0.0.1 that nobody listens on. */
  closedPort(): Target {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return { port: listener.addr.port };
  }

  /** Makes another person with an identity, whom nobody knows yet. */
  async newPerson(name: string): Promise<Person> {
    return await newPerson(this.folder, name, (args, env) => this.start(args, { env }).ended);
  }

  /** Puts the public keys of these people, and of no others, into the receiver's authorized keys. */
  authorize(...people: readonly Person[]): void {
    const keys = people.map((person) => Deno.readTextFileSync(`${person.identity}.pub`));
    Deno.writeTextFileSync(`${this.receiver.config}/authorized_keys`, keys.join(""));
  }
}

/** Runs `scenario` on a fresh stage. Whatever happens, its processes end by their ids and its folder goes. */
export async function withStage(
  scenario: (stage: Stage) => Promise<void>,
  hangGuardMs = HANG_GUARD_MS,
): Promise<void> {
  await withProcesses(async (folder, processes) => {
    const keygen = (args: readonly string[], env: Person["env"]) => {
      const process = new StxProcess(args, { env });
      processes.push(process);
      return process.ended;
    };
    const [sender, receiver] = await Promise.all([
      newPerson(folder, "sender", keygen),
      newPerson(folder, "receiver", keygen),
    ]);
    const stage = new Stage(folder, sender, receiver, processes);
    await Deno.mkdir(stage.outbox);
    await Deno.mkdir(stage.inbox);
    stage.authorize(sender);
    await scenario(stage);
  }, hangGuardMs);
}

/**
 * Runs `scenario` in a fresh folder. Whatever happens, the processes that it adds end by their ids and the folder goes.
 * Throws if it hangs, and for what no stx may print.
 */
export async function withProcesses(
  scenario: (folder: string, processes: StxProcess[]) => Promise<void>,
  hangGuardMs = HANG_GUARD_MS,
): Promise<void> {
  await withTempFolder(async (temporary) => {
    const folder = await Deno.realPath(temporary);
    const processes: StxProcess[] = [];
    await guarded(() => scenario(folder, processes), processes, hangGuardMs);
    for (const { args, problems } of processes) {
      if (problems.length > 0) throw new Error(`stx ${args.join(" ")}:\n${problems.join("\n")}`);
    }
  });
}

async function newPerson(
  folder: string,
  name: string,
  keygen: (args: readonly string[], env: Person["env"]) => Promise<Ended>,
): Promise<Person> {
  const home = `${folder}/${name}`;
  const config = `${home}/config`;
  await Deno.mkdir(config, { recursive: true });
  const env = { HOME: home, STX_CONFIG_DIR: config, XDG_STATE_HOME: `${home}/state` };
  const identity = `${config}/identity`;
  let keys = KEYS.get(name);
  if (keys === undefined) {
    const { code, stdout, stderr } = await keygen(["keygen"], env);
    if (code !== 0) throw new Error(`stx keygen ended with ${code}: ${stderr}`);
    keys = {
      privateKey: await Deno.readTextFile(identity),
      publicKey: await Deno.readTextFile(`${identity}.pub`),
      fingerprint: stdout.trim(),
    };
    KEYS.set(name, keys);
  } else {
    await Deno.writeTextFile(identity, keys.privateKey, { mode: 0o600 });
    await Deno.writeTextFile(`${identity}.pub`, keys.publicKey);
  }
  return { env, home, config, identity, fingerprint: keys.fingerprint };
}

/** Runs `body` and then ends all processes; throws if it hangs. */
async function guarded(
  body: () => Promise<void>,
  processes: readonly StxProcess[],
  hangGuardMs: number,
): Promise<void> {
  const { promise: hang, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const outputs = processes.map(({ args, events, stderr }) =>
      `stx ${args.join(" ")}\n${events.map((event) => JSON.stringify(event)).slice(-5).join("\n")}\n${stderr}`
    );
    reject(new Error(`The scenario hangs. Its processes said last:\n${outputs.join("\n")}`));
  }, hangGuardMs);
  const playing = body();
  try {
    await Promise.race([playing, hang]);
  } finally {
    clearTimeout(timer);
    for (const process of processes) process.kill("SIGKILL");
    // Whoever still waits for an event of one of them is told that it will not come.
    await playing.catch(() => {});
    await Promise.all(processes.map((process) => process.ended));
  }
}
