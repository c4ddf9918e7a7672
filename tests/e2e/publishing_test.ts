import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PROJECT_FOLDER } from "../../scripts/project.ts";

/** What `deno publish` would send, as paths from the project's folder. */
async function publishedFiles(): Promise<readonly string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: PROJECT_FOLDER,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, output);
  return Array.from(output.matchAll(/^\s+(file:\S+) \(/gm), ([, url]) => {
    const path = fileURLToPath(url!);
    assert.ok(path.startsWith(`${PROJECT_FOLDER}/`), path);
    return path.slice(PROJECT_FOLDER.length + 1);
  });
}

/** The modules of the project that mod.ts is made of. */
async function modulesOfTheLibrary(): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "mod.ts"],
    cwd: PROJECT_FOLDER,
    stdin: "null",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { specifier: string }[] };
  return modules
    .filter(({ specifier }) => specifier.startsWith("file:"))
    .map(({ specifier }) => fileURLToPath(specifier).slice(PROJECT_FOLDER.length + 1));
}

Deno.test("publishing would send the whole library, its license and its papers, and nothing else", async () => {
  const files = await publishedFiles();
  const wanted = ["README.md", "CHANGELOG.md", "LICENSE", "deno.json", "docs/protocol.md"];
  for (const file of [...wanted, ...await modulesOfTheLibrary()]) {
    assert.ok(files.includes(file), `${file} would be missing`);
  }
  const others = files.filter((file) => !wanted.includes(file) && file !== "mod.ts");
  // An attacker for the simulator is no part of a library.
  for (const file of others) assert.match(file, /^lib\/(?!attacks\/)[\w/]+\.ts$/);
});
