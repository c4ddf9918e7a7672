import assert from "node:assert/strict";
import { differenceOf, fillRegions, markdownTable } from "../../../scripts/marked_regions.ts";

const DOCUMENT = `# Title

<!-- generated: one -->

old

<!-- end -->

between

<!-- generated: two -->
<!-- end -->
`;

Deno.test("fillRegions writes every region and nothing else", () => {
  const contents = new Map([["one", "| new |\n"], ["two", "$& second"]]);
  const filled = fillRegions(DOCUMENT, contents);
  assert.equal(
    filled,
    `# Title

<!-- generated: one -->

| new |

<!-- end -->

between

<!-- generated: two -->

$& second

<!-- end -->
`,
  );
  assert.equal(fillRegions(filled, contents), filled);
});

Deno.test("fillRegions refuses regions and contents that do not fit each other", () => {
  const one = new Map([["one", "1"]]);
  const both = new Map([["one", "1"], ["two", "2"]]);
  assert.throws(() => fillRegions(DOCUMENT, one), /Nothing is generated for the region "two"/);
  assert.throws(
    () => fillRegions(DOCUMENT, new Map([...both, ["three", "3"]])),
    /lacks the region "three"/,
  );
  assert.throws(() => fillRegions(DOCUMENT + DOCUMENT, both), /"one" is there twice/);
  assert.throws(() => fillRegions(`${DOCUMENT}<!-- end -->\n`, both), /no partner/);
  assert.throws(() => fillRegions(`<!-- end -->\n${DOCUMENT}`, both), /no partner/);
});

Deno.test("differenceOf shows what differs, as a patch does", () => {
  assert.deepEqual(differenceOf("a\nb\nc\nd", "a\nB\nc\nd"), ["from line 2", "- b", "+ B"]);
  assert.deepEqual(differenceOf("a\nb", "a\nx\nb"), ["from line 2", "+ x"]);
  assert.deepEqual(differenceOf("a\na\nb", "a\nb"), ["from line 2", "- a"]);
  assert.deepEqual(differenceOf("a\nb", "a\nb"), []);
});

Deno.test("markdownTable pads its columns and escapes what would end a cell", () => {
  assert.equal(
    markdownTable(["a", "long"], [["1", "`x | y`"], ["", "z"]]),
    ["| a   | long     |", "| --- | -------- |", "| 1   | `x \\| y` |", "|     | z        |"].join("\n"),
  );
});
