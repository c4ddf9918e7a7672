import assert from "node:assert/strict";
import { escapeControls, hasControls } from "../../../lib/bytes/escape.ts";

Deno.test("escapeControls leaves ordinary text alone", () => {
  for (const text of ["", "report.pdf", "a\\x1b", "été 中文 👩‍👩‍👧 \u{10ffff}", "\ufffd\u200b"]) {
    assert.equal(escapeControls(text), text);
    assert.equal(hasControls(text), false);
  }
});

Deno.test("escapeControls makes every control character visible", () => {
  for (let code = 0; code < 0x100; code++) {
    const character = String.fromCharCode(code);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    assert.equal(hasControls(character), isControl, code.toString(16));
    const expected = isControl ? `\\x${code.toString(16).padStart(2, "0")}` : character;
    assert.equal(escapeControls(character), expected);
  }
  assert.equal(escapeControls("\x1b]0;owned\x07\r\n"), "\\x1b]0;owned\\x07\\x0d\\x0a");
});

Deno.test("escapeControls makes bidirectional controls and line separators visible", () => {
  const codes = [0x61c, 0x200e, 0x200f, 0x2028, 0x2029];
  for (let code = 0x202a; code <= 0x202e; code++) codes.push(code);
  for (let code = 0x2066; code <= 0x2069; code++) codes.push(code);
  for (const code of codes) {
    const character = String.fromCharCode(code);
    assert.equal(hasControls(character), true, code.toString(16));
    assert.equal(
      escapeControls(`a${character}b${character}`),
      `a\\u{${code.toString(16)}}b\\u{${code.toString(16)}}`,
    );
  }
});

Deno.test("escapeControls makes lone surrogates visible and keeps pairs", () => {
  assert.equal(escapeControls("\ud800"), "\\u{d800}");
  assert.equal(escapeControls("a\udfff!"), "a\\u{dfff}!");
  assert.equal(escapeControls("\udc00\ud800"), "\\u{dc00}\\u{d800}");
  assert.equal(escapeControls("\u{1f600}"), "\u{1f600}");
});
