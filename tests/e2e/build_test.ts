import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { build, denoError, explain, programName, TARGETS, targetsOf } from "../../scripts/build.ts";
import { bundle } from "../../scripts/bundle.ts";
import { writeChecksums } from "../../scripts/checksums.ts";
import { DENO_VERSION } from "../../scripts/deno_version.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "../../scripts/permissions.ts";
import { ENTRY_POINT, PROJECT_FOLDER } from "../../scripts/project.ts";
import { readCompiledProgram } from "../support/compiled_program.ts";
import { withTempFolder } from "../support/temp_folder.ts";

/** Runs Deno to its end. */
async function deno(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const output = await new Deno.Command(Deno.execPath(), { args: [...args], stdin: "null", ...options })
    .output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
}

/** The paths of the project's own modules whose code the command line reaches; those of types alone are left out. */
async function ownModules(): Promise<readonly string[]> {
  const { code, stdout } = await deno(["info", "--json", ENTRY_POINT]);
  assert.equal(code, 0);
  const graph = JSON.parse(stdout) as ModuleGraph;
  const root = pathToFileURL(`${PROJECT_FOLDER}/`).href;
  const reached = new Set<string>();
  const open = [pathToFileURL(ENTRY_POINT).href];
  for (let specifier = open.pop(); specifier !== undefined; specifier = open.pop()) {
    if (!specifier.startsWith(root) || reached.has(specifier)) continue;
    reached.add(specifier);
    const module = graph.modules.find((candidate) => candidate.specifier === specifier);
    for (const { code } of module?.dependencies ?? []) {
      if (code?.specifier !== undefined) open.push(code.specifier);
    }
  }
  return [...reached].map((specifier) => specifier.slice(root.length)).sort();
}

/** Any program for Linux; it stands in for Deno's own base, which would have to be downloaded. */
const BASE_PROGRAM = "/bin/true";

