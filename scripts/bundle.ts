/**
 * Puts stx with all that it imports into one file of JavaScript, for machines that have Deno and no access to the
 * network: `deno task bundle` writes dist/stx.js, and its digest into `SHA256SUMS`.
 * @module
 */
import { writeChecksums } from "./checksums.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "./permissions.ts";
import { print, printError } from "./print.ts";
import { ENTRY_POINT, PROJECT_FOLDER } from "./project.ts";

/** Writes the bundle to `path`; its folder must exist. Throws if `deno bundle` fails, with what that printed. */
export async function bundle(path: string): Promise<void> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--platform", "deno", "--output", path, ENTRY_POINT],
    cwd: PROJECT_FOLDER,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!output.success) {
    const text = new TextDecoder().decode(output.stderr).trim().replace(/^error: /, "");
    throw new Error(`cannot bundle: ${text}`);
  }
}

if (import.meta.main) {
  try {
    const folder = `${PROJECT_FOLDER}/dist`;
    Deno.mkdirSync(folder, { recursive: true });
    await bundle(`${folder}/stx.js`);
    writeChecksums(folder);
    print("dist/stx.js");
    print("dist/SHA256SUMS");
    print(`run it with: deno run ${flagsFor(GENERAL_PERMISSIONS).join(" ")} dist/stx.js`);
  } catch (error) {
    printError(`bundle: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
