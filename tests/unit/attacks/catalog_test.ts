/** The catalog of attacks against the threat model and the list of defences: nothing is promised that nobody tries. */
import assert from "node:assert/strict";
import { ATTACKS } from "../../../cli/attack_sim/catalog.ts";
import { SEED_PLAYS } from "../../../cli/attack_sim/seed_plays.ts";
import { type Defence, DEFENCES } from "../../../lib/attacks/defences.ts";
import { attacksOn, controlsOf, promises } from "../../../scripts/attack_tables.ts";
import { outcomeOf, withoutDefence } from "../../../scripts/mutate_defences.ts";
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

/** A line of `--json` that says that an attack did not come out as it must. */
function failedLine(problem: string): string {
  return `${JSON.stringify({ event: "verdict", attack: "made-up", verdict: "failed", problem })}\n`;
}

Deno.test("a deletion is caught by an attacker who gets through, and by nothing else", () => {
  for (
    const problem of [
      "The attacker has succeeded: the file is read",
      "Expected bad_record at the server. The set of defences is too large: without a alone the attack succeeds already",
    ]
  ) {
    const lines = failedLine("The play itself has failed: TypeError: x") + failedLine(problem);
    assert.equal(outcomeOf("stx", lines).caught, `stx made-up: ${problem}`);
  }
  for (
    const problem of [
      "The play itself has failed: TypeError: x",
      "The server has failed by a fault of its own: x is undefined",
      "What was to arrive has not: server: bad_mac (Cannot accept a packet: its MAC does not hold)",
      "Expected bad_mac at the server at its MAC; server: malformed (it is too short)",
      "The control proves nothing: without a the attack still fails (no file is in place)",
    ]
  ) {
    assert.deepEqual(outcomeOf("stx", failedLine(problem)), {
      caught: "",
      broken: `stx made-up: ${problem}`,
    });
  }
  const fine = `${
    JSON.stringify({ event: "verdict", attack: "made-up", verdict: "stopped", problem: null })
  }\n`;
  assert.deepEqual(outcomeOf("stx", fine), { caught: "", broken: "" });
});

Deno.test("what goes with a defence is deleted with it", () => {
  const source = Deno.readTextFileSync(`${PROJECT_FOLDER}/lib/rounds/chain.ts`);
  const without = withoutDefence(source, DEFENCES["packet encryption"]);
  assert.doesNotMatch(without, /=> (?:en|de)cryptCbc\(/);
});

Deno.test("every defence is a place in the code that can be deleted", () => {
  for (const name of NAMES) {
    const source = Deno.readTextFileSync(`${PROJECT_FOLDER}/${DEFENCES[name].file}`);
    const without = withoutDefence(source, DEFENCES[name]);
    assert.notEqual(without, source, name);
  }
});
