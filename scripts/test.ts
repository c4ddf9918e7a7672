/**
 * Runs the tests: `deno task test [FILE|FOLDER]... [FLAG OF DENO TEST]...`, by default all below tests/. Every file
 * has a process of its own, because some change what a whole process shares (its umask, its environment); as many
 * run at once as there are processors. The last line is "N passed, N failed".
 * @module
 */
import { availableParallelism } from "node:os";
import { print, printProgress } from "./print.ts";
import { Children } from "./process.ts";
import { PROJECT_FOLDER, typescriptFiles } from "./project.ts";

/** A file that takes longer hangs. */
const FILE_TIMEOUT_MS = 240_000;

/** What the tests of one file came to. */
export interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
  /** What it printed, and why it failed if that is not in there. */
  readonly output: string;
}

/** Reads what `deno test` has printed, having ended with `code`. Whatever is wrong counts as one failure at least. */
export function readResult(code: number, stdout: string, stderr: string): FileResult {
  const summary =
    /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/gm;
  const last = [...stdout.matchAll(summary)].at(-1);
  const [passed, failed, ignored] = [1, 2, 3].map((group) => Number(last?.[group] ?? 0));
  const output = `${stdout}\n${stderr}`.trim();
  const result = { passed: passed!, failed: failed!, ignored: ignored!, output };
  if (code !== 0 && failed === 0) {
    return { ...result, failed: 1, output: `${output}\nended with exit code ${code}` };
  }
  if (passed! + failed! + ignored! === 0) return { ...result, failed: 1, output: `${output}\nhas no tests` };
  return result;
}

/** Runs one file in a process of its own, with `flags` for `deno test`. */
export async function runFile(
  children: Children,
  file: string,
  flags: readonly string[],
): Promise<FileResult> {
  const child = children.start(
    Deno.execPath(),
    // The types have been checked, of all files at once.
    ["test", "--allow-all", "--no-check", "--sanitize-ops", "--sanitize-resources", ...flags, file],
    { cwd: PROJECT_FOLDER, env: { NO_COLOR: "1", RUST_BACKTRACE: "0" } },
  );
  const timer = setTimeout(() => child.kill(), FILE_TIMEOUT_MS);
  let stdout = "";
  for await (const line of child.lines) stdout += line + "\n";
  const { code, stderr } = await child.end;
  clearTimeout(timer);
  return readResult(code, stdout, stderr);
}

/** The test files that the command line names, those that take longest first; all of them if it names none. */
export function testFiles(paths: readonly string[]): readonly string[] {
  const all = typescriptFiles(PROJECT_FOLDER, "tests").filter((file) => file.endsWith("_test.ts"));
  const wanted = paths.map((path) => path.replace(/^\.\//, "").replace(/\/$/, ""));
  const chosen = wanted.length === 0
    ? all
    : all.filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)));
  return [
    ...chosen.filter((file) => !file.startsWith("tests/unit/")),
    ...chosen.filter((file) => file.startsWith("tests/unit/")),
  ];
}

/** Runs all `files`; returns their results in the order in which they ended. */
async function runAll(files: readonly string[], flags: readonly string[]): Promise<readonly FileResult[]> {
  await using children = new Children();
  const open = [...files].reverse();
  const results: FileResult[] = [];
  const work = async (): Promise<void> => {
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      const start = performance.now();
      const result = await runFile(children, file, flags);
      results.push(result);
      report(file, result, (performance.now() - start) / 1000);
      printProgress(`${results.length} of ${files.length}`);
    }
  };
  // One more than there are processors: many tests wait for processes and sockets most of their time.
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, work));
  printProgress("");
  return results;
}

function report(file: string, result: FileResult, seconds: number): void {
  printProgress("");
  const ignored = result.ignored === 0 ? "" : ` | ${result.ignored} ignored`;
  const verdict = result.failed === 0 ? "ok    " : "FAILED";
  print(
    `${verdict} ${file} | ${result.passed} passed | ${result.failed} failed${ignored} (${
      seconds.toFixed(1)
    } s)`,
  );
  if (result.failed > 0) print(result.output.replace(/^/gm, "    "));
}

/** Checks the types of all `files` together; returns whether they are right. */
async function checkTypes(files: readonly string[]): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd: PROJECT_FOLDER,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

/** Does all of it; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const files = testFiles(args.filter((arg) => !arg.startsWith("-")));
  if (files.length === 0 || !(await checkTypes(files))) {
    print(files.length === 0 ? "no such tests" : "the types are wrong");
    print("0 passed, 1 failed");
    return 1;
  }
  const results = await runAll(files, args.filter((arg) => arg.startsWith("-")));
  const sum = (of: (result: FileResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  const [passed, failed, ignored] = [
    sum((one) => one.passed),
    sum((one) => one.failed),
    sum((one) => one.ignored),
  ];
  if (ignored > 0) print(`${ignored} ignored: what they need is not here`);
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
