import assert from "node:assert/strict";
import { descriptionsIn, membersOf } from "../../../scripts/descriptions.ts";

Deno.test("descriptionsIn reads what stands above constants, each in one line", () => {
  const source = `/**
 * A module.
 * @module
 */

/** Bytes of one thing: see {@link other}. */
export const ONE = 1;
/**
 * Parts of another
 * thing.
 */
export const OTHER_MAX = 2 ** 3;

const OWN = 5;
`;
  assert.deepEqual([...descriptionsIn(source)], [
    ["ONE", "Bytes of one thing: see `other`."],
    ["OTHER_MAX", "Parts of another thing."],
  ]);
});

Deno.test("descriptionsIn reads what stands above members, quoted or not", () => {
  const source = '  /** First. */\n  one: 1,\n  /** Second. */\n  "two+three-4": 23,\n';
  assert.deepEqual([...descriptionsIn(source)], [["one", "First."], ["two+three-4", "Second."]]);
});

Deno.test("descriptionsIn names what has no description", () => {
  const cases = ["export const BARE = 1;\n", "  bare: 1,\n", '  "bare": 1,\n'];
  for (const source of cases) {
    assert.throws(
      () => descriptionsIn(`/** X. */\nexport const X = 1;\n${source}`),
      /BARE|bare has no/i,
      source,
    );
  }
});

Deno.test("membersOf takes one object out of a source", () => {
  const source = "/** A. */\nexport const A = {\n  /** Of A. */\n  a: 1,\n} as const;\n" +
    "export const B = {\n  /** Of B. */\n  b: 2,\n} as const;\n";
  assert.equal(membersOf(source, "B"), "  /** Of B. */\n  b: 2,\n");
  assert.throws(() => membersOf(source, "C"), /no object C/);
  assert.throws(() => membersOf("export const D = {\n  d: 1,\n};\n", "D"), /no object D/);
});