Deno.test("a compiled stx has exactly the general permissions and the modules of the command line", async () => {
  await withTempFolder(async (folder) => {
    const path = await build("x86_64-unknown-linux-gnu", folder, BASE_PROGRAM);
    assert.equal(path, `${folder}/stx-x86_64-unknown-linux-gnu`);
    const program = await readCompiledProgram(path);

    assert.deepEqual(program.argv, []);
    assert.equal(program.entryPoint, "cli/main.ts");
    assert.equal(program.codeCacheKey, null);
    const { allow_import: _defaults, ...permissions } = program.permissions;
    assert.deepEqual(permissions, {
      allow_read: [],
      allow_write: [],
      allow_net: [],
      allow_env: GENERAL_PERMISSIONS.env,
      allow_sys: GENERAL_PERMISSIONS.sys,
      allow_run: null,
      allow_ffi: null,
      deny_read: null,
      deny_write: null,
      deny_net: null,
      deny_env: null,
      deny_sys: null,
      deny_run: null,
      deny_ffi: null,
      // An empty list: every host is denied, those that Deno allows by default too.
      deny_import: [],
      ignore_env: null,
      ignore_read: null,
      prompt: false,
    });

    const own = program.files.filter((file) => !file.startsWith(".deno_compile_node_modules/"));
    assert.deepEqual(own, await ownModules());
    assert.ok(
      ["send", "recv", "rounds_serve", "rounds_join"].every((name) => own.includes(`cli/${name}.ts`)),
      "what is imported late is there too",
    );
    assert.deepEqual(own.filter((file) => !/^(cli|lib)\//.test(file)), []);

    const packages = program.files.flatMap((file) =>
      /^\.deno_compile_node_modules\/localhost\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []
    );
    assert.deepEqual([...new Set(packages)].sort(), [
      "@noble/ciphers",
      "@noble/curves",
      "@noble/hashes",
      "@scure/base",
      "micro-key-producer",
      "micro-packed",
    ]);
  });
});

Deno.test("two builds of stx are equal, wherever they are written", async () => {
  await withTempFolder(async (folder) => {
    const digests = [];
    for (const name of ["one", "two"]) {
      await Deno.mkdir(`${folder}/${name}`);
      await build("x86_64-unknown-linux-gnu", `${folder}/${name}`, BASE_PROGRAM);
      writeChecksums(`${folder}/${name}`);
      digests.push(await Deno.readTextFile(`${folder}/${name}/SHA256SUMS`));
    }
    assert.match(digests[0]!, /^[0-9a-f]{64} {2}stx-x86_64-unknown-linux-gnu\n$/);
    assert.equal(digests[1], digests[0]);
  });
});

Deno.test("a build without Deno's base program says in one line what to do", async () => {
  await withTempFolder(async (folder) => {
    // A cache with the packages, but without the base program, which then comes from a server that is not there.
    const { npmCache } = JSON.parse((await deno(["info", "--json"])).stdout) as { npmCache: string };
    await Deno.mkdir(`${folder}/cache`);
    await Deno.symlink(npmCache, `${folder}/cache/npm`);
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${PROJECT_FOLDER}/scripts/build.ts`, "--out", `${folder}/out`],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        DENO_DIR: `${folder}/cache`,
        HTTPS_PROXY: "http://127.0.0.1:9",
        NO_COLOR: "1",
        RUST_BACKTRACE: "1",
      },
    }).output();
    const stderr = new TextDecoder().decode(output.stderr);
    assert.equal(output.code, 1);
    assert.deepEqual(output.stdout, new Uint8Array());
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.match(stderr, /^build: cannot build for .*: Deno's base program denort-.*\.zip is not here/);
    assert.ok(stderr.includes(`$DENO_DIR/dl/release/v${DENO_VERSION}/`) && stderr.includes("DENORT_BIN"));
    assert.deepEqual([...Deno.readDirSync(`${folder}/out`)], []);
  });
});

Deno.test("explain keeps another error of Deno's to one line, without its trace", () => {
  const stderr =
    "error: Writing the file\n\nCaused by:\n    0: Writing bytes\n    1: Disk full\n\nStack backtrace:\n   0: x\n";
  assert.equal(
    explain(stderr, TARGETS[0]),
    `cannot build for ${TARGETS[0]}: Writing the file: Writing bytes: Disk full`,
  );
  assert.equal(denoError("error: Type checking failed.\n"), "Type checking failed.");
});

Deno.test("targetsOf takes this platform by default, all of them, or those that are named", () => {
  assert.deepEqual(targetsOf([]), [Deno.build.target]);
  assert.deepEqual(targetsOf(["all"]), TARGETS);
  assert.deepEqual(targetsOf(["aarch64-apple-darwin"]), ["aarch64-apple-darwin"]);
  assert.throws(() => targetsOf(["sparc"]), { name: "BuildError", message: /"sparc"/ });
});

Deno.test("programName ends in .exe on Windows alone", () => {
  assert.deepEqual(TARGETS.map(programName).filter((name) => name.endsWith(".exe")), [
    "stx-x86_64-pc-windows-msvc.exe",
    "stx-aarch64-pc-windows-msvc.exe",
  ]);
});

Deno.test("the bundle does what the sources do, without a cache of packages", async () => {
  await withTempFolder(async (folder) => {
    await bundle(`${folder}/stx.js`);
    const sources = ["run", ...flagsFor(GENERAL_PERMISSIONS), ENTRY_POINT];
    const bundled = [
      "run",
      ...flagsFor(GENERAL_PERMISSIONS),
      "--no-config",
      "--no-npm",
      "--no-remote",
      "--cached-only",
      `${folder}/stx.js`,
    ];
    const options = { cwd: folder, env: { DENO_DIR: `${folder}/empty`, NO_COLOR: "1" } };
    const runs = [
      ["--version"],
      ["help", "send"],
      ["send"],
      ["recv", "--identity", "absent"],
      ["rounds", "serve", "--listen", "127.0.0.1:0", "--keys", "absent"],
      ["rounds", "join", "127.0.0.1:1", "--key", "absent"],
    ];
    for (const args of runs) {
      const expected = await deno([...sources, ...args], { cwd: folder, env: { NO_COLOR: "1" } });
      assert.deepEqual(await deno([...bundled, ...args], options), expected, args.join(" "));
    }
    // Making a key goes through the packages, which are all inside.
    const made = await deno([...bundled, "keygen", "--out", "key"], options);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^SHA256:/);
    for (
      const [args, out] of [
        [["keygen", "--base-key", "--out", "base"], "base\n"],
        [["rounds", "enroll", "roof", "--base-key", "base", "--keys", "db", "--out", "roof"], "roof\n"],
        [["rounds", "list", "--keys", "db"], "roof, epoch 0\n"],
      ] as const
    ) {
      const { code, stdout, stderr } = await deno([...bundled, ...args], options);
      assert.deepEqual([code, stdout], [0, out], stderr);
    }
  });
});
