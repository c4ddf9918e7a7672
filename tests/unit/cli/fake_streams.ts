import type { Streams } from "../../../cli/terminal.ts";

/** Standard streams that remember what is written, for tests. */
export interface FakeStreams extends Streams {
  /** What was written to standard output. */
  out(): string;
  /** What was written to standard error. */
  error(): string;
}

/** Makes streams that are terminals or not, with `input` waiting on standard input. */
export function fakeStreams(
  options: {
    terminal?: boolean;
    outTerminal?: boolean;
    inTerminal?: boolean;
    columns?: () => number;
    input?: string;
  } = {},
): FakeStreams {
  const terminal = options.terminal ?? false;
  const waiting = [...new TextEncoder().encode(options.input ?? "")];
  const written = { out: "", error: "" };
  const sink = (to: "out" | "error", isTerminal: boolean) => ({
    isTerminal: () => isTerminal,
    writeSync(bytes: Uint8Array) {
      written[to] += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  });
  return {
    stdin: {
      isTerminal: () => options.inTerminal ?? terminal,
      // A few bytes at a time, as a terminal may give them.
      read(into) {
        if (waiting.length === 0) return Promise.resolve(null);
        const part = waiting.splice(0, 2);
        into.set(part);
        return Promise.resolve(part.length);
      },
    },
    stdout: sink("out", options.outTerminal ?? terminal),
    stderr: sink("error", terminal),
    columns: options.columns ?? (() => 80),
    out: () => written.out,
    error: () => written.error,
  };
}
