import assert from "node:assert/strict";
import { finalError, type SendingFacts, whenAgain } from "../../../cli/final_error.ts";
import { StxError } from "../../../lib/errors.ts";
import { parsePublicKeyLine } from "../../../lib/identity/public_key.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const { publicKey } = parsePublicKeyLine(KEY);
const LOST = new StxError("connection_lost", "Cannot connect: refused", { hint: "check the address" });

/** The end of a sending that was tried for 3 s, of 133 MiB, of which 46 are there. */
function endOf(error: unknown, facts: Partial<SendingFacts> = {}): unknown {
  const MIB = 1024 ** 2;
  return finalError(error, {
    publicKey,
    triedForMs: 3_000,
    keptBytes: 46 * MIB,
    sizeBytes: 133 * MIB,
    ...facts,
  });
}

Deno.test("who gives up says how long it tried, how much has arrived, and how to go on", () => {
  for (const code of ["connection_lost", "busy"] as const) {
    const error = endOf(new StxError(code, LOST.message, { hint: LOST.hint! })) as StxError;
    assert.equal(error.code, code);
    assert.equal(error.message, "Cannot connect: refused; gave up after 3.0s without progress");
    assert.equal(error.hint, "46.0 MiB of 133.0 MiB have arrived: the same command continues");
  }
});

Deno.test("where nothing has arrived, or it cannot be continued, the first hint stays", () => {
  for (const facts of [{ keptBytes: 0 }, { sizeBytes: null }]) {
    assert.equal((endOf(LOST, facts) as StxError).hint, "check the address");
  }
  const first = endOf(LOST, { keptBytes: 0, triedForMs: 0 }) as StxError;
  assert.deepEqual([first.message, first.hint], [LOST.message, LOST.hint]);
});

Deno.test("a sender that is not taken is told what to run there", () => {
  const error = endOf(new StxError("unauthorized", "Not taken", { hint: "add it" })) as StxError;
  assert.deepEqual([error.code, error.message], ["unauthorized", "Not taken"]);
  assert.equal(error.hint, `add it; there, that is: stx keys trust "${KEY}"`);
});

Deno.test("all else stays as it is", () => {
  for (const error of [new StxError("rejected", "No"), new StxError("malformed", "Bad"), new Error("x"), 1]) {
    assert.equal(endOf(error), error);
  }
});

Deno.test("no time is no time", () => {
  assert.deepEqual([0, 49, 50, 440, 65_000].map(whenAgain), [
    "at once",
    "at once",
    "in 0.1s",
    "in 0.4s",
    "in 1m05s",
  ]);
});
