/**
 * All that stx prints, and the one question that it asks. Standard output carries what was asked for: events,
 * help, scripts. Everything meant for people goes to standard error.
 * @module
 */
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { readEnvironment } from "./environment.ts";
import { type EventName, type Events, EVENTS_VERSION } from "./events.ts";
import { exitCodeFor } from "./exit_codes.ts";
import { type Sink, writeAll } from "./write_all.ts";

/** The standard streams of a process, and the width of its terminal. */
export interface Streams {
  readonly stdin: { isTerminal(): boolean; read(into: Uint8Array): Promise<number | null> };
  readonly stdout: Sink & { isTerminal(): boolean };
  readonly stderr: Sink & { isTerminal(): boolean };
  /** Columns of the terminal; 0 or an exception where they are not known. */
  columns(): number;
}

/** What an {@link Output} is made from. */
export interface OutputOptions {
  /** The subcommand, once it is known. */
  readonly command: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Ends the process; called when nobody reads our output any more. */
  readonly exit: (status: number) => never;
  /** The process's own if left out. */
  readonly streams?: Streams;
  /** Whether colours may be used on a terminal; by default unless NO_COLOR is set. */
  readonly colour?: boolean;
}

/** What an error has to do with; see the event `error`. */
export interface ErrorContext {
  readonly transfer?: string;
  readonly peer?: string;
  /** Says that the program does not end by this error. */
  readonly continues?: true;
  /** The exit status that follows, where it is not the one of the error's code: after a signal. */
  readonly exit?: number;
}

const PROCESS_STREAMS: Streams = {
  stdin: Deno.stdin,
  stdout: Deno.stdout,
  stderr: Deno.stderr,
  columns: () => Deno.consoleSize().columns,
};

/** The status of a program that SIGPIPE ended, which is what a reader that goes away means. */
const BROKEN_PIPE_STATUS = 128 + 13;
const CLEAR_LINE = "\r\x1b[K";

/**
 * The output of one run. Every text is one line: line breaks and other control characters in it, wherever they
 * come from, are printed as visible escapes.
 */
