import assert from "node:assert/strict";
import { StxError } from "../../../lib/errors.ts";
import { errorOf, keptError, rejectionFor } from "../../../lib/transfer/rejection.ts";
import { REJECT_REASONS, type RejectReason } from "../../../lib/wire/message.ts";

Deno.test("a sender is told its own faults in the receiver's words", () => {
  assert.deepEqual(rejectionFor(new StxError("bad_name", "why")), { reason: "name", text: "why" });
  assert.deepEqual(rejectionFor(new StxError("exists", "why")), { reason: "exists", text: "why" });
  assert.deepEqual(rejectionFor(new StxError("too_large", "why")), { reason: "quota", text: "why" });
  assert.deepEqual(rejectionFor(new StxError("digest_mismatch", "why")), {
    reason: "integrity",
    text: "why",
  });
});

Deno.test("a sender is not told what the receiver's machine is like", () => {
  for (const code of ["permission", "disk", "state_busy", "state_corrupt"] as const) {
    assert.deepEqual(rejectionFor(new StxError(code, "/secret")), {
      reason: "local",
      text: "the receiver cannot write; its own log says why",
    });
  }
  assert.deepEqual(rejectionFor(new StxError("disk_full", "/secret")), {
    reason: "space",
    text: "the receiver's disk is full",
  });
});

Deno.test("what is no matter of the transfer is no refusal", () => {
  for (
    const error of [new StxError("connection_lost", "x"), new StxError("cancelled", "x"), new Error("x")]
  ) {
    assert.equal(rejectionFor(error), undefined);
  }
});

Deno.test("a refusal is that to the sender, and damage is damage", () => {
  for (const reason of Object.keys(REJECT_REASONS) as RejectReason[]) {
    const error = errorOf({ reason, text: "too much" });
    assert.equal(error.code, reason === "integrity" ? "digest_mismatch" : "rejected");
    assert.equal(error.message, `The receiver refused (${reason}): too much`);
  }
});

Deno.test("a sender that is refused hears what it can do", () => {
  const hintOf = (reason: RejectReason) => errorOf({ reason, text: "no" }).hint;
  assert.match(hintOf("exists")!, /--name, .* --on-conflict/);
  assert.match(hintOf("name")!, /--name; .* --allow-dotfiles/);
  assert.match(hintOf("space")!, /the same command continues/);
  // The receiver's text says it.
  for (const reason of ["policy", "quota", "local", "integrity"] as const) {
    assert.equal(hintOf(reason), undefined);
  }
});

Deno.test("files that were kept in place of those that were sent are named and counted", () => {
  const { code, message } = keptError(1, "a\x1b");
  assert.equal(code, "exists");
  assert.match(
    message,
    /^"a\\x1b" was kept as it is \(--on-conflict skip\): .*already there.*not compared; all others/,
  );
  assert.match(
    keptError(3, "d/a").message,
    /^"d\/a" and 2 more were kept as they are \(--on-conflict skip\): /,
  );
});
