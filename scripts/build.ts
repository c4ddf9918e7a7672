/**
 * Builds stx as one program a platform: `deno task build [--target all|TARGET]... [--out FOLDER]`. They
 * arrive in FOLDER, or dist, as `stx-TARGET`, with their digests in `SHA256SUMS`. Two builds of the same sources by the same Deno are equal
 * byte by byte.
 * @module
 */
import { parseArgs } from "node:util";
import { removeChecksums, writeChecksums } from "./checksums.ts";
import { DENO_VERSION } from "./deno_version.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "./permissions.ts";
import { print, printError } from "./print.ts";
import { ENTRY_POINT, outputFolder, PROJECT_FOLDER } from "./project.ts";

/** The platforms that Deno compiles for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
] as const;

/** A platform as Deno names it. */
export type Target = typeof TARGETS[number];

/** A build that failed for a reason which its message tells whole. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/** The name of the program that is built for `target`. */
export function programName(target: Target): string {
  return `stx-${target}${target.includes("windows") ? ".exe" : ""}`;
}

/**
 * Compiles stx for `target` into `folder`, which must exist; returns the program's path. `base` is the program that
 * Deno puts it into, instead of the one that Deno finds or downloads. Throws {@link BuildError}.
 */
export async function build(target: Target, folder: string, base?: string): Promise<string> {
  const path = `${folder}/${programName(target)}`;
  const args = [
    "compile",
    "--quiet",
    "--frozen",
    ...flagsFor(GENERAL_PERMISSIONS),
    "--target",
    target,
    // Otherwise the name of the output file is built in.
    "--app-name",
    "stx",
    // Only what stx imports: not what its tests do.
    "--exclude-unused-npm",
    // The cache of compiled code would lie under a name that anybody can guess in a folder that all users share.
    "--no-code-cache",
    "--output",
    path,
    ENTRY_POINT,
  ];
  const output = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: PROJECT_FOLDER,
    // A trace of Deno's own calls helps nobody here.
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", ...(base === undefined ? {} : { DENORT_BIN: base }) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!output.success) throw new BuildError(explain(new TextDecoder().decode(output.stderr), target));
  return path;
}

/** Turns what `deno compile` printed into one message that says what to do. */
export function explain(stderr: string, target: Target): string {
  if (stderr.includes("Setting up base binary")) {
    const zip = `denort-${target}.zip`;
    return `cannot build for ${target}: Deno's base program ${zip} is not here and could not be downloaded ` +
      `from dl.deno.land. Either put that file of Deno's release ${DENO_VERSION} under ` +
      `$DENO_DIR/dl/release/v${DENO_VERSION}/ ("deno info" shows where DENO_DIR is), or set DENORT_BIN to the ` +
      "path of an unpacked denort for that platform.";
  }
  return `cannot build for ${target}: ${denoError(stderr)}`;
}

/** What a failed `deno` has printed, in one line and without its trace. */
export function denoError(stderr: string): string {
  return stderr.replace(/\n\s*Stack backtrace:[^]*$/, "").trim().replace(/^error: /, "")
    .replace(/\s*\n\s*Caused by:/, ":").replace(/:?\s*\n\s*(?:\d+: )?/g, ": ");
}

/** The targets that the command line asks for: this machine's own if none. Throws {@link BuildError}. */
export function targetsOf(names: readonly string[]): readonly Target[] {
  if (names.includes("all")) return TARGETS;
  const wanted = names.length === 0 ? [Deno.build.target] : names;
  return wanted.map((name) => {
    const target = TARGETS.find((candidate) => candidate === name);
    if (target === undefined) {
      throw new BuildError(
        `cannot build for ${JSON.stringify(name)}: the targets are all, ${TARGETS.join(", ")}`,
      );
    }
    return target;
  });
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: { target: { type: "string", multiple: true }, out: { type: "string" } },
    });
    const folder = outputFolder(values.out);
    const targets = targetsOf(values.target ?? []);
    Deno.mkdirSync(folder, { recursive: true });
    removeChecksums(folder);
    for (const target of targets) print(await build(target, folder));
    writeChecksums(folder);
    print(`${folder}/SHA256SUMS`);
  } catch (error) {
    printError(`build: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
