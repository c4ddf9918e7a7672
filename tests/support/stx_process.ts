/**
 * stx as a child process of a test: what `STX_COMMAND` names if that is set, such as `dist/stx` or
 * `deno run -A dist/stx.js`, and the sources otherwise. So one suite tests sources, bundle and binary.
 * @module
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { eventProblem, type StxEvent } from "./events.ts";

/** The words that run stx, before its own arguments. */
export const STX: readonly string[] = stxWords(Deno.env.get("STX_COMMAND"));

/** What a child needs beside what its test sets: programs are found, and Deno finds the packages it has. */
export const BASE_ENV: Readonly<Record<string, string>> = {
  PATH: Deno.env.get("PATH") ?? "",
  DENO_DIR: denoDir(),
  DENO_NO_UPDATE_CHECK: "1",
};

/** How to start stx. */
export interface StartOptions {
  /** The whole environment beside {@link BASE_ENV}; nothing of the test's own is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What to put on standard input, which is then closed. Without it standard input is empty. */
  readonly stdin?: Uint8Array | ReadableStream<Uint8Array>;
  /** Words that run the program that comes behind them, such as `setpriv …`. */
  readonly prefix?: readonly string[];
  /**
   * Runs it on a terminal of its own, with `script` of util-linux: all output then comes on standard output, and
   * what {@link StxProcess.type} types is its input.
   */
  readonly terminal?: true;
}

/** What is left of a process. */
export interface Ended {
  /** The exit status, 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The events on standard output, if `--json` was given. */
  readonly events: readonly StxEvent[];
}

/** A running stx. */
export class StxProcess {
  readonly pid: number;
  /** The command line behind `stx`. */
  readonly args: readonly string[];
  /** The events so far. */
  readonly events: StxEvent[] = [];
  /** Resolves when the process is gone and its output is read. */
  readonly ended: Promise<Ended>;
  /** What it printed so far that no stx may print, whatever the scenario; one line each. */
  readonly problems: string[] = [];
  readonly #child: Deno.ChildProcess;
  #stdout = "";
  #stderr = "";
  #isOver = false;
  #change = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: StartOptions) {
    this.args = args;
    const words = [...options.prefix ?? [], ...STX, ...args];
    const [program, ...rest] = options.terminal
      ? ["script", "-qec", words.map(quote).join(" "), "/dev/null"]
      : words;
    this.#child = new Deno.Command(program!, {
      args: rest,
      clearEnv: true,
      env: { ...BASE_ENV, ...options.env },
      stdin: options.stdin === undefined && !options.terminal ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#run(options.stdin, options.terminal === true);
  }

  /** All that it printed on standard output so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All that it printed on standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The first event called `name` that `accept` takes, past or to come. Rejects if stx ends without one. */
  async event<Name extends StxEvent["event"]>(
    name: Name,
    accept: (event: Extract<StxEvent, { event: Name }>) => boolean = () => true,
  ): Promise<Extract<StxEvent, { event: Name }>> {
    for (let index = 0;; index++) {
      await this.#until(() => this.events.length > index, `the event "${name}"`);
      const event = this.events[index]!;
      if (isNamed(event, name) && accept(event)) return event;
    }
  }

  /** Resolves once its output has text that matches `pattern`. Rejects if stx ends without. */
  async says(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.#stderr) || pattern.test(this.#stdout), `${pattern}`);
  }

  /** Types on its terminal. */
  async type(text: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  /** Sends a signal; nothing happens if the process is gone. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It is gone already.
    }
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.#isOver) {
        const { code } = await this.#child.status;
        throw new Error(`stx ${this.args[0]} ended with ${code} before ${what} came:\n${this.#stderr}`);
      }
      await this.#change.promise;
    }
  }

  async #run(stdin: StartOptions["stdin"], isTerminal: boolean): Promise<Ended> {
    const fed = new AbortController();
    const [{ code }] = await Promise.all([
      this.#child.status.finally(() => fed.abort()),
      this.#readOut(),
      this.#readError(),
      stdin === undefined ? undefined : feed(stdin, this.#child.stdin, fed.signal),
    ]);
    if (isTerminal) await this.#child.stdin.close().catch(() => {});
    // A stack trace, or a failure without a code, is a fault in stx in every scenario.
    const isVerbose = this.args.includes("--verbose");
    const fault = (isVerbose ? /unexpected error|Uncaught/ : /^ +at .*:\d+:\d+|unexpected error|Uncaught/m)
      .exec(this.#stderr + (this.args.includes("--json") ? "" : this.#stdout));
    if (fault !== null) this.problems.push(`standard error has ${JSON.stringify(fault[0])}`);
    this.#isOver = true;
    this.#wake();
    return { code, stdout: this.#stdout, stderr: this.#stderr, events: this.events };
  }

  async #readOut(): Promise<void> {
    const isEvents = this.args.includes("--json");
    let open = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#stdout += text;
      const lines = (open + text).split("\n");
      open = lines.pop()!;
      if (isEvents) lines.forEach((line) => this.#readEvent(line));
      this.#wake();
    }
    if (isEvents && open !== "") this.problems.push(`the last event is not a whole line: ${open}`);
  }

  async #readError(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += text;
      this.#wake();
    }
  }

  #readEvent(line: string): void {
    const problem = eventProblem(line);
    if (problem === undefined) this.events.push(JSON.parse(line) as StxEvent);
    else this.problems.push(`${problem}: ${JSON.stringify(line)}`);
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function isNamed<Name extends StxEvent["event"]>(
  event: StxEvent,
  name: Name,
): event is Extract<StxEvent, { event: Name }> {
  return event.event === name;
}

/** A word as the shell takes it for itself. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes all of `from`, unless the program ends without having read it. */
async function feed(
  from: Uint8Array | ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const source = from instanceof Uint8Array ? new Blob([new Uint8Array(from)]).stream() : from;
  await source.pipeTo(to, { signal }).catch(() => {});
}

/** Splits a command line as a shell does, as far as quotes go. */
function stxWords(line: string | undefined): readonly string[] {
  if (line === undefined) {
    return [Deno.execPath(), "run", "-A", "--no-prompt", `${PROJECT_FOLDER}/cli/main.ts`];
  }
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"))
    // Some tests run stx in another folder.
    .map((word) => word.includes("/") && existsSync(word) ? resolve(word) : word);
}

/** Where Deno keeps packages: by default below HOME, which is another one in the tests. */
function denoDir(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" })
    .outputSync();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string }).denoDir;
}
