/**
 * Holds the running Deno, and every command in the docs that names a version of Deno, against the pinned version.
 * Prints every difference; exits 1 if there is one.
 * @module
 */
import { DENO_VERSION } from "./deno_version.ts";
import { print, printError } from "./print.ts";
import { PROJECT_FOLDER } from "./project.ts";

/** The lines of `text` that name a version of Deno other than the pinned one, as `deno@VERSION` does. */
export function strayVersions(text: string): readonly { readonly line: number; readonly version: string }[] {
  return text.split("\n").flatMap((content, index) =>
    [...content.matchAll(/\bdeno@(?<version>[\w.-]*\w)/g)]
      .map((match) => ({ line: index + 1, version: match.groups!["version"]! }))
      .filter(({ version }) => version !== DENO_VERSION)
  );
}

/** The files that tell people or machines which Deno to run, as far as they exist. */
function* files(): Generator<string> {
  for (const folder of ["", "docs/", ".ci/"]) {
    let entries: Deno.DirEntry[] = [];
    try {
      entries = [...Deno.readDirSync(`${PROJECT_FOLDER}/${folder}`)];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    for (const { name, isFile } of entries) {
      if (isFile && (name.endsWith(".md") || folder === ".ci/")) yield folder + name;
    }
  }
}

if (import.meta.main) {
  let count = 0;
  if (Deno.version.deno !== DENO_VERSION) {
    printError(`this is Deno ${Deno.version.deno}: the project is tested with ${DENO_VERSION}`);
    count++;
  }
  for (const file of files()) {
    for (const { line, version } of strayVersions(Deno.readTextFileSync(`${PROJECT_FOLDER}/${file}`))) {
      printError(`${file}:${line}: it names Deno ${version}: scripts/deno_version.ts pins ${DENO_VERSION}`);
      count++;
    }
  }
  if (count > 0) Deno.exit(1);
  print(`check:version: Deno ${DENO_VERSION}, here and in the docs`);
}
