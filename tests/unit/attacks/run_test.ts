/** The runner itself: what proves an attack, and what does not. */
import assert from "node:assert/strict";
import type { Attack, Played, Stage } from "../../../cli/attack_sim/attack.ts";
import { isProved, runAttack } from "../../../cli/attack_sim/run.ts";

const STOPPED: Played = {
  hasSucceeded: false,
  evidence: "nothing has come of it",
  errors: { server: { code: "bad_record", message: "Cannot open record 3: its tag is wrong" } },
  isIntact: false,
  steps: [],
};
const SUCCEEDED: Played = { ...STOPPED, hasSucceeded: true, errors: {}, evidence: "it has what it wants" };

/** An attack that is stopped unless both of its defences are off. */
function attackOf(play: (stage: Stage) => Played, more: Partial<Attack> = {}): Attack {
  return {
    name: "made-up",
    protocol: "stx",
    by: "path",
    goal: "",
    does: "",
    why: "",
    promises: [],
    expected: { kind: "stopped", at: "server", code: "bad_record", during: "tag" },
    defences: ["record tag", "stream checksum"],
    play: (stage) => Promise.resolve(play(stage)),
    ...more,
  };
}

const asItMust = (stage: Stage) => stage.off.size === 2 ? SUCCEEDED : STOPPED;

async function isAttackProved(attack: Attack): Promise<boolean> {
  return isProved(await runAttack(attack, 1));
}

Deno.test("an attack that is stopped, and succeeds with exactly its defences off, is proved", async () => {
  assert.ok(await isAttackProved(attackOf(asItMust)));
});

const UNPROVED: Readonly<Record<string, Attack>> = {
  "an attack that succeeds": attackOf(() => SUCCEEDED),
  "a control that does not succeed": attackOf(() => STOPPED),
  "a set of defences that is too large": attackOf(({ off }) => off.has("record tag") ? SUCCEEDED : STOPPED),
  "another error": attackOf((stage) => ({
    ...asItMust(stage),
    errors: { server: { code: "malformed", message: "tag" } },
  })),
  "an error at the other end": attackOf((stage) => ({
    ...asItMust(stage),
    errors: { client: STOPPED.errors.server! },
  })),
  "an error about something else": attackOf((stage) => ({
    ...asItMust(stage),
    errors: { server: { code: "bad_record", message: "sequence" } },
  })),
  "a play that breaks off": attackOf(() => {
    throw new Error("no port");
  }),
  "an end that crashes, even where the other one notices": attackOf((stage) => {
    const played = asItMust(stage);
    return { ...played, errors: { ...played.errors, client: { code: "internal", message: "TypeError: x" } } };
  }),
  "a control in which an end crashes": attackOf((stage) => {
    const errors = { server: { code: "internal", message: "TypeError: x" } } as const;
    return stage.off.size === 1 ? { ...STOPPED, errors } : asItMust(stage);
  }),
  "a control that breaks off": attackOf((stage) => {
    if (stage.off.size === 1) throw new Error("no port");
    return asItMust(stage);
  }),
  "a survived attack after which not all has arrived": attackOf(asItMust, { expected: { kind: "survived" } }),
  "a bound that does not hold": attackOf(() => ({
    ...STOPPED,
    isIntact: true,
    bounds: [{ what: "sockets", measured: 3, most: 2 }],
  }), { expected: { kind: "bounded" }, defences: [] }),
  "a bound that is no number": attackOf(() => ({
    ...STOPPED,
    isIntact: true,
    bounds: [{ what: "sockets", measured: NaN, most: 2 }],
  }), { expected: { kind: "bounded" }, defences: [] }),
  "nothing measured": attackOf(() => ({ ...STOPPED, isIntact: true }), {
    expected: { kind: "bounded" },
    defences: [],
  }),
};
for (const [name, attack] of Object.entries(UNPROVED)) {
  Deno.test(`${name} proves nothing`, async () => {
    assert.equal(await isAttackProved(attack), false);
  });
}

Deno.test("no text names the play's folder, which is another one every time", async () => {
  const { played } = await runAttack(
    attackOf(({ folder }) => ({
      ...STOPPED,
      errors: { server: { code: "bad_record", message: `tag of ${folder}/file` } },
    })),
    1,
  );
  assert.equal(played.errors.server?.message, "tag of FOLDER/file");
});

Deno.test("a play's folder is gone afterwards, however it ends", async () => {
  const folders: string[] = [];
  await runAttack(
    attackOf((stage) => {
      folders.push(stage.folder);
      Deno.writeTextFileSync(`${stage.folder}/file`, "");
      throw new Error("no port");
    }),
    1,
  );
  assert.equal(folders.length, 4);
  for (const folder of folders) assert.throws(() => Deno.lstatSync(folder), Deno.errors.NotFound);
});
