/**
 * Holds the sources against the architecture's table (`import_rules.ts`): reads the import graph, type-only edges
 * included, and the names that each file uses. Prints every breach with file, line and rule; exits 1 if there
 * is one. `deno task check:imports`.
 * @module
 */
import { fileURLToPath, pathToFileURL } from "node:url";
import { FORBIDDEN_IN_CORE, FORBIDDEN_WITHOUT_SUBTLE, partOf, RULES } from "./import_rules.ts";
import { print, printError } from "./print.ts";
import { PROJECT_FOLDER, typescriptFiles } from "./project.ts";
import { blankCommentsAndTexts } from "./source_code.ts";

/** The folders that hold sources; mod.ts lies beside them. */
const SOURCE_FOLDERS = ["lib", "cli", "scripts", "tests"];

/** One breach of the table. */
export interface Breach {
  /** Path from the project's folder. */
  readonly file: string;
  /** One-based; 0 for the file as a whole. */
  readonly line: number;
  readonly message: string;
}

/** What of `deno info --json` is read here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: ResolvedImport;
      readonly type?: ResolvedImport;
    }[];
  }[];
}

interface ResolvedImport {
  readonly specifier?: string;
  readonly error?: string;
  readonly span: { readonly start: { readonly line: number } };
}

/**
 * Checks the project in the folder `root`: every file in its source folders, whether anything imports it or not.
 * Returns the breaches in the order of the files.
 */
export async function checkImports(root: string): Promise<readonly Breach[]> {
  const files = SOURCE_FOLDERS.flatMap((folder) => typescriptFiles(root, folder));
  if (exists(`${root}/mod.ts`)) files.push("mod.ts");
  const breaches = [...checkArrows(await readGraph(root, files), root)];
  for (const file of files) breaches.push(...checkNames(file, Deno.readTextFileSync(`${root}/${file}`)));
  return breaches.sort((left, right) => compare(left.file, right.file) || left.line - right.line);
}

/** Reads the import graph that grows from `files`, through one file that imports them all. */
async function readGraph(root: string, files: readonly string[]): Promise<ModuleGraph> {
  const folder = await Deno.makeTempDir({ prefix: "stx-imports-" });
  try {
    const start = `${folder}/all.ts`;
    const lines = files.map((file) => `import ${JSON.stringify(pathToFileURL(`${root}/${file}`).href)};\n`);
    await Deno.writeTextFile(start, lines.join(""));
    // Packages stay names: nothing is downloaded for this.
    const args = [
      "info",
      "--json",
      "--no-lock",
      "--no-npm",
      "--no-remote",
      "--config",
      `${root}/deno.json`,
      start,
    ];
    const output = await new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
      .output();
    if (!output.success) {
      throw new Error(`deno info failed: ${new TextDecoder().decode(output.stderr).trim()}`);
    }
    return JSON.parse(new TextDecoder().decode(output.stdout)) as ModuleGraph;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Every arrow of the graph that no rule has. */
function* checkArrows(graph: ModuleGraph, root: string): Generator<Breach> {
  for (const module of graph.modules) {
    const file = pathInProject(module.specifier, root);
    if (file === undefined) continue;
    if (module.error !== undefined) {
      yield { file, line: 0, message: `it cannot be read: ${module.error}` };
      continue;
    }
    for (const dependency of module.dependencies ?? []) {
      for (const resolved of [dependency.code, dependency.type]) {
        if (resolved === undefined) continue;
        const line = resolved.span.start.line + 1;
        const isType = resolved === dependency.type && dependency.code === undefined;
        const message = resolved.specifier === undefined
          ? `"${dependency.specifier}" cannot be resolved: ${resolved.error}`
          : checkArrow(file, resolved.specifier, isType, root);
        if (message !== undefined) yield { file, line, message };
      }
    }
  }
}

/** What is wrong with the arrow from `file` to `target`; `undefined` if nothing is. */
function checkArrow(file: string, target: string, isType: boolean, root: string): string | undefined {
  const part = partOf(file);
  const rule = part === undefined ? undefined : RULES[part];
  if (part === undefined || rule === undefined) {
    return "it lies in no part that scripts/import_rules.ts names";
  }
  if (target.startsWith("node:")) {
    if (rule.builtins === "all" || rule.builtins.includes(target)) return undefined;
    return `${part} must not import ${target} (it may import ${listed(rule.builtins)})`;
  }
  if (target.startsWith("npm:")) {
    const name = /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(target)?.[1] ?? target;
    if (rule.packages.includes(name)) return undefined;
    return `${part} must not import the package ${name} (it may import ${listed(rule.packages)})`;
  }
  const path = pathInProject(target, root);
  if (path === undefined) return `${target} lies outside of the project`;
  const targetPart = partOf(path);
  if (targetPart === undefined) return `${path} lies in no part that scripts/import_rules.ts names`;
  if (targetPart === part || rule.imports.includes(targetPart)) return undefined;
  if (isType && rule.types.includes(targetPart)) return undefined;
  const types = rule.types.length === 0 ? "" : `, and types of ${listed(rule.types)}`;
  return `${part} must not import ${path} (it may import ${listed(rule.imports)}${types})`;
}

/** Every name in `source` that the part of `file` must not use. */
function* checkNames(file: string, source: string): Generator<Breach> {
  const part = partOf(file);
  const rule = part === undefined ? undefined : RULES[part];
  if (part === undefined || rule === undefined) {
    yield { file, line: 0, message: "it lies in no part that scripts/import_rules.ts names" };
    return;
  }
  const code = blankCommentsAndTexts(source);
  const forbidden = [
    ...(rule.world ? [] : FORBIDDEN_IN_CORE),
    ...(rule.subtle || rule.world ? [] : FORBIDDEN_WITHOUT_SUBTLE),
  ];
  for (const { pattern, name, instead } of forbidden) {
    for (const match of code.matchAll(pattern)) {
      const line = code.slice(0, match.index).split("\n").length;
      yield { file, line, message: `${part} must not use ${name}: ${instead}` };
    }
  }
}

/** The path from `root` of a `file:` address; `undefined` for anything else or outside of `root`. */
function pathInProject(specifier: string, root: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const path = fileURLToPath(specifier).replaceAll("\\", "/");
  const folder = `${root.replaceAll("\\", "/")}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : undefined;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const breaches = await checkImports(PROJECT_FOLDER);
  for (const { file, line, message } of breaches) {
    printError(`${file}${line === 0 ? "" : `:${line}`}: ${message}`);
  }
  if (breaches.length > 0) {
    printError(`check:imports: ${breaches.length} breach${breaches.length === 1 ? "" : "es"} of the table`);
    Deno.exit(1);
  }
  print("check:imports: every arrow is in the table");
}
