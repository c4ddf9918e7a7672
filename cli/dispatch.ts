/**
 * Runs one command line: reads it, finds its subcommand, and turns whatever comes of it into an exit status.
 * @module
 */
import { findCommand } from "./commands.ts";
import type { Shell } from "./completions.ts";
import { isSet, parseArguments, type ParsedCommand, type RunnableName } from "./parse.ts";
import { Output, type OutputOptions } from "./terminal.ts";

/** What the module of a subcommand exports. */
export interface CommandModule {
  /** Does it and returns the exit status; an error that it throws is printed, and decides the status. */
  run(parsed: ParsedCommand, output: Output): Promise<number>;
}

/** The subcommands that have a module of their own. */
export type ModuleName = Exclude<RunnableName, "completions">;

/** What the process lends: the modules, the end, and in tests the streams. */
export interface Process {
  load(name: ModuleName): Promise<CommandModule>;
  exit(status: number): never;
  readonly streams?: OutputOptions["streams"];
}

/** Runs the words behind `stx`; returns the exit status and never throws. */
export async function dispatch(args: readonly string[], process: Process): Promise<number> {
  const outputFor = (options: Omit<OutputOptions, "exit">) =>
    new Output({
      ...options,
      exit: (status) => process.exit(status),
      ...(process.streams === undefined ? {} : { streams: process.streams }),
    });
  // Until the line is read this is a guess, so that a program that reads events is told of a wrong line too.
  let output = outputFor({
    command: findCommand(args[0] ?? "")?.name,
    json: args.includes("--json"),
    quiet: false,
    verbose: false,
  });
  const failStray = (event: Event, error: unknown) => {
    event.preventDefault();
    output.error(error);
    output.close();
    // A failure that nobody waited for is a fault in stx, whatever its code.
    process.exit(1);
  };
  const onRejection = (event: PromiseRejectionEvent) => failStray(event, event.reason);
  const onError = (event: ErrorEvent) => failStray(event, event.error);
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  try {
    if (args.length === 0) {
      const { shortUsage } = await import("./help.ts");
      for (const line of shortUsage()) output.info(line);
      return 2;
    }
    const request = parseArguments(args);
    if (request.kind === "version") {
      const { versionLine } = await import("./version.ts");
      output.print(versionLine());
      return 0;
    }
    if (request.kind === "help") {
      const { commandHelp, generalHelp } = await import("./help.ts");
      output.print(...(request.topic === undefined ? generalHelp() : commandHelp(request.topic)));
      return 0;
    }
    const { parsed } = request;
    const { command } = parsed;
    output = outputFor({
      command,
      json: isSet(parsed, "json"),
      quiet: isSet(parsed, "quiet"),
      verbose: isSet(parsed, "verbose"),
    });
    if (command === "completions") {
      const { completionScript } = await import("./completions.ts");
      output.print(...completionScript(parsed.positionals[0] as Shell).split("\n"));
      return 0;
    }
    return await (await process.load(command)).run(parsed, output);
  } catch (error) {
    return output.error(error);
  } finally {
    output.close();
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  }
}
