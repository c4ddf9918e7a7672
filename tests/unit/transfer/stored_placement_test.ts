import assert from "node:assert/strict";
import { storedPlacement, wholePlacement } from "../../../lib/transfer/stored_placement.ts";
import { entry } from "../files/tree.ts";

Deno.test("names that stay as they are sent are not written, and are there again when they are read", () => {
  const entries = [entry("a", 1), entry("d"), entry("d/b", 1), entry("__proto__", 1), entry("toString", 1)];
  const names = (text: string) => JSON.parse(text) as Record<string, string>;
  const topNames = names(`{"a":"a","d":"d-1","__proto__":"__proto__","toString":"toString"}`);
  const stored = storedPlacement({ topNames, conflict: "rename" });
  assert.deepEqual(stored, { topNames: { d: "d-1" }, conflict: "rename" });
  const whole = wholePlacement(stored, entries);
  assert.equal(whole.conflict, "rename");
  assert.deepEqual(Object.entries(whole.topNames), Object.entries(topNames));
  // As an older stx has written it.
  assert.deepEqual(wholePlacement({ topNames, conflict: "rename" }, entries), whole);
  const odd = storedPlacement({ topNames: names(`{"__proto__":"a"}`), conflict: "rename" });
  assert.deepEqual(Object.entries(wholePlacement(odd, entries).topNames)[2], ["__proto__", "a"]);
});