export class Output {
  readonly #options: OutputOptions;
  readonly #streams: Streams;
  readonly #colour: boolean;
  readonly #prefix: string;
  /** The progress that stands in the last line of the terminal, not yet ended by a line break. */
  #line = "";

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#streams = options.streams ?? PROCESS_STREAMS;
    this.#colour = (options.colour ?? readEnvironment("NO_COLOR") === undefined) &&
      this.#streams.stderr.isTerminal();
    this.#prefix = options.command === undefined ? "stx:" : `stx ${options.command}:`;
  }

  /** Prints an event as one line of JSON on standard output; does nothing without `--json`. */
  event<Name extends EventName>(name: Name, fields: Events[Name]): void {
    if (!this.#options.json) return;
    const json = JSON.stringify({ v: EVENTS_VERSION, event: name, ...fields }, (_, value) => {
      return typeof value === "bigint" ? value.toString() : value;
    });
    this.#writeOut(`${toAscii(json)}\n`);
  }

  /** Prints lines on standard output, whatever the options. */
  print(...lines: readonly string[]): void {
    this.#writeOut(lines.map((line) => `${this.safe(line)}\n`).join(""));
  }

  /** Text as it may be printed: what a terminal obeys, or what begins another line, is made visible. */
  safe(text: string): string {
    return escapeControls(text);
  }

  /** Tells people something; not under `--quiet`. */
  info(text: string): void {
    if (this.#options.quiet) return;
    this.#writeError(this.safe(text));
    // The events of what is done tell programs the same, so it would be told twice.
    if (this.#options.verbose) this.#log("info", text);
  }

  /** Tells people something that matters only when looking for a fault; only under `--verbose`. */
  verbose(text: string): void {
    if (!this.#options.verbose) return;
    this.#writeError(this.safe(text));
    this.#log("detail", text);
  }

  /** Warns people, under `--quiet` too. */
  warn(text: string): void {
    this.#writeError(`${this.#prefix} ${this.#paint("1;33", "warning:")} ${this.safe(text)}`);
    this.#log("warning", text);
  }

  #log(level: Events["log"]["level"], message: string): void {
    try {
      this.event("log", { level, message });
    } catch {
      // Standard output cannot be written. People have been told; and the next event of the transfer ends it.
    }
  }

  /**
   * Prints an error as one line, what failed, why and what to do, and as an event. What is not an `StxError` is
   * called unexpected; where it happened is shown under `--verbose`. Returns the exit status that it calls for.
   */
  error(error: unknown, context: ErrorContext = {}): number {
    const exit = context.exit ?? exitCodeFor(error);
    const { code, message, hint } = describe(error);
    // The last error is to stand last.
    if (!context.continues) this.close();
    this.#writeError(`${this.#paint("1;31", this.#prefix)} ${this.safe(joinHint(message, hint))}`);
    for (const line of causesOf(error)) this.verbose(`    ${line}`);
    try {
      this.event("error", {
        code,
        message,
        hint: hint ?? null,
        exit: context.continues ? null : exit,
        transfer: context.transfer ?? null,
        peer: context.peer ?? null,
      });
    } catch {
      // Standard output cannot be written, which may be the very error that people have just been told.
    }
    return exit;
  }

  /**
   * Asks a question on the terminal and returns whether the answer was `yes`, in full. Without a terminal to ask
   * and be answered on it returns `false` at once and prints nothing. The question has to make sense under
   * `--quiet`, when what was told before was not printed.
   */
  async confirm(question: string): Promise<boolean> {
    const { stdin, stderr } = this.#streams;
    if (!stdin.isTerminal() || !stderr.isTerminal()) return false;
    this.drawLine("");
    this.#writeErrorText(`${this.safe(question)} (yes/no)? `);
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(256);
    let answer = "";
    // Asynchronously, so that a signal is still handled while the question stands.
    while (!answer.includes("\n")) {
      const size = await stdin.read(bytes);
      if (size === null) {
        // The user's line break is missing.
        this.#writeErrorText("\n");
        return false;
      }
      answer += decoder.decode(bytes.subarray(0, size), { stream: true });
    }
    return answer.trimEnd() === "yes";
  }

  /** The columns that progress may fill; `undefined` if none is to be shown: without a terminal, or when quiet. */
  progressColumns(): number | undefined {
    return this.#options.quiet || !this.#streams.stderr.isTerminal() ? undefined : this.#columns();
  }

  /** The columns of the terminal that standard output goes to; `undefined` if it goes elsewhere. */
  printColumns(): number | undefined {
    return this.#streams.stdout.isTerminal() ? this.#columns() : undefined;
  }

  #columns(): number {
    let columns = 0;
    try {
      columns = this.#streams.columns();
    } catch {
      // As if it said 0, which is what some terminals say.
    }
    return columns > 0 ? columns : 80;
  }

  /** Shows `text` as the last line of the terminal, in place of what was shown there; an empty text clears it. */
  drawLine(text: string): void {
    if (text === this.#line) return;
    this.#line = text;
    this.#writeErrorText(CLEAR_LINE + text);
  }

  /** Shows `text` as {@link drawLine} does, and leaves it standing. */
  keepLine(text: string): void {
    this.#line = "";
    this.#writeErrorText(`${CLEAR_LINE}${text}\n`);
  }

  /** Ends the line that is still open, if there is one; to be called before the process ends. */
  close(): void {
    if (this.#line !== "") this.keepLine(this.#line);
  }

  #paint(style: string, text: string): string {
    return this.#colour ? `\x1b[${style}m${text}\x1b[0m` : text;
  }

  /** Writes whole lines to standard output; throws `disk` or `disk_full` if they cannot be written. */
  #writeOut(text: string): void {
    // On a terminal both streams share the screen.
    const line = this.#streams.stdout.isTerminal() ? this.#line : "";
    if (line !== "") this.drawLine("");
    try {
      writeAll(this.#streams.stdout, text);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) this.#options.exit(BROKEN_PIPE_STATUS);
      const message = error instanceof Error ? error.message : Deno.inspect(error);
      throw new StxError(
        message.includes("os error 28") ? "disk_full" : "disk",
        `Cannot write to standard output: ${message}`,
        { hint: "look at where it is redirected to", cause: error },
      );
    }
    if (line !== "") this.drawLine(line);
  }

  #writeError(line: string): void {
    if (this.#line === "") this.#writeErrorText(`${line}\n`);
    else this.#writeErrorText(`${CLEAR_LINE}${line}\n${this.#line}`);
  }

  #writeErrorText(text: string): void {
    try {
      writeAll(this.#streams.stderr, text);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) this.#options.exit(BROKEN_PIPE_STATUS);
      // There is nowhere left to say that standard error cannot be written, and the transfer is not at fault.
    }
  }
}

function describe(
  error: unknown,
): { code: Events["error"]["code"]; message: string; hint: string | undefined } {
  if (error instanceof StxError) return { code: error.code, message: error.message, hint: error.hint };
  const what = error instanceof Error ? `${error.name}: ${error.message}` : Deno.inspect(error);
  const hint = "this is a fault in stx; --verbose shows where";
  return { code: "unexpected", message: `Unexpected error: ${what}`, hint };
}

/** What failed and what to do about it, as one line. */
export function joinHint(message: string, hint: string | undefined): string {
  if (hint === undefined) return message;
  const startsSentence = /^\p{Lu}/u.test(hint);
  return `${message.replace(/\.$/, "")}${startsSentence ? "." : ";"} ${hint}`;
}

/** The lines that say where an error comes from: the causes of one of ours, the stack of any other. */
function causesOf(error: unknown): string[] {
  const lines: string[] = [];
  let cause = error;
  // A chain of causes may be a ring.
  for (let depth = 0; depth < 8 && cause instanceof StxError && cause.cause !== undefined; depth++) {
    cause = cause.cause;
    lines.push(
      `caused by ${cause instanceof Error ? `${cause.name}: ${cause.message}` : Deno.inspect(cause)}`,
    );
  }
  if (cause instanceof Error && !(cause instanceof StxError)) {
    lines.push(
      ...(cause.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).map((line) => line.trim()),
    );
  }
  return lines;
}

/** Writes everything outside printable ASCII as JSON escapes: the same value, and nothing a terminal obeys. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
