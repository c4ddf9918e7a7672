/**
 * Where the project lies, and which of its files there are.
 * @module
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project's folder, without a slash at the end. */
export const PROJECT_FOLDER = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** Absolute path of the command line's entry point. */
export const ENTRY_POINT = `${PROJECT_FOLDER}/cli/main.ts`;

/**
 * The path that somebody means who called a task: tasks run in the project's folder, but Deno tells in INIT_CWD from
 * where they were called.
 */
export function calledFrom(path: string, from = Deno.env.get("INIT_CWD") ?? "."): string {
  return resolve(from, path);
}

/** Where what is built arrives: the folder that `option` names, else the project's dist. */
export function outputFolder(option: string | undefined): string {
  return option === undefined ? `${PROJECT_FOLDER}/dist` : calledFrom(option);
}

/**
 * Every file below `folder` whose name ends in `.ts`, as paths from `root` with `/` between their parts, in
 * order. Without the folder there are none.
 */
export function typescriptFiles(root: string, folder: string): readonly string[] {
  const found: string[] = [];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(`${root}/${folder}`)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...typescriptFiles(root, path));
    else if (entry.isFile && entry.name.endsWith(".ts")) found.push(path);
  }
  return found.sort();
}
