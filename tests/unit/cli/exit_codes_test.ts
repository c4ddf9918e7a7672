import assert from "node:assert/strict";
import { EXIT_STATUSES, exitCodeFor } from "../../../cli/exit_codes.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";

// By status, the other way round than the table under test, so that a slip in one of them shows.
const BY_STATUS: Readonly<Record<number, readonly ErrorCode[]>> = {
  1: ["cancelled"],
  2: ["usage"],
  3: [
    "handshake_failed",
    "bad_signature",
    "bad_identity",
    "bad_proof",
    "bad_limits",
    "clock_skew",
    "unauthorized",
    "unknown_receiver",
    "receiver_changed",
    "unsupported_version",
    "refused_connection",
    "bad_mac",
    "bad_round",
  ],
  4: ["rejected", "too_large", "bad_name", "limit_exceeded"],
  5: ["busy", "connection_lost", "superseded"],
  6: [
    "bad_record",
    "bad_direction",
    "bad_state",
    "bad_sequence",
    "malformed",
    "unexpected_message",
    "bad_transfer_id",
    "bad_manifest",
    "digest_mismatch",
    "bad_receipt",
  ],
  7: [
    "exists",
    "bad_key_file",
    "bad_trust_file",
    "source_changed",
    "state_corrupt",
    "state_busy",
    "address_in_use",
    "permission",
    "disk",
    "disk_full",
  ],
};

Deno.test("every code has its exit status", () => {
  for (const [status, codes] of Object.entries(BY_STATUS)) {
    for (const code of codes) assert.equal(exitCodeFor(new StxError(code, "x")), Number(status), code);
  }
});

Deno.test("whatever has no code is unexpected", () => {
  for (
    const error of [new Error("x"), new Deno.errors.NotFound("x"), undefined, "usage", { code: "usage" }]
  ) {
    assert.equal(exitCodeFor(error), 1);
  }
});

Deno.test("every status that is given is explained", () => {
  const explained = EXIT_STATUSES.map(({ status }) => status);
  assert.deepEqual(explained, ["0", ...Object.keys(BY_STATUS), "128+n"]);
});
