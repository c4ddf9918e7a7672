import assert from "node:assert/strict";
import { ERROR_FACTS, type ErrorCode, StxError } from "../../../lib/errors.ts";
import {
  type Alert,
  ALERT_PLACES,
  alertError,
  type AlertPlace,
  ALERTS,
  decodeAlert,
  encodeAlert,
  handshakeAlertFor,
  sessionAlertFor,
} from "../../../lib/wire/alert.ts";

const NAMES = Object.keys(ALERTS) as Alert[];

Deno.test("alerts have the numbers of the specification", () => {
  assert.deepEqual(NAMES.map((name) => encodeAlert(name)[0]), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(NAMES.map((name) => decodeAlert(encodeAlert(name))), NAMES);
});

Deno.test("an alert of a later version counts as the peer's own failure", () => {
  for (const number of [0, 10, 11, 128, 255]) {
    assert.equal(decodeAlert(Uint8Array.of(number)), "internalError");
  }
});

Deno.test("an alert in clear is never more than a refused connection, or a busy peer", () => {
  for (const name of NAMES) {
    assert.equal(alertError(name, false).code, name === "busy" ? "busy" : "refused_connection");
  }
});

Deno.test("a sealed alert says what the peer means, and no peer's word is repeated", () => {
  const codes = NAMES.map((name) => alertError(name, true).code);
  assert.deepEqual(codes, [
    "handshake_failed",
    "busy",
    "unauthorized",
    "clock_skew",
    "unexpected_message",
    "bad_record",
    "connection_lost",
    "connection_lost",
    "superseded",
  ]);
  assert.match(alertError("accessDenied", true).hint!, /authorized_keys/);
  assert.equal(alertError("busy", true).hint, undefined);
  assert.match(
    alertError("internalError", true).message,
    /^The peer failed at its own end \(a file, a disk,/,
  );
});

Deno.test("a sender that ends the handshake has only looked at the receiver's key, as far as one knows", () => {
  const { code, message, hint } = alertError("handshakeFailed", true, "client");
  assert.deepEqual([code, message], [
    "handshake_failed",
    "A sender looked at this receiver's key and left",
  ]);
  assert.match(hint!, /^it asks its user first, or does not accept the key/);
  assert.match(alertError("handshakeFailed", true, "server").message, /^The peer ended the handshake/);
  assert.equal(alertError("accessDenied", true, "client").code, "unauthorized");
  assert.equal(alertError("handshakeFailed", false, "client").code, "refused_connection");
});

Deno.test("a failed handshake tells a verified peer three things at most", () => {
  const tell = (error: unknown) => handshakeAlertFor(error, true);
  assert.equal(tell(new StxError("unauthorized", "")), "accessDenied");
  assert.equal(tell(new StxError("clock_skew", "")), "clockSkew");
  assert.equal(tell(new StxError("busy", "")), "busy");
  for (
    const code of [
      "handshake_failed",
      "bad_signature",
      "bad_identity",
      "bad_proof",
      "bad_limits",
      "malformed",
      "unexpected_message",
      "unknown_receiver",
      "receiver_changed",
      "unsupported_version",
    ] as const
  ) assert.equal(tell(new StxError(code, "")), "handshakeFailed", code);
  assert.equal(tell(new TypeError("a fault")), "internalError");
});

Deno.test("in clear a failed handshake tells nothing but that, or busy", () => {
  const tell = (error: unknown) => handshakeAlertFor(error, false);
  for (
    const code of ["unauthorized", "clock_skew", "malformed", "bad_proof", "unsupported_version"] as const
  ) {
    assert.equal(tell(new StxError(code, "")), "handshakeFailed", code);
  }
  assert.equal(tell(new TypeError("a fault")), "handshakeFailed");
  assert.equal(tell(new StxError("busy", "")), "busy");
});

Deno.test("a failed session tells which kind of failure it was", () => {
  assert.equal(sessionAlertFor("bad_record"), "badRecord");
  assert.equal(sessionAlertFor("bad_sequence"), "badRecord");
  assert.equal(sessionAlertFor("malformed"), "protocolError");
  assert.equal(sessionAlertFor("unexpected_message"), "protocolError");
  assert.equal(sessionAlertFor("bad_manifest"), "protocolError");
  assert.equal(sessionAlertFor("bad_transfer_id"), "protocolError");
  assert.equal(sessionAlertFor("cancelled"), "closing");
  for (const code of ["disk", "disk_full", "permission", "source_changed", "digest_mismatch"] as const) {
    assert.equal(sessionAlertFor(code), "internalError", code);
  }
});

Deno.test("each alert is said where the specification says, and nowhere else", () => {
  const said = new Set<string>();
  const say = (place: AlertPlace, alert: Alert) => {
    assert.ok(ALERT_PLACES[alert].includes(place), `${alert} ${place}`);
    said.add(`${alert} ${place}`);
  };
  for (const code of Object.keys(ERROR_FACTS) as ErrorCode[]) {
    const error = new StxError(code, "");
    say("clear", handshakeAlertFor(error, false));
    say("handshake", handshakeAlertFor(error, true));
    say("session", sessionAlertFor(code));
  }
  // The one that no error leads to: a receiver says it to the older of two connections.
  say("session", "superseded");
  assert.equal(said.size, Object.values(ALERT_PLACES).flat().length);
});
