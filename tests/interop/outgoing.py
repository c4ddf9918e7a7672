"""The direction in which this end sends: what is under way, and what is sent again."""

from collections import deque

from failure import Failure
from records import END_OF_NUMBERS, DirectionKeys

NAKS_A_NUMBER, NAKS_A_SESSION = 3, 64


class Outgoing:
    """Seals records, writes them to `stream` and keeps their bytes until they are acknowledged."""

    def __init__(self, stream, suite, secret):
        self._stream = stream
        self._keys = DirectionKeys(suite, secret)
        self._kept = deque()
        self._naks = 0
        self._naks_in_a_row = 0
        self._asked_number = None
        self.kept_bytes = 0
        self.acknowledged = 0
        self.next = 0
        # How many records were sent again.
        self.repeated = 0
        # Numbers of records in which to flip a bit, each once for every time that it stands here.
        self.damaged_numbers = []

    @property
    def kept_records(self):
        return len(self._kept)

    def put(self, plaintext):
        """Sends a new record."""
        if self.next >= END_OF_NUMBERS:
            raise Failure("connection_lost", "there are no numbers left")
        record = self._keys.seal(self.next, plaintext)
        self._kept.append(record)
        self.kept_bytes += len(record)
        self._write(self.next, record)
        self.next += 1

    def acknowledge(self, number):
        """The peer expects this number; one that is lower than before says nothing."""
        if number > self.next:
            raise Failure("malformed", "the peer acknowledges what was not sent")
        while self.acknowledged < number:
            self.kept_bytes -= len(self._kept.popleft())
            self.acknowledged += 1

    def repeat(self, number):
        """Answers NAK with the very bytes that were sent before."""
        if not self.acknowledged <= number <= self.next:
            raise Failure("malformed", "the peer asks for a record that is not kept")
        self._naks += 1
        self._naks_in_a_row = self._naks_in_a_row + 1 if number == self._asked_number else 1
        self._asked_number = number
        if self._naks_in_a_row > NAKS_A_NUMBER or self._naks > NAKS_A_SESSION:
            raise Failure("connection_lost", "the line is too noisy")
        self.acknowledge(number)
        for sequence, record in enumerate(self._kept, number):
            self._write(sequence, record)
            self.repeated += 1

    def _write(self, sequence, record):
        if sequence in self.damaged_numbers:
            self.damaged_numbers.remove(sequence)
            record = record[:-7] + bytes([record[-7] ^ 0x10]) + record[-6:]
        self._stream.write(record)
