/** The attacks on the two first designs: what succeeds there, what does not, and who notices. */
import assert from "node:assert/strict";
import type { EndError, Played } from "../../../cli/attack_sim/attack.ts";
import { SEED_PLAYS } from "../../../cli/attack_sim/seed_plays.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import type { End } from "../../../lib/attacks/wire.ts";
import { memoryNetwork } from "../../support/memory_network.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

const SEEDS_IN_MEMORY = 5;

async function play(name: string, seed: number, isInMemory: boolean): Promise<Played> {
  return await withTempFolder(async (folder) => {
    const stage = { seeded: Seeded.for(seed, name), folder, off: new Set<never>() };
    return await SEED_PLAYS[name]!.play(isInMemory ? { ...stage, network: memoryNetwork() } : stage);
  });
}

/** Who notices, where an attack is stopped. */
const STOPPED: Readonly<Record<string, readonly [End, EndError["code"], string]>> = {
  "stx key-substitution": ["client", "bad_signature", "WELCOME"],
  "stx changed-server-key": ["client", "bad_signature", "WELCOME"],
  "stx wrong-key": ["server", "bad_signature", "VERIFY"],
  "stx session-replay": ["server", "handshake_failed", "was here before"],
  "stx session-replay-restart": ["server", "bad_signature", "VERIFY"],
  "rounds tamper": ["server", "bad_mac", "HMAC"],
  "rounds replay": ["server", "bad_round", "Round mismatch"],
  "rounds reflect": ["client", "bad_direction", "Wrong direction"],
  "rounds drop": ["client", "connection_lost", "in round 2"],
};
/** Where an attack is survived: the file arrives all the same. */
const SURVIVED = [
  "stx tamper",
  "stx inject",
  "stx replay",
  "stx drop",
  "stx reorder",
  "stx splice",
  "stx cut",
  "stx cut-and-resume",
  "stx eavesdrop",
  "stx forward-secrecy",
];

for (const [name, { succeeds }] of Object.entries(SEED_PLAYS)) {
  Deno.test(`on the first design, ${name} ${succeeds ? "succeeds" : "does not succeed"}`, async () => {
    for (let seed = 0; seed <= SEEDS_IN_MEMORY; seed++) {
      // The last one over real sockets.
      const played = await play(name, seed, seed < SEEDS_IN_MEMORY);
      assert.equal(played.hasSucceeded, succeeds, `seed ${seed}: ${played.evidence}`);
      assert.notEqual(played.evidence, "");
      assert.ok(played.steps.length > 0);
      for (const error of Object.values(played.errors)) {
        assert.notEqual(error.code, "internal", error.message);
      }
      if (SURVIVED.includes(name)) assert.ok(played.isIntact, `seed ${seed}`);
      const stopped = STOPPED[name];
      if (stopped === undefined) continue;
      const error = played.errors[stopped[0]];
      assert.equal(error?.code, stopped[1], `seed ${seed}`);
      assert.ok(error.message.includes(stopped[2]), error.message);
    }
  });
}

Deno.test("of each attack that does not succeed it is known how it ends", () => {
  const known = [...Object.keys(STOPPED), ...SURVIVED, "rounds bit-flip"];
  const held = Object.entries(SEED_PLAYS).filter(([, { succeeds }]) => !succeeds).map(([name]) => name);
  assert.deepEqual([...known].sort(), held.sort());
});
