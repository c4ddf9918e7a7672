"""An open session: messages in both directions, windows, acknowledgements, silence and the end."""

import time
from collections import deque

from alerts import SESSION, alert_in_session, received_alert
from failure import Failure
from fields import Fields, number
from incoming import Incoming
from outgoing import Outgoing
from records import END_OF_NUMBERS, record_bytes
from rotation import check_rotation

ACK, NAK, PING, ALERT, CLOSE, ROTATION = range(1, 7)
OFFER, MANIFEST, WANT_MANIFEST, ACCEPT, REJECT, START, DATA, DURABLE, DIGESTS, END, DONE = range(16, 27)
IN_THE_WINDOW = (MANIFEST, DATA, DIGESTS)

SPARE_RECORDS = 16
LOOK_SECONDS, SILENCE_SECONDS = 20, 60
TURN_SECONDS = 1


class Channel:
    """
    Sends and takes messages over `stream` with the secrets of `session`. Before `open` it sends early records
    and takes nothing.
    """

    def __init__(self, stream, session):
        self._stream = stream
        self._session = session
        self.outgoing = Outgoing(stream, session.suite, session.client_traffic)
        self.incoming = Incoming(stream, session.suite, session.server_traffic)
        self._messages = deque()
        self._is_open = False
        self._has_said_last_word = False
        # The failure that ended the session, and whether it was none but the peer's CLOSE.
        self.ending = None
        self.has_peer_closed = False
        # The peer's old and new key, if it has announced a change of its identity.
        self.rotation = None
        self._come_records = self._come_bytes = 0
        self._has_sent = False
        self._looked = self._heard = 0

    def open(self):
        """READY has come."""
        self._is_open = True
        self._looked = self._heard = time.monotonic()

    def has_room(self, kind, body):
        """Whether this message may be sent at once."""
        outgoing, session = self.outgoing, self._session
        if kind in (ACK, PING):
            return outgoing.kept_records < session.window_records + SPARE_RECORDS
        if kind not in IN_THE_WINDOW or outgoing.kept_records == 0:
            return True
        return (
            outgoing.kept_records + 1 <= session.window_records
            and outgoing.kept_bytes + record_bytes(body) <= session.window_bytes
        )

    def send(self, kind, body=b""):
        """
        Sends a message, waiting for room in the window; what comes in meanwhile is kept for `receive`. If the peer
        has ended the session behind a message that was not taken yet, nothing is sent: that message comes first.
        """
        while self.ending is None and not self.has_room(kind, body):
            self._turn(TURN_SECONDS)
        if self.ending is None:
            self._put(kind, body)
        elif not self._messages:
            raise self.ending

    def receive(self):
        """The next message for the transfer as (kind, body)."""
        while not self._messages:
            if self.ending is not None:
                raise self.ending
            self._turn(TURN_SECONDS)
        return self._messages.popleft()

    def poll(self):
        """A message for the transfer that has come already, or None."""
        self._turn(0)
        return self._messages.popleft() if self._messages else None

    def wait_for_acknowledgement(self):
        """Waits until the peer has acknowledged all that was sent; a PING makes it answer."""
        self.send(PING)
        number_to_come = self.outgoing.next
        while self.outgoing.acknowledged < number_to_come:
            if self.ending is not None:
                raise self.ending
            self._turn(TURN_SECONDS)

    def close(self):
        """Sends CLOSE and waits for the peer's; returns whether it came."""
        if self.ending is None:
            self._put(CLOSE, b"")
            self._stream.say_goodbye()
            self._turn(0)
        return self.has_peer_closed

    def fail(self, failure):
        """Tells the peer why this end gives up, if it is to be told."""
        alert = alert_in_session(failure)
        if alert is not None and not self._has_said_last_word and self.outgoing.next < END_OF_NUMBERS:
            self._put(ALERT, bytes([alert]))
            self._stream.say_goodbye()

    def _put(self, kind, body):
        if self._has_said_last_word:
            return
        self.outgoing.put(bytes([kind]) + number(self.incoming.expected, 4) + body)
        self._come_records = self._come_bytes = 0
        self._has_sent = True
        self._has_said_last_word = kind in (ALERT, CLOSE)

    def _turn(self, seconds):
        """Takes what has come, or waits for more, and does what is due; notes how the session ends."""
        try:
            if not self._take_records():
                self._stream.turn(seconds)
                self._take_records()
            if self.has_peer_closed and self._stream.incoming:
                raise Failure("unexpected_message", "there is something behind CLOSE")
            if self._stream.has_ended and self.ending is None:
                raise Failure("connection_lost", "the connection ended without CLOSE")
            if self.ending is None:
                self._watch_times()
            if self._is_acknowledgement_due() and self.has_room(ACK, b""):
                self._put(ACK, b"")
        except Failure as failure:
            if self.ending is None or self.has_peer_closed:
                self.has_peer_closed = False
                self.ending = failure
                self.fail(failure)

    def _take_records(self):
        """Takes every record that is whole; returns whether there was one."""
        has_taken = False
        while self._is_open and self.ending is None:
            taken = self.incoming.take(lambda wanted: self._put(NAK, number(wanted, 4)))
            if taken is None:
                break
            has_taken = True
            self._do(*taken)
        return has_taken

    def _do(self, plaintext, size):
        """What a record that has been opened asks for."""
        kind, body = plaintext[0], Fields(plaintext[5:])
        self.outgoing.acknowledge(int.from_bytes(plaintext[1:5], "big"))
        if kind >= OFFER:
            if kind > DONE:
                raise Failure("malformed", f"there is no message of type {kind}")
            self._come_records += 1
            self._come_bytes += size
            self._messages.append((kind, body))
            return
        if kind == NAK:
            self.outgoing.repeat(body.number(4))
        elif kind == ALERT:
            alert = body.number(1)
            body.end()
            raise received_alert(alert, SESSION)
        elif kind == ROTATION:
            if self.rotation is not None:
                raise Failure("unexpected_message", "a second change of identity came")
            self.rotation = check_rotation(body, self._session.server_key)
        elif kind not in (ACK, PING, CLOSE):
            raise Failure("malformed", f"there is no message of type {kind}")
        body.end()
        if kind == PING:
            self._put(ACK, b"")
        if kind == CLOSE:
            self.has_peer_closed = True
            self.ending = Failure("connection_lost", "the peer closed the session")

    def _is_acknowledgement_due(self):
        session = self._session
        return (
            self._come_records * 4 >= session.window_records or self._come_bytes * 4 >= session.window_bytes
        )

    def _watch_times(self):
        now, last_read = time.monotonic(), max(self._stream.last_read, self._heard)
        if now - last_read >= SILENCE_SECONDS:
            raise Failure("connection_lost", "the peer is silent")
        self.incoming.watch_times(last_read)
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            if not self._has_sent and self.has_room(PING, b""):
                self._put(PING, b"")
            self._has_sent = False
