/** What a user runs never reaches a weakened part: not by any import, direct or not, at once or later. */
import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";

/** Every module that a module can come to load, as paths from the project's folder. */
async function reachable(module: string): Promise<readonly string[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", module],
    cwd: PROJECT_FOLDER,
    stdout: "piped",
    stderr: "null",
  }).output();
  assert.ok(success);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  return modules.map(({ specifier }: { specifier: string }) =>
    specifier.replace(`file://${PROJECT_FOLDER}/`, "")
  );
}

const isSimulator = (path: string) => path.startsWith("cli/attack_sim");
const isWeak = (path: string) => path.startsWith("lib/attacks/weak");

for (
  const module of [
    "cli/send.ts",
    "cli/recv.ts",
    "cli/rounds.ts",
    "cli/keygen.ts",
    "cli/keys.ts",
    "cli/doctor.ts",
    "mod.ts",
  ]
) {
  Deno.test(`${module} reaches no weakened part, nor the simulator`, async () => {
    const modules = await reachable(module);
    assert.ok(modules.includes("lib/errors.ts"));
    assert.deepEqual(modules.filter((path) => isWeak(path) || isSimulator(path)), []);
  });
}

Deno.test("the simulator does reach them, so that this looks in the right place", async () => {
  const modules = await reachable("cli/attack_sim.ts");
  assert.ok(modules.some(isWeak));
});
