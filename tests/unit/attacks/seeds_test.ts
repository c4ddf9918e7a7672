/**
 * The attackers on the path in memory, where very many of their choices can be tried: the same plays, between the same
 * ends, as `stx attack-sim` has on the loopback interface.
 */
import assert from "node:assert/strict";
import type { Attack, Played } from "../../../cli/attack_sim/attack.ts";
import { LINE_ATTACKS } from "../../../cli/attack_sim/attacks/lines.ts";
import { RECORD_ATTACKS } from "../../../cli/attack_sim/attacks/records.ts";
import { SESSION_ATTACKS } from "../../../cli/attack_sim/attacks/sessions.ts";
import { problemOf } from "../../../cli/attack_sim/run.ts";
import type { Defence } from "../../../lib/attacks/defences.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { memoryNetwork } from "../../support/memory_network.ts";

/** Seeds of each attack; a thousand take some minutes. */
const SEED_COUNT = 12;
/** Every so many of them the control is played too. */
const CONTROL_EVERY = 8;
/** Plays side by side: some wait for the disk while others work. */
const AT_ONCE = 5;

const PATH_ATTACKS = [...RECORD_ATTACKS, ...SESSION_ATTACKS, ...LINE_ATTACKS].filter((attack) =>
  attack.onPath !== undefined
);

/** A folder in memory where the system has such a place: making files durable there takes no time. */
async function withQuickFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const hasMemory = await Deno.stat("/dev/shm").then((info) => info.isDirectory, () => false);
  const folder = await Deno.makeTempDir({ prefix: "stx-test-", ...(hasMemory ? { dir: "/dev/shm" } : {}) });
  try {
    await body(folder);
  } finally {
    // A sender that was cut gives a refusal one more turn to come; it ends with that.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await Deno.remove(folder, { recursive: true });
  }
}

async function play(attack: Attack, seed: number, folder: string, off: readonly Defence[]): Promise<Played> {
  Deno.mkdirSync(folder);
  const seeded = Seeded.for(seed, attack.name);
  return await attack.play({ seeded, folder, off: new Set(off), network: memoryNetwork() });
}

for (const attack of PATH_ATTACKS) {
  Deno.test(`${attack.name} comes to the same with ${SEED_COUNT} seeds`, async () => {
    await withQuickFolder(async (folder) => {
      const seeds = Array.from({ length: SEED_COUNT }, (_, seed) => seed).values();
      async function playSome(): Promise<void> {
        for (const seed of seeds) {
          const played = await play(attack, seed, `${folder}/${seed}`, []);
          assert.equal(problemOf(attack, played), "", `seed ${seed}`);
          if (seed % CONTROL_EVERY !== 0) continue;
          const control = await play(attack, seed, `${folder}/${seed}-control`, attack.defences);
          assert.ok(control.hasSucceeded, `the control of seed ${seed}: ${control.evidence}`);
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, playSome));
    });
  });
}

Deno.test("every attack on records, and every one by a line, is played without sockets", () => {
  const names = PATH_ATTACKS.map(({ name }) => name);
  for (const { name } of [...RECORD_ATTACKS, ...LINE_ATTACKS]) assert.ok(names.includes(name), name);
});
