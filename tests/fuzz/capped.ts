/**
 * Programs that may take so much memory and no more: one that takes more ends, and that is a finding.
 * @module
 */
import { PROJECT_FOLDER } from "../../scripts/project.ts";

/** Mebibytes of JavaScript's heap. */
const HEAP_MAX_MIB = 256;
/** Kibibytes of data in all, buffers and the runtime's own included: it does not start with half of that. */
const DATA_MAX_KIB = 1_000_000;

/** Runs a program of this project with these arguments. Where the system cannot cap all memory, the heap is capped. */
export function runCapped(program: string, args: readonly string[], signal?: AbortSignal): Deno.ChildProcess {
  const run = [Deno.execPath(), "run", "-A", "--no-check", `--v8-flags=--max-old-space-size=${HEAP_MAX_MIB}`];
  const words = [...run, program, ...args];
  const isLinux = Deno.build.os === "linux";
  const shell = ["-c", `ulimit -d ${DATA_MAX_KIB} && exec "$@"`, "sh"];
  return new Deno.Command(isLinux ? "sh" : words[0]!, {
    args: isLinux ? [...shell, ...words] : words.slice(1),
    cwd: PROJECT_FOLDER,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    ...(signal === undefined ? {} : { signal }),
  }).spawn();
}

/** The child that fuzzes. */
export const CHILD: string = `${PROJECT_FOLDER}/tests/fuzz/child.ts`;
