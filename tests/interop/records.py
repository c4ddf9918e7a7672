"""Section "Records": both directions of an open session, with windows, acknowledgements and repetitions."""

import time
import zlib
from collections import deque
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from failure import Failure
from handshake import ALERTS, alert_failure
from key_schedule import TrafficKey

ACK, NAK, PING, ALERT_MESSAGE, CLOSE = 1, 2, 3, 4, 5
FIRST_OF_TRANSFER = 16

HEADER_BYTES, TAG_BYTES, CRC_BYTES = 8, 16, 4
PREFIX_BYTES = 5
MAX_RECORD_BYTES = 1 << 20
GENERATION_BITS = 16
END_OF_NUMBERS = 2**32 - 2**16
SPARE_RECORDS = 16

NAKS_A_NUMBER, NAKS_A_SESSION = 3, 64
SEARCH_SECONDS = 5
RECORD_SECONDS, BYTE_SECONDS, SILENCE_SECONDS = 180, 15, 60
PING_SECONDS = 20
LAST_WORDS_SECONDS, LAST_WORDS_BYTES = 2, 1 << 20


@dataclass
class Noise:
    """Bits to flip, as a noisy line would: in the numbered record once, sent or received."""

    sent: int = None
    received: int = None


class Direction:
    """The keys of one direction; generations come one after the other and the old one is forgotten."""

    def __init__(self, suite, secret):
        self._key = TrafficKey(suite, secret)
        self._generation = 0

    def key(self, sequence):
        while self._generation < sequence >> GENERATION_BITS:
            self._key = self._key.next_generation()
            self._generation += 1
        return self._key


def crc_of(data):
    return zlib.crc32(data).to_bytes(CRC_BYTES, "big")


