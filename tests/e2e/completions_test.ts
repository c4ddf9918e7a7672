import assert from "node:assert/strict";
import { isInstalled, runProgram } from "../support/programs.ts";
import { withStage } from "../support/stage.ts";

Deno.test({
  name: "bash sources the completions and completes a line with them (needs bash)",
  ignore: !isInstalled("bash"),
  fn: async () => {
    await withStage(async (stage) => {
      const { code, stdout } = await stage.run(["completions", "bash"]);
      assert.equal(code, 0);
      const complete = `${stdout}
COMP_WORDS=(stx re) COMP_CWORD=1; _stx_complete; echo "\${COMPREPLY[@]}"
COMP_WORDS=(stx recv --on-conflict o) COMP_CWORD=3; _stx_complete; echo "\${COMPREPLY[@]}"
complete -p stx`;
      const bash = await runProgram("bash", ["--norc", "-eu"], { input: complete });
      assert.equal(bash.code, 0, bash.stderr);
      assert.equal(bash.stdout, "recv\noverwrite\ncomplete -F _stx_complete stx\n");
    });
  },
});

for (const shell of ["zsh", "fish"]) {
  Deno.test({
    name: `${shell} takes the completions without complaint (needs ${shell})`,
    ignore: !isInstalled(shell),
    fn: async () => {
      await withStage(async (stage) => {
        const { code, stdout } = await stage.run(["completions", shell]);
        assert.equal(code, 0);
        const script = `${stage.folder}/stx.${shell}`;
        Deno.writeTextFileSync(script, stdout);
        const { code: checked, stderr } = await runProgram(shell, ["-n", script], {
          env: { HOME: stage.folder },
        });
        assert.deepEqual([checked, stderr], [0, ""]);
      });
    },
  });
}
