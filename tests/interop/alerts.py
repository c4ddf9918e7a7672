"""Sections "Alerts and endings" and "Errors": what a number means to its receiver, and what an error sends."""

from failure import Failure

HANDSHAKE_FAILED, BUSY, ACCESS_DENIED, CLOCK_SKEW, PROTOCOL_ERROR = 1, 2, 3, 4, 5
BAD_RECORD, CLOSING, INTERNAL_ERROR, SUPERSEDED = 6, 7, 8, 9

CLEAR, SEALED, SESSION = "in clear", "sealed, in the handshake", "in the session"

# What whoever gets a sealed alert calls it, in the handshake or in the session.
RECEIVED_SEALED = {
    HANDSHAKE_FAILED: "handshake_failed",
    BUSY: "busy",
    ACCESS_DENIED: "unauthorized",
    CLOCK_SKEW: "clock_skew",
    PROTOCOL_ERROR: "unexpected_message",
    BAD_RECORD: "bad_record",
    CLOSING: "connection_lost",
    INTERNAL_ERROR: "connection_lost",
    SUPERSEDED: "superseded",
}

# By error: what its peer is told in a session; of most errors that they are internal.
SENT_IN_SESSION = {
    "malformed": PROTOCOL_ERROR,
    "unexpected_message": PROTOCOL_ERROR,
    "bad_identity": PROTOCOL_ERROR,
    "bad_signature": PROTOCOL_ERROR,
    "bad_record": BAD_RECORD,
    "bad_sequence": BAD_RECORD,
    "cancelled": CLOSING,
    "connection_lost": None,
}


def received_alert(number, place):
    """The failure that an alert is. A number that is not known counts as an internal error."""
    if place == CLEAR:
        code = "busy" if number == BUSY else "refused_connection"
    else:
        code = RECEIVED_SEALED.get(number, RECEIVED_SEALED[INTERNAL_ERROR])
    return Failure(code, f"the peer ended it with alert {number}, {place}", alert=number, place=place)


def alert_in_handshake(failure):
    """The number to tell the peer, sealed, or None; in clear it is 1 in place of any number but 2."""
    if "alert" in failure.details or failure.code == "connection_lost":
        return None
    return CLOCK_SKEW if failure.code == "clock_skew" else HANDSHAKE_FAILED


def alert_in_session(failure):
    """
    The number to tell the peer, or None. Who was told to stop says nothing, but for an alert in clear: it may be
    forged, so the peer learns of it.
    """
    if failure.details.get("place", CLEAR) != CLEAR:
        return None
    return SENT_IN_SESSION.get(failure.code, INTERNAL_ERROR)
