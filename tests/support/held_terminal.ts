/**
 * A terminal that a test holds, with `script` of util-linux, for programs whose other streams it reads itself.
 * @module
 */
import { BASE_ENV } from "./stx_process.ts";

/** See the module's text. */
export class HeldTerminal implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  /** Words before a program that give it the terminal as its standard input. */
  readonly prefix: readonly string[];

  private constructor(holder: Deno.ChildProcess, path: string) {
    this.#holder = holder;
    this.prefix = ["sh", "-c", 'exec "$@" < "$0"', path];
  }

  /** Opens one. */
  static async open(): Promise<HeldTerminal> {
    const holder = new Deno.Command("script", {
      args: ["-qec", "tty; exec cat", "/dev/null"],
      clearEnv: true,
      env: BASE_ENV,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (const text of holder.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("\n")) break;
    }
    return new HeldTerminal(holder, said.split(/\r?\n/, 1)[0]!);
  }

  /** Hangs up: whoever still has it, has no terminal any more. */
  async hangUp(): Promise<void> {
    try {
      this.#holder.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    await this.#holder.status;
    await this.#holder.stdin.close().catch(() => {});
  }

  /** As {@link HeldTerminal.hangUp}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangUp();
  }
}
