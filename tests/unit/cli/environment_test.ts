import assert from "node:assert/strict";
import { withTempFolder } from "../../support/temp_folder.ts";
import { runDeno } from "./run_deno.ts";

const MODULE = new URL("../../../cli/environment.ts", import.meta.url).href;

async function read(flags: string[], value: string): Promise<string> {
  return await withTempFolder(async (folder) => {
    const script = `${folder}/read.ts`;
    const code = `import { readEnvironment } from "${MODULE}";
      Deno.stdout.writeSync(new TextEncoder().encode(String(readEnvironment("STX_CONFIG_DIR"))));`;
    await Deno.writeTextFile(script, code);
    const { code: status, stdout, stderr } = await runDeno(["run", "--no-prompt", ...flags, script], {
      STX_CONFIG_DIR: value,
    });
    assert.equal(status, 0, stderr);
    return stdout;
  });
}

Deno.test("a variable is read where that is permitted", async () => {
  assert.equal(await read(["--allow-env=STX_CONFIG_DIR"], "/conf"), "/conf");
});

Deno.test("a variable that may not be read is as if unset", async () => {
  assert.equal(await read([], "/conf"), "undefined");
  assert.equal(await read(["--deny-env"], "/conf"), "undefined");
  assert.equal(await read(["--allow-env=HOME"], "/conf"), "undefined");
});

Deno.test("an empty variable is as if unset", async () => {
  assert.equal(await read(["--allow-env=STX_CONFIG_DIR"], ""), "undefined");
});
