import assert from "node:assert/strict";
import type { Attack } from "../../../cli/attack_sim/attack.ts";
import { NAME_ATTACKS } from "../../../cli/attack_sim/attacks/hostile_names.ts";
import { RECEIPT_ATTACKS } from "../../../cli/attack_sim/attacks/receipts.ts";
import { TRANSFER_ATTACKS } from "../../../cli/attack_sim/attacks/transfers.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";

const ATTACKS: readonly Attack[] = [...TRANSFER_ATTACKS, ...RECEIPT_ATTACKS, ...NAME_ATTACKS];

for (const attack of ATTACKS) {
  Deno.test(`${attack.name} is proved, whatever the attacker chooses`, async () => {
    for (const seed of [7]) {
      const verdict = await runAttack(attack, seed);
      assert.ok(isProved(verdict), JSON.stringify([verdict.problem, verdict.controls], undefined, 2));
    }
  });
}
