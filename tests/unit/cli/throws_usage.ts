import assert from "node:assert/strict";
import { StxError } from "../../../lib/errors.ts";

/** Asserts that `action` throws `usage` with this message, and with this hint if one is given. */
export function throwsUsage(action: () => unknown, message: string | RegExp, hint?: string | RegExp): void {
  assert.throws(action, (error) => {
    assert(error instanceof StxError);
    assert.equal(error.code, "usage");
    matches(error.message, message);
    if (hint !== undefined) matches(error.hint ?? "", hint);
    return true;
  });
}

function matches(text: string, expected: string | RegExp): void {
  if (typeof expected === "string") assert.equal(text, expected);
  else assert.match(text, expected);
}
