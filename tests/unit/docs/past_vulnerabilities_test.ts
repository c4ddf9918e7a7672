/** What docs/past-vulnerabilities.md says of tests and attacks, held against them. */
import assert from "node:assert/strict";
import { ATTACKS } from "../../../cli/attack_sim/catalog.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";

const TEXT = Deno.readTextFileSync(`${PROJECT_FOLDER}/docs/past-vulnerabilities.md`);
/** The document's lines are broken where they are long. */
const UNBROKEN = TEXT.replace(/\n {2}(?=\S)/g, " ");
/** Each class, without the heading's marks. */
const CLASSES = UNBROKEN.split("\n## ").slice(1).filter((part) => part.includes("Happened in: "));

Deno.test("every class says where it happened, and names the tests that show the defence", () => {
  assert.equal(CLASSES.length, 16);
  for (const part of CLASSES) {
    const title = part.split("\n")[0];
    assert.match(part, /^Happened in: .*\.$/m, title);
    assert.match(part, /^- `tests\/\S+_test\.ts`: \S/m, title);
  }
});

Deno.test("every test that is named is there", () => {
  const cited = [...UNBROKEN.matchAll(/^- `(tests\/\S+_test\.ts)`: (.*)$/gm)];
  assert.equal(cited.length, UNBROKEN.match(/^- `tests\//gm)!.length);
  for (const [, file, name] of cited) {
    const source = Deno.readTextFileSync(`${PROJECT_FOLDER}/${file}`);
    const isThere = [`"${name}"`, `\`${name}\``].some((text) => source.includes(text));
    assert.ok(isThere, `${file} has no test "${name}"`);
  }
});

Deno.test("every attack that is named is one of the simulator's", () => {
  const names = new Set(
    ATTACKS.map(({ protocol, name }) => protocol === "stx" ? name : `${protocol} ${name}`),
  );
  const cited = [...UNBROKEN.matchAll(/^- attacks: (.*)$/gm)].flatMap(([, list]) => list!.split(", "));
  assert.ok(cited.length > 30);
  for (const name of cited) assert.ok(names.has(name.replaceAll("`", "")), `there is no attack ${name}`);
});
