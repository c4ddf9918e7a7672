/**
 * Puts stx with all that it imports into one file of JavaScript, for machines that have Deno and no access to the
 * network: `deno task bundle [--out FOLDER]` writes FOLDER/stx.js, by default in dist, and its digest into `SHA256SUMS`.
 * @module
 */
import { parseArgs } from "node:util";
import { denoError } from "./build.ts";
import { removeChecksums, writeChecksums } from "./checksums.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "./permissions.ts";
import { print, printError } from "./print.ts";
import { ENTRY_POINT, outputFolder, PROJECT_FOLDER } from "./project.ts";

/**
 * Writes the bundle of a module, the command line's if none is given, to `path`; its folder must exist. Throws if
 * `deno bundle` fails, with what that printed.
 */
export async function bundle(path: string, module: string = ENTRY_POINT): Promise<void> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--platform", "deno", "--output", path, module],
    cwd: PROJECT_FOLDER,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!output.success) {
    throw new Error(`cannot bundle: ${denoError(new TextDecoder().decode(output.stderr))}`);
  }
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({ args: Deno.args, options: { out: { type: "string" } } });
    const folder = outputFolder(values.out);
    Deno.mkdirSync(folder, { recursive: true });
    removeChecksums(folder);
    await bundle(`${folder}/stx.js`);
    writeChecksums(folder);
    print(`${folder}/stx.js`);
    print(`${folder}/SHA256SUMS`);
    print(`run it with: deno run ${flagsFor(GENERAL_PERMISSIONS).join(" ")} ${folder}/stx.js`);
  } catch (error) {
    printError(`bundle: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
