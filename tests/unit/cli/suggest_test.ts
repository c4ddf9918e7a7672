import assert from "node:assert/strict";
import { nearest } from "../../../cli/suggest.ts";

const COMMANDS = ["send", "recv", "keygen", "completions", "help"];

Deno.test("nearest finds what was meant", () => {
  const cases: [string, string][] = [
    ["snd", "send"], // dropped
    ["sendd", "send"], // inserted
    ["sand", "send"], // changed
    ["esnd", "send"], // swapped
    ["RECV", "recv"],
    ["receive", "recv"],
    ["comp", "completions"], // its beginning
    ["he", "help"],
    ["kegyen", "keygen"],
  ];
  for (const [word, meant] of cases) assert.equal(nearest(word, COMMANDS), meant, word);
});

Deno.test("nearest finds nothing where nothing is near", () => {
  for (const word of ["", "s", "x", "list", "sync", "tcsh", "upload", "seeending", "__proto__"]) {
    assert.equal(nearest(word, COMMANDS), undefined, word);
  }
});

Deno.test("nearest takes the nearest of several", () => {
  assert.equal(nearest("checksun", ["checkout", "checksum"]), "checksum");
});
