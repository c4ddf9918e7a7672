"""The direction in which the peer sends: the next record, through line noise."""

import time

from cryptography.exceptions import InvalidTag

from failure import Failure
from fields import number
from outgoing import NAKS_A_SESSION
from records import (
    CRC_BYTES,
    END_OF_NUMBERS,
    HEADER_BYTES,
    LARGEST_CIPHERTEXT_BYTES,
    SMALLEST_CIPHERTEXT_BYTES,
    SMALLEST_RECORD_BYTES,
    TAG_BYTES,
    DirectionKeys,
    is_intact,
)

DAMAGED_IN_A_ROW = 4
SEARCH_SECONDS = 5
PASSED_OVER_BYTES = 33554432
RECORD_SECONDS, BYTE_SECONDS = 180, 15


class Incoming:
    """Takes records off the front of `stream.incoming`."""

    def __init__(self, stream, suite, secret):
        self._stream = stream
        self._keys = DirectionKeys(suite, secret)
        self._begun_since = None
        self._search_since = None
        self._passed_over_bytes = 0
        self._naks_for_expected = 0
        self._damaged_in_a_row = 0
        self._asked_at = None
        self._repetitions_from = None
        self.expected = 0
        # How many records were asked for again.
        self.asked = 0
        # Numbers of records to take for damaged, each once for every time that it stands here.
        self.damaged_numbers = []

    def take(self, ask):
        """
        The next record's plaintext and its size in all, or None if it is not whole yet. Calls `ask` where NAK is
        due.
        """
        while True:
            if self._search_since is not None and not self._find():
                return None
            record = self._whole_record()
            if record is None:
                return None
            if self._is_damaged(record):
                self._ask(ask)
                continue
            sequence = int.from_bytes(record[:4], "big")
            if sequence == self.expected and sequence < END_OF_NUMBERS:
                self._drop(len(record))
                return self._open(record), len(record)
            if self._repetitions_from is None or not self._repetitions_from <= sequence < self.expected:
                raise Failure("bad_sequence", f"record {sequence} came, {self.expected} was expected")
            self._damaged_in_a_row = 0
            self._pass_over(len(record))

    def watch_times(self, last_read):
        """Gives up where a record or a search does not come to an end; `last_read` is when the last byte came."""
        now = time.monotonic()
        if self._search_since is not None and now - self._search_since >= SEARCH_SECONDS:
            raise Failure("connection_lost", "the record that was asked for does not come")
        if self._begun_since is not None:
            if now - self._begun_since >= RECORD_SECONDS or now - last_read >= BYTE_SECONDS:
                raise Failure("connection_lost", "a record does not become whole")

    def _whole_record(self):
        """The bytes of the record at the front, or None as long as some of them are missing."""
        incoming = self._stream.incoming
        if incoming and self._begun_since is None:
            self._begun_since = time.monotonic()
        if len(incoming) < HEADER_BYTES:
            return None
        size = int.from_bytes(incoming[4:HEADER_BYTES], "big")
        if not SMALLEST_CIPHERTEXT_BYTES <= size <= LARGEST_CIPHERTEXT_BYTES:
            raise Failure("connection_lost", "a record's size is out of bounds")
        whole = HEADER_BYTES + size + TAG_BYTES + CRC_BYTES
        if len(incoming) < whole:
            return None
        self._begun_since = None
        return bytes(incoming[:whole])

    def _is_damaged(self, record):
        sequence = int.from_bytes(record[:4], "big")
        if sequence in self.damaged_numbers:
            self.damaged_numbers.remove(sequence)
            return True
        return not is_intact(record)

    def _ask(self, ask):
        """
        The record at the front is damaged: begins to search or goes on, and sends NAK unless it has done so since more
        bytes came.
        """
        self._damaged_in_a_row += 1
        if self._damaged_in_a_row >= DAMAGED_IN_A_ROW:
            raise Failure("connection_lost", "the line is too noisy")
        if self._asked_at != self._stream.read_bytes:
            self._asked_at = self._stream.read_bytes
            self.asked += 1
            self._naks_for_expected += 1
            if self.asked > NAKS_A_SESSION:
                raise Failure("connection_lost", "the line is too noisy")
            if self._naks_for_expected > 1 and self._repetitions_from is None:
                self._repetitions_from = self.expected
            ask(self.expected)
        if self._search_since is None:
            self._search_since = time.monotonic()
            self._pass_over(SMALLEST_RECORD_BYTES)
        else:
            self._pass_over(HEADER_BYTES)

    def _find(self):
        """Passes over all before the expected number with a possible size; says whether they are there."""
        incoming, wanted = self._stream.incoming, number(self.expected, 4)
        while True:
            at = incoming.find(wanted)
            if at < 0:
                self._pass_over(max(len(incoming) - len(wanted) + 1, 0))
                return False
            self._pass_over(at)
            if len(incoming) < HEADER_BYTES:
                return False
            size = int.from_bytes(incoming[4:HEADER_BYTES], "big")
            if SMALLEST_CIPHERTEXT_BYTES <= size <= LARGEST_CIPHERTEXT_BYTES:
                return True
            self._pass_over(1)

    def _open(self, record):
        try:
            plaintext = self._keys.open(self.expected, record)
        except InvalidTag:
            raise Failure("bad_record", "a record has a good CRC and a bad tag") from None
        self._search_since = None
        self._passed_over_bytes = 0
        self._naks_for_expected = self._damaged_in_a_row = 0
        self.expected += 1
        return plaintext

    def _pass_over(self, size):
        self._drop(size)
        self._passed_over_bytes += size
        if self._passed_over_bytes > PASSED_OVER_BYTES:
            raise Failure("connection_lost", "too much was passed over")

    def _drop(self, size):
        del self._stream.incoming[:size]
