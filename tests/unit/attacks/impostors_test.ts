/** Each impostor is refused for the reason that it should be, and gets its way without the defences against it. */
import assert from "node:assert/strict";
import { IMPOSTOR_ATTACKS } from "../../../cli/attack_sim/attacks/impostors.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";

for (const attack of IMPOSTOR_ATTACKS) {
  Deno.test(`${attack.name} is proved`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      const wrong = verdict.controls.filter(({ holds }) => !holds).map(({ off }) => off.join(" and "));
      assert.ok(isProved(verdict), `seed ${seed}: ${verdict.problem} ${wrong.join("; ")}`);
    }
  });
}
