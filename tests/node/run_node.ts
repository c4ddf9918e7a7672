/**
 * The library under Node: `deno task node` prints which parts of it run under each Node on PATH.
 * @module
 */
import { delimiter } from "node:path";
import { bundle } from "../../scripts/bundle.ts";
import { print } from "../../scripts/print.ts";
import { PROJECT_FOLDER } from "../../scripts/project.ts";

/** A Node that is here. */
export interface Node {
  /** Its program. */
  readonly path: string;
  /** Such as v20.20.2. */
  readonly version: string;
}

/** What a program has printed, and how it ended. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each Node in the folders of `path`, its PATH if none is given: one of each version, the first to be found first. */
export async function nodesOnPath(path = Deno.env.get("PATH") ?? ""): Promise<readonly Node[]> {
  const nodes = new Map<string, Node>();
  for (const folder of path.split(delimiter)) {
    for (const name of ["node", "node.exe"]) {
      const version = await versionOf(`${folder}/${name}`);
      if (version !== undefined && !nodes.has(version)) {
        nodes.set(version, { path: `${folder}/${name}`, version });
      }
    }
  }
  return [...nodes.values()];
}

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await runProgram(program, ["--version"]);
    // Where there is no Node, Deno puts itself on PATH under this name.
    return code === 0 && /^v\d+\.\d+\.\d+\s*$/.test(stdout) ? stdout.trim() : undefined;
  } catch {
    // There is no such program.
    return undefined;
  }
}

/** Runs a program to its end. */
export async function runProgram(program: string, args: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    // Neither options of the caller's nor colours.
    env: { NODE_OPTIONS: "", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Puts a module of the project with all that it imports into `folder`; returns the path. */
export async function bundleInto(folder: string, module: string): Promise<string> {
  // A name that says to Node that this is a module.
  const path = `${folder}/${module.replaceAll("/", "_").replace(/\.ts$/, ".mjs")}`;
  await bundle(path, `${PROJECT_FOLDER}/${module}`);
  return path;
}

if (import.meta.main) {
  const nodes = await nodesOnPath();
  if (nodes.length === 0) print("there is no node on PATH");
  const folder = await Deno.makeTempDir({ prefix: "stx-node-" });
  try {
    const path = await bundleInto(folder, "tests/node/parts.ts");
    for (const node of nodes) {
      const { stdout, stderr, code } = await runProgram(node.path, [path]);
      print(`node ${node.version}${code === 0 ? "" : ` (exit code ${code}: ${stderr.trim()})`}`);
      print(stdout.trim().replace(/^/gm, "  "));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
