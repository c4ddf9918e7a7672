import assert from "node:assert/strict";
import { fitText, textWidth } from "../../../cli/text_width.ts";

Deno.test("textWidth counts columns, not letters", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["写真", 4],
    ["한글", 4],
    ["ｗｉｄｅ", 8],
    ["😀", 2],
    ["a\u200bb", 2],
  ];
  for (const [text, width] of cases) assert.equal(textWidth(text), width, text);
});

Deno.test("fitText makes exactly the width", () => {
  const cases: [string, number, string][] = [
    ["abc", 5, "abc  "],
    ["abc", 3, "abc"],
    ["abcdefghij.txt", 10, "abcd...txt"],
    ["abcdefghij", 7, "abc..ij"],
    ["abcdef", 3, "a.."],
    ["abcdef", 2, ".."],
    ["abcdef", 1, "."],
    ["abcdef", 0, ""],
    ["写真写真写真", 8, "写..写真"],
    ["写真写真写真", 10, "写真..写真"],
    ["😀😀😀", 5, "😀.. "],
  ];
  for (const [text, width, fitted] of cases) assert.equal(fitText(text, width), fitted);
  for (let width = 0; width < 30; width++) {
    assert.equal(textWidth(fitText("写a真bcd写e😀.txt", width)), width);
  }
});
