/** The small form of tests/long/faults.ts: some of its tries, from a seed (`STX_SEED` plays a run again). */
import assert from "node:assert/strict";
import { type FaultAction, HAS_FAULT_SHIM } from "../support/fault_shim.ts";
import { type FaultPlace, FaultTrials } from "../support/fault_trials.ts";
import { sendUnderKills } from "../support/kills.ts";
import { OBEYING_MODES } from "../support/programs.ts";
import { chosenSeed, seededFractions } from "../support/random.ts";
import { withStage } from "../support/stage.ts";

const PLAN: Readonly<Record<FaultPlace, readonly FaultAction[]>> = {
  receiver: ["EIO", "ENOSPC", "short", "killAfter"],
  start: ["EIO", "killAfter"],
  sender: ["EIO", "killBefore"],
};

for (const place of ["receiver", "start", "sender"] as const) {
  Deno.test({
    name:
      `${place}: whichever call to the file system fails, nothing wrong is in place, and the command continues (needs cc)`,
    ignore: !HAS_FAULT_SHIM,
    fn: async () => {
      const seed = chosenSeed();
      const random = seededFractions(seed);
      await withStage(async (stage) => {
        const tries = await FaultTrials.on(stage);
        for (const action of PLAN[place]) {
          const at = 1 + Math.floor(random() * await tries.count(place, action));
          const lasts = action === "ENOSPC" || random() < 0.3;
          const outcome = await tries.run({ place, action, at, lasts }).catch((error) => {
            throw new Error(`seed ${seed}: ${error.message}`);
          });
          if (place !== "start") {
            assert.notEqual(outcome.call, undefined, `seed ${seed}: call ${at} never came`);
          }
        }
      });
    },
  });
}

Deno.test("a transfer survives ends that are told to end, or stand still for a while, at any moment", async () => {
  await withStage(async (stage) => {
    await sendUnderKills(stage, {
      sizeBytes: 32 * 1024 * 1024,
      killCount: 3,
      blows: ["SIGTERM", "SIGSTOP"],
      stopMs: [50, 400],
      seed: chosenSeed(),
    });
  });
});

Deno.test({
  name:
    "a state file that cannot be written: recv says so and ends with 7, before anybody is told where to send",
  ignore: OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();
      receiver.process.kill("SIGTERM");
      await receiver.process.ended;
      Deno.chmodSync(`${stage.receiver.home}/state/stx/recv.db`, 0o400);
      const { code, stderr } = await stage.run(
        ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox],
        { person: stage.receiver, prefix: OBEYING_MODES! },
      );
      assert.equal(code, 7, stderr);
      assert.match(stderr, /^stx recv: Cannot write the state file [^\n]*; make it writable [^\n]*\n$/);
    });
  },
});
