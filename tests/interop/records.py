"""Section "Records": what a record is, and the keys that open and seal it."""

import zlib

from fields import number
from key_schedule import TrafficKey

HEADER_BYTES, TAG_BYTES, CRC_BYTES = 8, 16, 4
SMALLEST_CIPHERTEXT_BYTES, LARGEST_CIPHERTEXT_BYTES = 5, 1 << 20
SMALLEST_RECORD_BYTES = HEADER_BYTES + SMALLEST_CIPHERTEXT_BYTES + TAG_BYTES + CRC_BYTES
GENERATION_BITS = 16
END_OF_NUMBERS = 2**32 - 2**16


def record_bytes(body):
    """How large the record of a message with this body is."""
    return SMALLEST_RECORD_BYTES + len(body)


def is_intact(record):
    return record[-CRC_BYTES:] == crc(record[:-CRC_BYTES])


def crc(data):
    return number(zlib.crc32(data), CRC_BYTES)


class DirectionKeys:
    """The keys of one direction: one generation after the other, the old one forgotten."""

    def __init__(self, suite, secret):
        self._key = TrafficKey(suite, secret)
        self._generation = 0

    def seal(self, sequence, plaintext):
        """The whole record."""
        header = number(sequence, 4) + number(len(plaintext), 4)
        record = header + self._key_for(sequence).seal(sequence, plaintext, header)
        return record + crc(record)

    def open(self, sequence, record):
        """The plaintext; raises cryptography's InvalidTag."""
        header, sealed = record[:HEADER_BYTES], record[HEADER_BYTES:-CRC_BYTES]
        return self._key_for(sequence).open(sequence, sealed, header)

    def _key_for(self, sequence):
        while self._generation < sequence >> GENERATION_BITS:
            self._key = self._key.next_generation()
            self._generation += 1
        return self._key
