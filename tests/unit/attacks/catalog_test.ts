/** The catalog of attacks against the threat model and the list of defences: nothing is promised that nobody tries. */
import assert from "node:assert/strict";
import { ATTACKS } from "../../../cli/attack_sim/catalog.ts";
import { SEED_PLAYS } from "../../../cli/attack_sim/seed_plays.ts";
import { type Defence, DEFENCES } from "../../../lib/attacks/defences.ts";
import { attacksOn, controlsOf, promises } from "../../../scripts/attack_tables.ts";
import { withoutDefence } from "../../../scripts/mutate_defences.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";

const NAMES = Object.keys(DEFENCES) as Defence[];

Deno.test("every promise of the threat model has an attack, and every attack tries promises that are made", () => {
  const made = promises();
  assert.deepEqual(made.filter((promise) => attacksOn(promise).length === 0), []);
  for (const { name, promises } of ATTACKS) {
    assert.ok(promises.length > 0, `${name} tries nothing`);
    for (const promise of promises) {
      assert.ok(made.includes(promise), `${name}: "${promise}" is not promised`);
    }
  }
});

Deno.test("every defence has a control", () => {
  assert.deepEqual(NAMES.filter((defence) => controlsOf(defence).length === 0), []);
});

Deno.test("every attack has a control, or is measured", () => {
  for (const { name, defences, expected } of ATTACKS) {
    assert.equal(defences.length === 0, expected.kind === "bounded", name);
    assert.ok(defences.length <= 4, name);
  }
});

Deno.test("no two attacks on a protocol have one name", () => {
  const names = ATTACKS.map(({ protocol, name }) => `${protocol} ${name}`);
  assert.deepEqual(names, [...new Set(names)]);
  for (const name of names) assert.match(name, /^(?:stx|rounds) [a-z]+(?:-[a-z]+)*$/);
});

Deno.test("what is played on the first design is played on the design too", () => {
  const names = ATTACKS.map(({ protocol, name }) => `${protocol} ${name}`);
  assert.deepEqual(Object.keys(SEED_PLAYS).filter((name) => !names.includes(name)), []);
});

Deno.test("every defence is a place in the code that can be deleted", () => {
  for (const name of NAMES) {
    const source = Deno.readTextFileSync(`${PROJECT_FOLDER}/${DEFENCES[name].file}`);
    const without = withoutDefence(source, DEFENCES[name]);
    assert.notEqual(without, source, name);
  }
});
