import assert from "node:assert/strict";
import { quoted } from "../../../lib/bytes/shell_word.ts";

Deno.test("a path is one word to a shell, and acts on no terminal", () => {
  assert.equal(quoted("~/.config/stx/id-1_a+b@c%.pub"), "~/.config/stx/id-1_a+b@c%.pub");
  assert.equal(quoted("~root"), "'~root'");
  assert.equal(quoted("my key"), "'my key'");
  assert.equal(quoted("it's;rm"), "'it'\\''s;rm'");
  assert.equal(quoted("a\x1b[2J"), "'a\\x1b[2J'");
});