class Records:
    """Sends and takes messages over `stream` with the secrets of `session`."""

    def __init__(self, stream, session, noise=None):
        self._stream = stream
        self._session = session
        self._noise = noise or Noise()
        self._now = time.monotonic
        self._is_open = False
        self._ending = None

        self._out = Direction(session.suite, session.client_traffic)
        self._next = 0
        self._unacknowledged = deque()
        self._unacknowledged_bytes = 0
        self._acknowledged = 0
        self._last_sent = self._now()
        self._has_closed = False

        self._in = Direction(session.suite, session.server_traffic)
        self._expected = 0
        self._messages = deque()
        # How many records were sent again, and how many were asked for.
        self.repeated = self.asked = 0
        self._to_acknowledge_records = 0
        self._to_acknowledge_bytes = 0
        self._record_since = None
        self._search_since = None
        self._passed_over_bytes = 0
        self._naks = {}
        self._repeats_from = None
        self._taken_bytes = 0
        self._last_heard = self._now()

    @property
    def sent(self):
        """How many records have been sent."""
        return self._next

    def open(self):
        """From now on records are taken from the stream: READY has come."""
        self._is_open = True
        self._last_heard = self._now()

    def has_room(self, body):
        """Whether a message for the transfer with this body may be sent now."""
        return self._has_room(FIRST_OF_TRANSFER, HEADER_BYTES + PREFIX_BYTES + len(body) + TAG_BYTES + CRC_BYTES)

    def send(self, kind, body=b""):
        """
        Sends a message, waiting for room in the window; what comes in meanwhile is kept for `receive`. If the peer
        has ended the session behind a message that was not read yet, nothing is sent: that message comes first.
        """
        size = HEADER_BYTES + PREFIX_BYTES + len(body) + TAG_BYTES + CRC_BYTES
        while self._ending is None and not self._has_room(kind, size):
            self._turn(1)
        if self._ending is None:
            self._put(kind, body)
        elif not self._messages:
            raise self._ending

    def receive(self):
        """The next message for the transfer as (kind, body)."""
        while not self._messages:
            if self._ending is not None:
                raise self._ending
            self._turn(1)
        return self._messages.popleft()

    def poll(self):
        """A message for the transfer that has come already, or None."""
        self._turn(0)
        return self._messages.popleft() if self._messages else None

    def wait_for_acknowledgement(self):
        """Waits until the peer has acknowledged all that was sent; a PING makes it answer."""
        self.send(PING)
        number = self._next
        while self._acknowledged < number:
            if self._ending is not None:
                raise self._ending
            self._turn(1)

    def close(self):
        """Sends CLOSE and reads the peer's last words; returns whether CLOSE was among them."""
        if self._ending is None:
            self._put(CLOSE, b"")
            self._has_closed = True
        deadline, most = self._now() + LAST_WORDS_SECONDS, self._taken_bytes + LAST_WORDS_BYTES
        while self._ending is None and self._now() < deadline and self._taken_bytes < most:
            self._turn(deadline - self._now())
        return self._ending is not None and self._ending.code == "closed"

    def alert(self, code):
        """Says why this side ends, as its last record."""
        if not self._has_closed:
            self._put(ALERT_MESSAGE, bytes([code]))
            self._has_closed = True
            self._stream.flush(self._now() + LAST_WORDS_SECONDS)

    def _has_room(self, kind, size):
        records, limit = len(self._unacknowledged), self._session.window_records
        if kind in (ACK, NAK, PING):
            return records < limit + SPARE_RECORDS
        return records == 0 or (
            records < limit and self._unacknowledged_bytes + size <= self._session.window_bytes
        )

    def _put(self, kind, body):
        """Seals a record, keeps its bytes and sends them."""
        sequence = self._next
        if sequence >= END_OF_NUMBERS:
            raise Failure("connection_lost", "the direction has no numbers left")
        plaintext = bytes([kind]) + self._expected.to_bytes(4, "big") + body
        header = sequence.to_bytes(4, "big") + len(plaintext).to_bytes(4, "big")
        record = header + self._out.key(sequence).seal(sequence, plaintext, header)
        record += crc_of(record)
        self._next += 1
        self._unacknowledged.append(record)
        self._unacknowledged_bytes += len(record)
        self._to_acknowledge_records = self._to_acknowledge_bytes = 0
        self._send_bytes(sequence, record)

    def _send_bytes(self, sequence, record):
        if self._noise.sent == sequence:
            self._noise.sent = None
            damaged = bytearray(record)
            damaged[-7] ^= 0x10
            record = damaged
        self._stream.write(record)
        self._last_sent = self._now()

    def _turn(self, seconds):
        """Takes the records that are whole, or waits for more, and does what is due; notes how the session ends."""
        try:
            if not self._take_records():
                self._stream.turn(min(seconds, 1))
                self._take_records()
                self._watch_times()
            if self._is_acknowledgement_due() and self._has_room(ACK, 0) and not self._has_closed:
                self._put(ACK, b"")
        except Failure as failure:
            self._ending = failure

    def _is_acknowledgement_due(self):
        return (
            self._to_acknowledge_records >= self._session.window_records // 4
            or self._to_acknowledge_bytes >= self._session.window_bytes // 4
        )

    def _watch_times(self):
        now, heard = self._now(), max(self._stream.last_read, self._last_heard)
        if self._stream.has_ended:
            raise Failure("cut", "the connection ended without CLOSE")
        if now - heard > SILENCE_SECONDS:
            raise Failure("timeout", "the peer is silent")
        if self._record_since is not None:
            if now - self._record_since > RECORD_SECONDS or now - heard > BYTE_SECONDS:
                raise Failure("timeout", "a record does not become whole")
        if self._search_since is not None and now - self._search_since > SEARCH_SECONDS:
            raise Failure("too_noisy", "the record that was asked for does not come")
        if now - self._last_sent > PING_SECONDS and self._has_room(PING, 0) and not self._has_closed:
            self._put(PING, b"")

    def _take_records(self):
        """Takes every record that is whole; returns whether there was one."""
        has_taken = False
        while self._is_open and self._ending is None:
            taken = self._take_record() if self._search_since is None else self._search()
            if not taken:
                break
            has_taken = True
        return has_taken

    def _take_record(self):
        """One record in the order of checks of rule 6; False if it is not whole yet."""
        incoming = self._stream.incoming
        self._record_since = (self._record_since or self._now()) if incoming else None
        if len(incoming) < HEADER_BYTES:
            return False
        size = self._size_at(0)
        if size is None:
            raise Failure("bad_record", "a record's size is out of bounds")
        whole = HEADER_BYTES + size + TAG_BYTES + CRC_BYTES
        if len(incoming) < whole:
            return False
        self._record_since = None
        record = bytes(incoming[:whole])
        sequence = int.from_bytes(record[:4], "big")
        if self._noise.received == sequence:
            self._noise.received = None
            record = record[:-1] + bytes([record[-1] ^ 1])
        if record[-CRC_BYTES:] != crc_of(record[:-CRC_BYTES]):
            self._ask_again()
            self._pass_over(1)
            return True
        self._drop(whole)
        if sequence != self._expected:
            if self._repeats_from is not None and self._repeats_from <= sequence < self._expected:
                return True
            self.alert(5)
            raise Failure("bad_sequence", f"record {sequence} came, {self._expected} was expected")
        self._accept(record)
        return True

    def _search(self):
        """Rule 8: passes over what is not the record that was asked for; False if more has to come in first."""
        incoming = self._stream.incoming
        number = self._expected.to_bytes(4, "big")
        at = incoming.find(number)
        if at < 0:
            self._pass_over(max(len(incoming) - 3, 0))
            return False
        self._pass_over(at)
        if len(incoming) < HEADER_BYTES:
            return False
        size = self._size_at(0)
        if size is None:
            self._pass_over(1)
            return True
        whole = HEADER_BYTES + size + TAG_BYTES + CRC_BYTES
        if len(incoming) < whole:
            return False
        record = bytes(incoming[:whole])
        if record[-CRC_BYTES:] != crc_of(record[:-CRC_BYTES]):
            self._pass_over(1)
            self._ask_again()
            return True
        self._search_since = None
        self._drop(whole)
        self._accept(record)
        return True

    def _size_at(self, at):
        size = int.from_bytes(self._stream.incoming[at + 4:at + 8], "big")
        return size if PREFIX_BYTES <= size <= MAX_RECORD_BYTES else None

    def _drop(self, size):
        del self._stream.incoming[:size]
        self._taken_bytes += size

    def _pass_over(self, size):
        self._drop(size)
        self._passed_over_bytes += size
        if self._passed_over_bytes > 2 * self._session.window_bytes:
            raise Failure("too_noisy", "too much was passed over")

    def _ask_again(self):
        """NAKs the expected number, within the limits of rule 10."""
        count = self._naks[self._expected] = self._naks.get(self._expected, 0) + 1
        if count > NAKS_A_NUMBER or sum(self._naks.values()) > NAKS_A_SESSION:
            raise Failure("too_noisy", "the line is too noisy")
        if count > 1:
            self._repeats_from = self._expected
        if self._search_since is None:
            self._search_since = self._now()
            self._passed_over_bytes = 0
        self.asked += 1
        if not self._has_closed:
            self._put(NAK, self._expected.to_bytes(4, "big"))

    def _accept(self, record):
        """Opens a record with a good CRC and the expected number, and does what it says."""
        header, sealed = record[:HEADER_BYTES], record[HEADER_BYTES:-CRC_BYTES]
        try:
            plaintext = self._in.key(self._expected).open(self._expected, sealed, header)
        except InvalidTag:
            self.alert(6)
            raise Failure("bad_record", "a record has a good CRC and a bad tag") from None
        self._expected += 1
        self._to_acknowledge_records += 1
        self._to_acknowledge_bytes += len(record)
        kind, body = plaintext[0], plaintext[PREFIX_BYTES:]
        self._acknowledge(int.from_bytes(plaintext[1:PREFIX_BYTES], "big"))
        if kind in (ACK, PING, CLOSE) and body:
            raise Failure("protocol_error", f"a message of type {kind} has a body")
        if kind == PING and not self._has_closed:
            self._put(ACK, b"")
        elif kind == NAK:
            self._repeat(body)
        elif kind == ALERT_MESSAGE:
            if len(body) != 1 or body[0] not in ALERTS:
                raise Failure("protocol_error", "an alert that there is not")
            raise alert_failure(body[0], is_sealed=True)
        elif kind == CLOSE:
            raise Failure("closed", "the peer closed the session")
        elif kind >= FIRST_OF_TRANSFER:
            self._messages.append((kind, body))
        elif kind not in (ACK, PING):
            raise Failure("protocol_error", f"a message of type {kind}, which there is not")

    def _acknowledge(self, number):
        if number > self._next:
            raise Failure("protocol_error", "the peer acknowledges what was not sent")
        while self._acknowledged < number:
            self._unacknowledged_bytes -= len(self._unacknowledged.popleft())
            self._acknowledged += 1

    def _repeat(self, body):
        """Answers a NAK with the very bytes that were sent before."""
        number = int.from_bytes(body, "big")
        if len(body) != 4 or not self._acknowledged <= number <= self._next:
            raise Failure("protocol_error", "the peer asks for a record that is not kept")
        self._acknowledge(number)
        for sequence, record in enumerate(self._unacknowledged, number):
            self._send_bytes(sequence, record)
            self.repeated += 1
