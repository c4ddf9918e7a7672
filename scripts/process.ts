/**
 * Child processes of scripts: started with their output as lines, and none left behind.
 * @module
 */

/** The signals that end a script; Windows has no others that can be listened to. */
const ENDING_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** How to start a child. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A running child. */
export interface Child {
  readonly pid: number;
  /** The lines of standard output, to be read once. */
  readonly lines: AsyncIterable<string>;
  /** Resolves when the process is gone, with its exit code (128 + n after signal n) and its standard error. */
  readonly end: Promise<{ readonly code: number; readonly stderr: string }>;
  /** Ends the process at once; nothing happens if it is gone. */
  kill(): void;
}

/** The children of one script; disposing of it ends those that still run, and so does a signal to the script. */
export class Children implements AsyncDisposable {
  readonly #running = new Set<Child>();
  readonly #onSignal: (() => void)[] = [];

  /** `cleanUp` runs before the script ends by a signal. */
  constructor(cleanUp: () => void = () => {}) {
    ENDING_SIGNALS.forEach((signal, index) => {
      const listener = (): void => {
        for (const child of this.#running) child.kill();
        cleanUp();
        Deno.exit(index === 0 ? 130 : 143);
      };
      Deno.addSignalListener(signal, listener);
      this.#onSignal.push(() => Deno.removeSignalListener(signal, listener));
    });
  }

  /** Starts `program`; its standard input is empty. */
  start(program: string, args: readonly string[], options: StartOptions = {}): Child {
    const process = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    const end = Promise.all([process.status, new Response(process.stderr).text()]).then(
      ([status, stderr]) => {
        this.#running.delete(child);
        return { code: status.code, stderr };
      },
    );
    const child: Child = {
      pid: process.pid,
      lines: linesOf(process.stdout),
      end,
      kill: () => {
        try {
          process.kill("SIGKILL");
        } catch {
          // It is gone already.
        }
      },
    };
    this.#running.add(child);
    return child;
  }

  /** Runs `program` to its end and returns its output. Throws if it fails. */
  async run(program: string, args: readonly string[], options: StartOptions = {}): Promise<string> {
    const child = this.start(program, args, options);
    let stdout = "";
    for await (const line of child.lines) stdout += line + "\n";
    const { code, stderr } = await child.end;
    if (code !== 0) throw new Error(`${program} ${args[0] ?? ""} ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#running];
    for (const child of running) child.kill();
    await Promise.all(running.map((child) => child.end));
    for (const remove of this.#onSignal) remove();
  }
}

/** The lines of a stream without their ends, each as soon as it is whole. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let open = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (open + text).split("\n");
    open = lines.pop()!;
    yield* lines;
  }
  if (open !== "") yield open;
}

/** The absolute path of `program`, looked for where the shell looks and where servers lie; `undefined` if absent. */
export function findProgram(program: string): string | undefined {
  const onWindows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(onWindows ? ";" : ":");
  for (const folder of [...folders, "/usr/local/sbin", "/usr/sbin"]) {
    const path = `${folder}/${program}${onWindows ? ".exe" : ""}`;
    try {
      if (folder !== "" && Deno.statSync(path).isFile) return path;
    } catch {
      // Not there, or not to be looked at: either way not to be run from there.
    }
  }
  return undefined;
}
