import assert from "node:assert/strict";
import { blankCommentsAndTexts } from "../../../scripts/source_code.ts";

/** What is left of a source, without the blanks. */
function left(source: string): string {
  const code = blankCommentsAndTexts(source);
  assert.equal(code.length, source.length);
  assert.deepEqual(
    [...code.matchAll(/\n/g)].map((m) => m.index),
    [...source.matchAll(/\n/g)].map((m) => m.index),
  );
  return code.replace(/\s+/g, "");
}

Deno.test("blankCommentsAndTexts blanks comments of both kinds and keeps the lines", () => {
  assert.equal(left("a; // Deno.x\nb; /* Deno\nDeno */ c;"), "a;b;c;");
});

Deno.test("blankCommentsAndTexts blanks strings with escaped quotes in them", () => {
  assert.equal(left(`f("Deno \\" Deno", 'it\\'s Deno'); g;`), "f(,);g;");
});

Deno.test("blankCommentsAndTexts keeps the code inside of templates, nested ones too", () => {
  assert.equal(left("t(`Deno ${a({ b: `Deno ${c} Deno` })} Deno \\` ${d} Deno`); e;"), "t(a({b:c})d);e;");
});

Deno.test("blankCommentsAndTexts takes a brace in a template for text", () => {
  assert.equal(left("t(`{`); Deno; u(`${a}{`); b;"), "t();Deno;u(a);b;");
});

Deno.test("blankCommentsAndTexts blanks regular expressions, not divisions", () => {
  assert.equal(left(`x = /["'/\\/]/g; y = a / b; z = (c) / d; e`), "x=g;y=a/b;z=(c)/d;e");
  assert.equal(left(`return /"/.test(a); Deno`), "return.test(a);Deno");
});

Deno.test("blankCommentsAndTexts ends with a source that ends too early", () => {
  for (const source of ['"abc', "`abc", "/* abc", "// abc", "x = /abc", "`${"]) {
    assert.equal(left(source).replace("x=", ""), "");
  }
});
