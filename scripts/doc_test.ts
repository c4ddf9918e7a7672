/**
 * Runs the examples in the docs: `deno task test:docs [FILE]...`, by default those of README.md, mod.ts and all of
 * lib. They import `@stx/stx`, as a program that uses the library does.
 * @module
 */
import { pathToFileURL } from "node:url";
import { print } from "./print.ts";
import { PROJECT_FOLDER, typescriptFiles } from "./project.ts";

/** What of deno.json is read here. */
interface Settings {
  readonly name: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** The files whose docs have examples, as paths from the project's folder. */
export function filesWithExamples(): readonly string[] {
  return ["README.md", "mod.ts", ...typescriptFiles(PROJECT_FOLDER, "lib")]
    .filter((file) => /^(?: \* )?```ts$/m.test(Deno.readTextFileSync(`${PROJECT_FOLDER}/${file}`)));
}

/**
 * The settings that the examples are run with: the project's, less one. Deno adds an import of everything that the
 * example's file exports, and so cannot be told to complain of what is imported and not used.
 */
export function settingsForExamples(project: Settings): unknown {
  const { name, imports, compilerOptions } = project;
  return {
    imports: { ...imports, [name]: pathToFileURL(`${PROJECT_FOLDER}/mod.ts`).href },
    compilerOptions: { ...compilerOptions, noUnusedLocals: false },
  };
}

/** Runs the examples of `files`; resolves to whether all of them are right, and to what Deno said. */
export async function runExamples(
  files: readonly string[],
): Promise<{ readonly success: boolean; readonly output: string }> {
  const folder = await Deno.makeTempDir({ prefix: "stx-examples-" });
  try {
    const project = JSON.parse(Deno.readTextFileSync(`${PROJECT_FOLDER}/deno.json`)) as Settings;
    const config = `${folder}/deno.json`;
    Deno.writeTextFileSync(config, JSON.stringify(settingsForExamples(project)));
    // A copy beside it is the lock file of these settings, and may note that they are not the project's.
    Deno.copyFileSync(`${PROJECT_FOLDER}/deno.lock`, `${folder}/deno.lock`);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--doc",
        "--allow-all",
        "--sanitize-ops",
        "--sanitize-resources",
        `--config=${config}`,
        ...files,
      ],
      cwd: PROJECT_FOLDER,
      env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
      stdin: "null",
    }).output();
    const [printed, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { success, output: `${complaints}${printed}` };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { success, output } = await runExamples(Deno.args.length > 0 ? Deno.args : filesWithExamples());
  print(output.replace(/^(?:Check|running 0 tests from) .*\n/gm, "").trim());
  if (!success) Deno.exit(1);
}
