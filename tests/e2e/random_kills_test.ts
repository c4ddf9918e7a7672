import { sendUnderKills } from "../support/kills.ts";
import { chosenSeed } from "../support/random.ts";
import { withStage } from "../support/stage.ts";

const ROUNDS = 2;

for (let round = 0; round < ROUNDS; round++) {
  Deno.test(`a transfer survives kills of either end at any moment (round ${round + 1} of ${ROUNDS})`, async () => {
    await withStage(async (stage) => {
      await sendUnderKills(stage, { sizeBytes: 64 * 1024 * 1024, killCount: 3, seed: chosenSeed() + round });
    });
  });
}
