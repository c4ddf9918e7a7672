import assert from "node:assert/strict";
import { completionScript } from "../../../cli/completions.ts";
import { type CommandModule, dispatch, type ModuleName } from "../../../cli/dispatch.ts";
import { commandHelp, generalHelp, shortUsage } from "../../../cli/help.ts";
import { isSet, type ParsedCommand, valueOf } from "../../../cli/parse.ts";
import { VERSION, versionLine } from "../../../cli/version.ts";
import { StxError } from "../../../lib/errors.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { fakeStreams } from "./fake_streams.ts";
import { runDeno, STX } from "./run_deno.ts";

async function run(args: string[], command?: CommandModule["run"], terminal = false) {
  const streams = fakeStreams({ terminal });
  const loaded: ModuleName[] = [];
  const status = await dispatch(args, {
    load: (name) => {
      loaded.push(name);
      assert(command !== undefined, "no subcommand was to be loaded");
      return Promise.resolve({ run: command });
    },
    exit: (exit) => {
      throw new Error(`exit ${exit}`);
    },
    streams,
  });
  return { status, loaded, out: streams.out(), error: streams.error() };
}

const lines = (text: readonly string[]) => text.map((line) => `${line}\n`).join("");

Deno.test("stx alone prints its usage as an error", async () => {
  assert.deepEqual(await run([]), { status: 2, loaded: [], out: "", error: lines(shortUsage()) });
});

Deno.test("help and version go to standard output", async () => {
  assert.deepEqual(await run(["help"]), { status: 0, loaded: [], out: lines(generalHelp()), error: "" });
  assert.equal((await run(["--help"])).out, lines(generalHelp()));
  assert.equal((await run(["help", "send"])).out, lines(commandHelp("send")));
  assert.deepEqual(await run(["send", "-h"]), {
    status: 0,
    loaded: [],
    out: lines(commandHelp("send")),
    error: "",
  });
  assert.deepEqual(await run(["-V"]), { status: 0, loaded: [], out: `${versionLine()}\n`, error: "" });
});

Deno.test("completions prints the script", async () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const { status, out } = await run(["completions", shell]);
    assert.equal(status, 0);
    assert.equal(out, `${completionScript(shell)}\n`);
  }
});

Deno.test("a subcommand gets its parsed line and decides the status", async () => {
  for (const [name, words] of [["send", ["a", "host"]], ["recv", []], ["keygen", []]] as const) {
    let seen: ParsedCommand | undefined;
    const { status, loaded } = await run([name, ...words, "-v"], (parsed, output) => {
      seen = parsed;
      output.verbose("told");
      return Promise.resolve(5);
    });
    assert.equal(status, 5);
    assert.deepEqual(loaded, [name]);
    assert.equal(seen?.command, name);
    assert.deepEqual(seen.positionals, words);
    assert(isSet(seen, "verbose"));
  }
});

Deno.test("a subcommand's output follows --json, --quiet and --verbose", async () => {
  const talk: CommandModule["run"] = (parsed, output) => {
    output.info("info");
    output.verbose("more");
    output.event("resumed", { transfer: valueOf(parsed, "dir") ?? "none", offsetBytes: 1 });
    return Promise.resolve(0);
  };
  assert.deepEqual(await run(["recv"], talk), { status: 0, loaded: ["recv"], out: "", error: "info\n" });
  const json = await run(["recv", "--json", "--quiet", "--dir", "d"], talk);
  assert.equal(json.out, '{"v":1,"event":"resumed","transfer":"d","offsetBytes":1}\n');
  assert.equal(json.error, "");
  assert.equal((await run(["recv", "--verbose"], talk)).error, "info\nmore\n");
});

Deno.test("an error of a subcommand is printed and decides the status", async () => {
  const fail = (error: unknown) => () => Promise.reject(error);
  assert.deepEqual(await run(["recv"], fail(new StxError("address_in_use", "cannot listen"))), {
    status: 7,
    loaded: ["recv"],
    out: "",
    error: "stx recv: cannot listen\n",
  });
  const unexpected = await run(["recv"], fail(new TypeError("boom")));
  assert.equal(unexpected.status, 1);
  assert.match(unexpected.error, /^stx recv: Unexpected error: TypeError: boom;[^\n]*\n$/);
});

Deno.test("a wrong line is told with its command, and as an event where events are asked for", async () => {
  const unknown = await run(["frob"]);
  assert.equal(unknown.status, 2);
  assert.match(unknown.error, /^stx: Unknown command "frob"; /);
  const wrong = await run(["send", "--json", "--bogus"]);
  assert.equal(wrong.status, 2);
  assert.equal(wrong.error, "stx send: Unknown option --bogus. See: stx help send\n");
  const event = JSON.parse(wrong.out);
  assert.deepEqual([event.event, event.code, event.exit], ["error", "usage", 2]);
  assert.equal((await run(["send", "--bogus"])).out, "");
});

Deno.test("a line of progress that was left open is ended", async () => {
  const { error } = await run(["recv"], (_, output) => {
    output.drawLine("50%");
    return Promise.resolve(0);
  }, true);
  assert(error.endsWith("50%\n"));
});

Deno.test("a failure that nobody waits for ends the program with one line and status 1", async () => {
  const failures = {
    'Promise.reject(new TypeError("boom"))': "TypeError: boom",
    'queueMicrotask(() => { throw new RangeError("bang") })': "RangeError: bang",
    // Even one with a code is a fault here.
    'Promise.reject(Object.assign(new Error("x"), { code: "usage" }))': "Error: x",
  };
  for (const [failure, text] of Object.entries(failures)) {
    await withTempFolder(async (folder) => {
      const script = `${folder}/stray.ts`;
      await Deno.writeTextFile(
        script,
        `import { dispatch } from "${new URL("../../../cli/dispatch.ts", import.meta.url).href}";
         const run = () => { ${failure}; return new Promise(() => setTimeout(() => {}, 60_000)); };
         const load = () => Promise.resolve({ run });
         Deno.exit(await dispatch(["recv"], { load, exit: (status) => Deno.exit(status) }));`,
      );
      const { code, stdout, stderr } = await runDeno(["run", "--no-prompt", script]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.equal(
        stderr,
        `stx recv: Unexpected error: ${text}; this is a fault in stx; --verbose shows where\n`,
      );
    });
  }
});

Deno.test("the version is the one of deno.json", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  assert.equal(VERSION, config.version);
});

Deno.test("the program itself prints its version and usage without any permission", async () => {
  const version = await runDeno([...STX, "--version"]);
  assert.deepEqual(version, {
    code: 0,
    stdout: `stx ${VERSION} (STX/1, deno ${Deno.version.deno} ${Deno.build.target})\n`,
    stderr: "",
  });
  assert.deepEqual(await runDeno([...STX]), { code: 2, stdout: "", stderr: lines(shortUsage()) });
});

Deno.test("the program ends quietly when its reader is gone", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...STX, "completions", "bash"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const [stderr, { code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
  assert.equal(code, 141);
  assert.equal(stderr, "");
});
