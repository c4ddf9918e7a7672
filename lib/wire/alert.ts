/**
 * Alerts: the one byte in which an end tells its peer why it stops. It says as little as possible; the precise
 * cause stays in the local log.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { codeOf, type ErrorCode, StxError } from "../errors.ts";

/** The number of each alert. */
export const ALERTS = {
  /** The handshake failed, in any way that has no alert of its own. */
  handshakeFailed: 1,
  /** The server has no room now; try again later. */
  busy: 2,
  /** The server has verified the client and does not accept it. */
  accessDenied: 3,
  /** Both ends have proved who they are, and their clocks differ too much. */
  clockSkew: 4,
  /** A message came that cannot be read, or that may not come, or not now. */
  protocolError: 5,
  /** An intact record failed authentication, or had another number than the next. */
  badRecord: 6,
  /** Whoever says so was asked to stop. */
  closing: 7,
  /** Whoever says so failed by itself, on its disk for example, or ends the session for a reason without an alert. */
  internalError: 8,
  /** A newer connection works on the same transfer. */
  superseded: 9,
} as const;

/** An alert's name. */
export type Alert = keyof typeof ALERTS;

/** Where an alert is said: in clear, sealed in place of a handshake message, or as a message of a session. */
export type AlertPlace = "clear" | "handshake" | "session";

/** Where each alert is said, as {@link handshakeAlertFor}, {@link sessionAlertFor} and whoever ends a session say it. */
export const ALERT_PLACES: Readonly<Record<Alert, readonly AlertPlace[]>> = {
  handshakeFailed: ["clear", "handshake"],
  busy: ["clear", "handshake"],
  accessDenied: ["handshake"],
  clockSkew: ["handshake"],
  protocolError: ["session"],
  badRecord: ["session"],
  closing: ["session"],
  internalError: ["handshake", "session"],
  superseded: ["session"],
};

const ALERT_NAMES = new Map<number, Alert>(
  Object.entries(ALERTS).map(([name, number]) => [number, name as Alert] as const),
);

/** An alert's body: one byte. */
export function encodeAlert(alert: Alert): Bytes {
  return Uint8Array.of(ALERTS[alert]);
}

/** Reads an alert's body; throws `malformed`. An alert of a later version counts as `internalError`. */
export function decodeAlert(body: Bytes): Alert {
  if (body.length !== 1) {
    throw new StxError("malformed", `Cannot read an alert: it has ${body.length} bytes, expected 1`);
  }
  return ALERT_NAMES.get(body[0]!) ?? "internalError";
}

const HANDSHAKE_ALERTS: Partial<Record<ErrorCode, Alert>> = {
  busy: "busy",
  unauthorized: "accessDenied",
  clock_skew: "clockSkew",
  // A failure of this machine is no judgement of the peer, which may try again.
  disk: "internalError",
  disk_full: "internalError",
  permission: "internalError",
  state_busy: "internalError",
  state_corrupt: "internalError",
  bad_key_file: "internalError",
  bad_trust_file: "internalError",
};

/**
 * What a peer whose handshake failed is told. In clear, where everybody reads along, there is nothing but
 * `handshakeFailed` and `busy`.
 */
export function handshakeAlertFor(error: unknown, sealed: boolean): Alert {
  const code = codeOf(error);
  const alert = code === undefined ? "internalError" : HANDSHAKE_ALERTS[code] ?? "handshakeFailed";
  return sealed || alert === "busy" ? alert : "handshakeFailed";
}

const SESSION_ALERTS: Partial<Record<ErrorCode, Alert>> = {
  bad_record: "badRecord",
  bad_sequence: "badRecord",
  malformed: "protocolError",
  unexpected_message: "protocolError",
  // Of a ROTATION.
  bad_signature: "protocolError",
  bad_identity: "protocolError",
  bad_manifest: "protocolError",
  bad_transfer_id: "protocolError",
  cancelled: "closing",
};

/** What the peer of an open session is told. */
export function sessionAlertFor(code: ErrorCode): Alert {
  return SESSION_ALERTS[code] ?? "internalError";
}

const MEANINGS: Readonly<Record<Alert, readonly [ErrorCode, string, string?]>> = {
  handshakeFailed: ["handshake_failed", "The peer ended the handshake", "its own log says why"],
  busy: ["busy", "The receiver is busy with other connections"],
  accessDenied: [
    "unauthorized",
    "The receiver does not accept this sender",
    "add this sender's public key to the receiver's authorized_keys",
  ],
  clockSkew: [
    "clock_skew",
    "The peer's clock and this one differ too much",
    "set the clocks of both machines",
  ],
  protocolError: ["unexpected_message", "The peer could not make sense of a message"],
  badRecord: ["bad_record", "The peer got a record that somebody had changed on the way"],
  closing: ["connection_lost", "The peer is closing the connection"],
  internalError: [
    "connection_lost",
    "The peer failed at its own end (a file, a disk, or its output)",
    "its own log says why",
  ],
  superseded: [
    "superseded",
    "Another stx send works on the same transfer",
    "let that one finish, or stop it and send again",
  ],
};

/**
 * The error that an alert from the peer amounts to. One that was not sealed may come from anybody: it is
 * `refused_connection` (or `busy`), which never ends a transfer alone.
 * @param from which end of the handshake has said it, where it was said in one
 */
export function alertError(alert: Alert, sealed: boolean, from?: "client" | "server"): StxError {
  if (!sealed && alert !== "busy") {
    return new StxError(
      "refused_connection",
      "The handshake was ended by an alert in clear, which anybody on the way could have sent",
      { hint: "if it was the peer, its own log says why: another shared key, or another --auth, perhaps" },
    );
  }
  if (alert === "handshakeFailed" && from === "client") {
    // It can seal one only once it has opened WELCOME, so that it is who signed WELCOME that it does not go on with.
    return new StxError("handshake_failed", "A sender looked at this receiver's key and left", {
      hint: "it asks its user first, or does not accept the key: its own log says which",
    });
  }
  const [code, message, hint] = MEANINGS[alert];
  return new StxError(code, message, hint === undefined ? {} : { hint });
}
